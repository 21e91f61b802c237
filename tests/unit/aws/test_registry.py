from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import Isolation, Limits, Tenant, TenantId, TenantStatus
from tests.registry_table import create_registry_table

REGION, TABLE = "ap-south-1", "registry"
ACME = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.DATABASE, "s1")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with mock_aws():
        dynamodb = aws_client("dynamodb", REGION)
        create_registry_table(dynamodb, TABLE)
        yield Registry(dynamodb, TABLE)


@pytest.mark.parametrize(
    "settings", [DataApiSettings(), DataApiSettings(("api", 'a "quoted" ünicode'), aggregates=True, max_rows=20)]
)
def test_a_tenants_data_api_is_read_as_it_was_stored(registry: Registry, settings: DataApiSettings) -> None:
    registry.put_tenant(replace(ACME, data_api=settings))
    found = registry.tenant(ACME.tenant_id)
    assert found is not None
    assert found.data_api == settings


def store(**fields: str) -> None:
    item = {"pk": "TENANT", "sk": "acme", "status": "active", "isolation": "database", "server_id": "s1", **fields}
    aws_client("dynamodb", REGION).put_item(TableName=TABLE, Item={name: {"S": value} for name, value in item.items()})


def item() -> Any:
    key = {"pk": {"S": "TENANT"}, "sk": {"S": "acme"}}
    return aws_client("dynamodb", REGION).get_item(TableName=TABLE, Key=key)["Item"]


def test_a_tenant_that_an_older_version_stored_has_the_default(registry: Registry) -> None:
    store()
    # But for a quota: an update must not let anybody's writing stop.
    assert registry.tenant(ACME.tenant_id) == replace(ACME, limits=Limits(max_bytes=0))


def test_whether_a_tenant_is_over_its_quota_is_all_that_a_mark_changes(registry: Registry) -> None:
    store(limits='{"connections": 7}', relocation="x", of_a_newer_version="y")
    before = item()
    registry.mark_over_quota(ACME.tenant_id, is_over=True)
    assert item() == before | {"over_quota": {"S": "yes"}}
    found = registry.tenant(ACME.tenant_id)
    assert found is not None
    assert found.over_quota
    # Whoever writes the item keeps the mark.
    registry.put_tenant(found)
    assert "over_quota" in item()
    registry.mark_over_quota(ACME.tenant_id, is_over=False)
    assert "over_quota" not in item()


def test_a_tenant_that_has_gone_is_not_marked(registry: Registry) -> None:
    registry.mark_over_quota(ACME.tenant_id, is_over=True)
    assert registry.tenant(ACME.tenant_id) is None


def test_settings_that_somebody_has_broken_are_not_taken_for_the_default(registry: Registry) -> None:
    store(data_api='{"schemas":["pg_catalog"]}')
    with pytest.raises(BadRequest):
        registry.tenant(ACME.tenant_id)

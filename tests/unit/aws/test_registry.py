from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus

REGION, TABLE = "ap-south-1", "registry"
ACME = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.DATABASE, "s1")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with mock_aws():
        dynamodb = aws_client("dynamodb", REGION)
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
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


def test_a_tenant_that_an_older_version_stored_has_the_default(registry: Registry) -> None:
    store()
    assert registry.tenant(ACME.tenant_id) == ACME


def test_settings_that_somebody_has_broken_are_not_taken_for_the_default(registry: Registry) -> None:
    store(data_api='{"schemas":["pg_catalog"]}')
    with pytest.raises(BadRequest):
        registry.tenant(ACME.tenant_id)

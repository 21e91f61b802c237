"""Both reports over tenants of all three isolation models, in the databases that they share."""

from decimal import Decimal

import pytest

from tenantry.domain.tenant import Isolation, TenantId
from tenantry.reports.drift.findings import Drift
from tests.integration.reports.conftest import SERVER, Fleet
from tests.integration.reports.cost.test_cost import estimate, of

SHARING = {
    TenantId("by-schema-1"): Isolation.SCHEMA,
    TenantId("by-schema-2"): Isolation.SCHEMA,
    TenantId("by-row-1"): Isolation.POOLED,
    TenantId("by-row-2"): Isolation.POOLED,
}


@pytest.fixture
def sharing(fleet: Fleet) -> Fleet:
    for tenant_id, isolation in SHARING.items():
        fleet.add(tenant_id, isolation)
    return fleet


def test_tenants_of_every_model_agree_with_the_registry(sharing: Fleet) -> None:
    report = sharing.drift()
    assert (report.findings, report.unchecked, report.tenants) == ([], [], 6)


@pytest.mark.parametrize("tenant", ["by-schema-1", "by-row-1"])
def test_a_fence_in_a_shared_database_is_found(sharing: Fleet, tenant: str) -> None:
    credentials = sharing.credentials[TenantId(tenant)]
    alter = f'ALTER ROLE "{credentials.username}" IN DATABASE "{credentials.dbname}"'
    sharing.execute(f"{alter} SET default_transaction_read_only = on")
    assert sharing.found() == {(Drift.FENCE_LEFT, tenant)}


def test_a_schema_that_is_gone_is_found(sharing: Fleet) -> None:
    sharing.execute('DROP SCHEMA "by-schema-1" CASCADE', "tenantry_schemas")
    assert (Drift.SCHEMA_MISSING, "by-schema-1") in sharing.found()


def test_the_pools_own_revision_is_compared(sharing: Fleet) -> None:
    sharing.execute("UPDATE alembic_version SET version_num = '0000'", "tenantry_pool")
    found = sharing.found()
    assert found == {(Drift.SCHEMA_REVISION, "by-row-1"), (Drift.SCHEMA_REVISION, "by-row-2")}


def test_every_model_is_charged(sharing: Fleet) -> None:
    shown = estimate(sharing)
    assert shown["isolation"].keys() == {"database", "schema", "pooled"}
    for tenant_id in SHARING:
        cost = of(shown, tenant_id)
        assert cost["data_bytes"] is not None
        assert cost["backup_bytes"] > 0
    assert shown["unchecked"] == []
    assert [server["tenants"] for server in shown["servers"] if server["server"] == SERVER] == [6]
    assert Decimal(shown["total"]) == sum(Decimal(amount) for amount in shown["isolation"].values())

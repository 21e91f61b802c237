"""Schemas of a shared database: the tenants that they belong to, and those that nobody needs any more."""

from dataclasses import replace

import pytest

from tenantry.domain.server import Server
from tenantry.domain.tenant import SCHEMAS_DATABASE, Home, Isolation, Tenant, TenantId, TenantStatus
from tenantry.reports.drift.findings import Drift
from tenantry.reports.drift.fleet import DatabaseOnServer, Fleet, RoleOnServer, ServerContent, role_names
from tenantry.reports.drift.judging_servers import judge_server

ACME = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.SCHEMA, "s-1")
KEPT = Home("s-1", Isolation.SCHEMA, SCHEMAS_DATABASE, "acme_before_0123456789")


def found(tenant: Tenant, schema: str) -> set[Drift]:
    """Return the findings about a tenant with everything that it has to have, and this schema."""
    content = ServerContent(
        databases=[DatabaseOnServer(SCHEMAS_DATABASE, "tenantry_admin", None)],
        schemas=["acme", schema],
        roles=[RoleOnServer(name, tenant.limits.connections) for name in role_names(tenant.tenant_id)],
        read_only=[],
        pool_revision=None,
    )
    fleet = Fleet([tenant], [Server("s-1", "eu-west-1", "host", 5432)])
    return {finding.kind for finding in judge_server(fleet, "s-1", content)}


@pytest.mark.parametrize("schema", ["acme_restored_0123456789", "acme_replaced_0123456789"])
def test_single_tables_may_lie_beside_the_tenants_own(schema: str) -> None:
    assert found(ACME, schema) == set()


def test_single_tables_of_nobody_are_nobodys() -> None:
    assert found(ACME, "ghost_restored_0123456789") == {Drift.SCHEMA_UNKNOWN}


def test_what_a_restore_keeps_is_expected_as_long_as_the_tenant_can_go_back() -> None:
    assert found(ACME, KEPT.schema) == {Drift.SCHEMA_LEFT}
    assert found(replace(ACME, former_home=KEPT), KEPT.schema) == set()


def test_what_a_restore_that_died_has_filled_is_left_once_none_runs() -> None:
    beside = "acme_restore_0123456789"
    assert found(replace(ACME, relocation="01ARZ3NDEKTSV4RRFFQ69G5FAV"), beside) == set()
    assert found(ACME, beside) == {Drift.SCHEMA_LEFT}

"""The isolation report on tenants that share a database: in schemas, or in pooled tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tenantry.reports.isolation.findings import Finding, Hole, Severity
from tenantry.servers.server_admin import ServerAdmin
from tests.integration.conftest import World
from tests.integration.reports.isolation.conftest import SERVER, Audit, holes

SHARED = {
    Isolation.POOLED: """
        CREATE SCHEMA pool; GRANT USAGE ON SCHEMA pool TO "{a}_editor", "{b}_editor";
        CREATE TABLE pool.notes (tenant_id text NOT NULL, id int NOT NULL, body text, PRIMARY KEY (tenant_id, id));
        ALTER TABLE pool.notes ENABLE ROW LEVEL SECURITY; ALTER TABLE pool.notes FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON pool.notes
            USING (tenant_id = (SELECT substring(session_user::text, '^(.+)_login_[ab]$')))
            WITH CHECK (tenant_id = (SELECT substring(session_user::text, '^(.+)_login_[ab]$')));
        GRANT SELECT, INSERT, UPDATE, DELETE ON pool.notes TO "{a}_editor", "{b}_editor";
        INSERT INTO pool.notes VALUES ('{a}', 1), ('{b}', 1)""",
    Isolation.SCHEMA: """
        CREATE SCHEMA "{a}" AUTHORIZATION "{a}_owner"; CREATE SCHEMA "{b}" AUTHORIZATION "{b}_owner";
        CREATE TABLE "{a}".notes (id int); ALTER TABLE "{a}".notes OWNER TO "{a}_owner";
        CREATE TABLE "{b}".notes (id int); ALTER TABLE "{b}".notes OWNER TO "{b}_owner" """,
}


@contextmanager
def shared_database(world: World, isolation: Isolation) -> Iterator[dict[str, str]]:
    """Both tenants in one database, made by hand."""
    first, second = world.tenants
    names = {"a": first.value, "b": second.value}
    world.execute("CREATE DATABASE shared")
    world.execute("REVOKE ALL ON DATABASE shared FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC", "shared")
    world.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC", "shared")
    world.execute(SHARED[isolation].format(**names), "shared")
    for tenant in (first, second):
        login = world.credentials[tenant].username
        world.execute(f'GRANT CONNECT ON DATABASE shared TO "{login}"')
        world.execute(f"ALTER ROLE \"{login}\" SET tenantry.tenant_id = '{tenant}'")
        move(world, tenant, isolation, "pool" if isolation is Isolation.POOLED else tenant.value)
    try:
        yield names
    finally:
        world.execute("DROP DATABASE shared WITH (FORCE)")
        for tenant in (first, second):
            world.execute(f'ALTER ROLE "{world.credentials[tenant].username}" RESET tenantry.tenant_id')
            world.registry.put_tenant(Tenant(tenant, TenantStatus.ACTIVE, Isolation.DATABASE, SERVER))
            world.secrets.write(tenant, world.credentials[tenant])
            ServerAdmin(world.admin).dump_logins.make(tenant, "of a test", Isolation.DATABASE)


def move(world: World, tenant: TenantId, isolation: Isolation, schema: str) -> None:
    # As a move does: what reads everything in a database of the tenant's own is not for one that others share.
    logins = ServerAdmin(world.admin).dump_logins
    if isolation is Isolation.POOLED:
        logins.drop(tenant)
    else:
        logins.make(tenant, "of a test", isolation)
    world.registry.put_tenant(Tenant(tenant, TenantStatus.ACTIVE, isolation, SERVER))
    there = replace(world.credentials[tenant], dbname="shared", schema=schema, isolation=isolation)
    world.secrets.write(tenant, there)


@pytest.mark.parametrize("isolation", [Isolation.POOLED, Isolation.SCHEMA])
def test_tenants_that_share_a_database_and_are_isolated_pass(world: World, audit: Audit, isolation: Isolation) -> None:
    with shared_database(world, isolation):
        report = audit()
    assert (report.findings, report.unchecked) == ([], [])


def test_a_login_for_dumps_that_reads_what_others_have_is_found(world: World, audit: Audit) -> None:
    """Where tenants share a database, it may read no more than its tenant's owner, past policies of its own tables."""
    tenant = world.tenants[0]
    with shared_database(world, Isolation.SCHEMA):
        ServerAdmin(world.admin).dump_logins.make(tenant, "of a test", Isolation.DATABASE)
        report = audit()
    assert {(finding.what, finding.where) for finding in report.findings} == {
        (Hole.FOREIGN_MEMBERSHIP, f"{tenant}_dump in pg_read_all_data"),
    }
    with shared_database(world, Isolation.POOLED):
        ServerAdmin(world.admin).dump_logins.make(tenant, "of a test", Isolation.SCHEMA)
        report = audit()
    assert {(finding.what, finding.where) for finding in report.findings} == {
        (Hole.ROLE_ATTRIBUTE, f"{tenant}_dump BYPASSRLS"),
        (Hole.ROLE_ATTRIBUTE, f"{tenant}_dump INHERIT"),
        (Hole.INHERITED_RIGHTS, f"{tenant}_dump in {tenant}_owner"),
    }


POOL_GAPS: dict[str, tuple[str, set[tuple[Hole, str]]]] = {
    "no row-level security": (
        "ALTER TABLE pool.notes DISABLE ROW LEVEL SECURITY",
        {(Hole.NO_ROW_SECURITY, "pool.notes"), (Hole.ROWS_READABLE, "pool.notes"), (Hole.ROWS_WRITABLE, "pool.notes")},
    ),
    "not forced upon a tenant that owns the table": (
        'ALTER TABLE pool.notes NO FORCE ROW LEVEL SECURITY; ALTER TABLE pool.notes OWNER TO "{a}_editor"',
        {(Hole.NO_ROW_SECURITY, "pool.notes"), (Hole.ROWS_READABLE, "pool.notes"), (Hole.ROWS_WRITABLE, "pool.notes")},
    ),
    "a policy that believes the session": (
        "CREATE POLICY said ON pool.notes USING (tenant_id = current_setting('app.tenant_id', true))",
        {(Hole.ROWS_READABLE, "pool.notes"), (Hole.ROWS_WRITABLE, "pool.notes")},
    ),
    "a policy for two tenants": (
        "CREATE POLICY two ON pool.notes FOR INSERT WITH CHECK (session_user = '{a}_login_a' AND tenant_id = '{b}')",
        {(Hole.ROWS_WRITABLE, "pool.notes")},
    ),
    "a policy for reading only": (
        "CREATE POLICY readers ON pool.notes FOR SELECT USING (true)",
        {(Hole.ROWS_READABLE, "pool.notes")},
    ),
    "a view that reads as its owner": (
        'CREATE VIEW pool.every AS SELECT * FROM pool.notes; GRANT SELECT ON pool.every TO "{a}_editor"',
        {(Hole.ROWS_READABLE, "pool.every")},
    ),
    "an index that does not lead with the tenant": (
        "CREATE INDEX by_body ON pool.notes (body); CREATE INDEX by_expression ON pool.notes (lower(body), tenant_id)",
        {(Hole.INDEX_ORDER, "pool.by_body"), (Hole.INDEX_ORDER, "pool.by_expression")},
    ),
}


@pytest.mark.parametrize(("made", "found"), POOL_GAPS.values(), ids=POOL_GAPS.keys())
def test_a_hole_in_a_pooled_database_is_found(
    world: World, audit: Audit, made: str, found: set[tuple[Hole, str]]
) -> None:
    with shared_database(world, Isolation.POOLED) as names:
        world.execute(made.format(**names), "shared")
        reports = audit(), audit(each=0)
    for report in reports:
        assert {(finding.what, finding.where) for finding in report.findings} == found


def test_a_hole_between_schemas_is_found(world: World, audit: Audit) -> None:
    with shared_database(world, Isolation.SCHEMA) as names:
        world.execute('GRANT CREATE, USAGE ON SCHEMA "{b}" TO "{a}_owner"'.format(**names), "shared")
        world.execute('GRANT SELECT ON "{b}".notes TO "{a}_owner"'.format(**names), "shared")
        report, found_without_luck = audit(), holes(audit(each=0))
    first, second = names["a"], names["b"]
    assert (
        holes(report)
        == found_without_luck
        == {
            (Hole.FOREIGN_GRANT, first, "shared"),
            (Hole.ROWS_READABLE, first, second),
            (Hole.ROWS_WRITABLE, first, second),
        }
    )


def test_a_database_that_is_shared_has_no_identity_of_its_own(world: World, audit: Audit) -> None:
    with shared_database(world, Isolation.SCHEMA) as names:
        world.execute(f"ALTER DATABASE shared SET tenantry.tenant_id = '{names['a']}'")
        findings: list[Any] = audit().findings
    assert findings == [
        Finding(Hole.DATABASE_IDENTITY, Severity.HIGH, SERVER, "", names["a"], "shared"),
    ]

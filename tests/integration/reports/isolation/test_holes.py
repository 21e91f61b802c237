"""Each kind of hole in the isolation that is made on purpose is found and named."""

from contextlib import closing
from dataclasses import dataclass

import pytest

from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.reports.isolation.findings import Hole
from tests.integration.conftest import REGION, TABLE, World
from tests.integration.reports.isolation.conftest import Audit, holes
from tests.postgres import temporary_postgres


@dataclass(frozen=True)
class Gap:
    """A hole: how it is made and mended (`{a}` and `{b}` are tenants), where, and the expected finding."""

    made: str
    mended: str
    found: tuple[tuple[Hole, str, str], ...]
    in_database: bool = False


GAPS = {
    "public may connect to a tenant's database": Gap(
        'GRANT CONNECT ON DATABASE "{b}" TO PUBLIC',
        'REVOKE CONNECT ON DATABASE "{b}" FROM PUBLIC',
        ((Hole.PUBLIC_CONNECT, "b", ""), (Hole.LOGIN_ACCEPTED, "a", "b")),
    ),
    "public may connect to a maintenance database": Gap(
        "GRANT CONNECT ON DATABASE postgres TO PUBLIC",
        "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
        ((Hole.PUBLIC_CONNECT, "", ""), (Hole.LOGIN_ACCEPTED, "a", "postgres"), (Hole.LOGIN_ACCEPTED, "b", "postgres")),
    ),
    "a tenant may connect to another's database": Gap(
        'GRANT CONNECT ON DATABASE "{b}" TO "{a}_viewer"; GRANT "{a}_viewer" TO "{a}_login_a" WITH INHERIT TRUE',
        'REVOKE CONNECT ON DATABASE "{b}" FROM "{a}_viewer"; GRANT "{a}_viewer" TO "{a}_login_a" WITH INHERIT FALSE',
        ((Hole.FOREIGN_CONNECT, "a", "b"), (Hole.LOGIN_ACCEPTED, "a", "b"), (Hole.INHERITED_RIGHTS, "a", "")),
    ),
    "roles have attributes": Gap(
        'ALTER ROLE "{a}_editor" BYPASSRLS CREATEROLE CREATEDB REPLICATION INHERIT',
        'ALTER ROLE "{a}_editor" NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION NOINHERIT',
        ((Hole.ROLE_ATTRIBUTE, "a", ""), (Hole.ROLES_MADE, "a", "")),
    ),
    "a login is a member of another tenant's role": Gap(
        'GRANT "{b}_viewer" TO "{a}_login_a"',
        'REVOKE "{b}_viewer" FROM "{a}_login_a"',
        ((Hole.FOREIGN_MEMBERSHIP, "a", "b"), (Hole.ROLE_ASSUMED, "a", "b")),
    ),
    "a role may read the server's files": Gap(
        'GRANT pg_read_server_files TO "{a}_owner" WITH INHERIT TRUE',
        'REVOKE pg_read_server_files FROM "{a}_owner"',
        (
            (Hole.FOREIGN_MEMBERSHIP, "a", "pg_read_server_files"),
            (Hole.ROLE_ASSUMED, "a", "pg_read_server_files"),
        ),
    ),
    "somebody else is a member of a tenant's role": Gap(
        'CREATE ROLE auditor LOGIN; GRANT "{a}_viewer" TO auditor',
        "DROP ROLE auditor",
        ((Hole.FOREIGN_MEMBERSHIP, "a", "auditor"),),
    ),
    "the other tenant's identity": Gap(
        "ALTER DATABASE \"{a}\" SET tenantry.tenant_id = '{b}'",
        "ALTER DATABASE \"{a}\" SET tenantry.tenant_id = '{a}'",
        ((Hole.DATABASE_IDENTITY, "a", "b"), (Hole.WRONG_IDENTITY, "a", "b")),
    ),
    "nobody's identity": Gap(
        'ALTER DATABASE "{a}" RESET tenantry.tenant_id',
        "ALTER DATABASE \"{a}\" SET tenantry.tenant_id = '{a}'",
        ((Hole.DATABASE_IDENTITY, "a", ""), (Hole.WRONG_IDENTITY, "a", "")),
    ),
    "a login that says it is another": Gap(
        "ALTER ROLE \"{a}_login_a\" SET tenantry.tenant_id = '{b}'",
        'ALTER ROLE "{a}_login_a" RESET tenantry.tenant_id',
        ((Hole.WRONG_IDENTITY, "a", "b"),),
    ),
    "public may read a table": Gap(
        "GRANT SELECT ON candidates TO PUBLIC",
        "REVOKE SELECT ON candidates FROM PUBLIC",
        ((Hole.PUBLIC_GRANT, "a", "a"),),
        in_database=True,
    ),
    "public may read a column": Gap(
        "GRANT SELECT (email) ON candidates TO PUBLIC",
        "REVOKE SELECT (email) ON candidates FROM PUBLIC",
        ((Hole.PUBLIC_GRANT, "a", "a"),),
        in_database=True,
    ),
    "public may use a schema": Gap(
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
        ((Hole.PUBLIC_GRANT, "a", "a"),),
        in_database=True,
    ),
    "public may read what is made later": Gap(
        'ALTER DEFAULT PRIVILEGES FOR ROLE "{a}_owner" GRANT SELECT ON TABLES TO PUBLIC',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "{a}_owner" REVOKE SELECT ON TABLES FROM PUBLIC',
        ((Hole.PUBLIC_GRANT, "a", "a"),),
        in_database=True,
    ),
    "another tenant may read a table": Gap(
        'GRANT SELECT ON candidates TO "{b}_viewer"',
        'REVOKE SELECT ON candidates FROM "{b}_viewer"',
        ((Hole.FOREIGN_GRANT, "b", "a"),),
        in_database=True,
    ),
    "a function with a superuser's rights": Gap(
        "CREATE FUNCTION lift() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "DROP FUNCTION lift()",
        ((Hole.SUPERUSER_FUNCTION, "a", "a"),),
        in_database=True,
    ),
}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS.keys())
def test_a_hole_is_found_and_named(world: World, audit: Audit, gap: Gap) -> None:
    first, second = (tenant.value for tenant in world.tenants)
    names = {"a": first, "b": second}
    database = first if gap.in_database else "postgres"
    world.execute(gap.made.format(**names), database)
    try:
        report = audit()
        # Among thousands of tenants, what the catalogues leave open is tried all the same.
        found_without_luck = holes(audit(each=0))
    finally:
        world.execute(gap.mended.format(**names), database)
    expected = {(what, names.get(tenant, tenant), names.get(other, other)) for what, tenant, other in gap.found}
    assert expected == holes(report) == found_without_luck
    assert not report.passed
    assert audit().findings == []


def test_a_superuser_is_found_by_everything_that_it_can_do(world: World, audit: Audit) -> None:
    first, second = (tenant.value for tenant in world.tenants)
    world.execute(f'ALTER ROLE "{first}_login_a" SUPERUSER')
    try:
        report = audit()
    finally:
        world.execute(f'ALTER ROLE "{first}_login_a" NOSUPERUSER')
    on_the_server = {Hole.ROLE_ATTRIBUTE, Hole.PASSWORDS_READABLE, Hole.FILES_READABLE, Hole.FILES_WRITABLE}
    on_the_server |= {Hole.PROGRAMS_RUN, Hole.ROLES_MADE}
    of_the_other = {Hole.LOGIN_ACCEPTED, Hole.ROWS_READABLE, Hole.ROLE_ASSUMED}
    assert {(hole, first, "") for hole in on_the_server} <= holes(report)
    assert {(hole, first, second) for hole in of_the_other} <= holes(report)
    assert {finding.tenant for finding in report.findings} == {first}
    assert world.execute("SELECT FROM pg_roles WHERE rolname = 'tenantry_audit_attempt'") == []


def test_credentials_that_another_server_takes_are_found(
    world: World, audit: Audit, administrators: ServerSecrets
) -> None:
    """The other server has a login with the tenant's name and password."""
    first = world.tenants[0]
    mine = world.credentials[first]
    with temporary_postgres("elsewhere") as other:
        try:
            with closing(other.connect()) as connection, connection, connection.cursor() as cursor:
                cursor.execute(f"CREATE ROLE \"{mine.username}\" LOGIN PASSWORD '{mine.password}' NOINHERIT")
                cursor.execute("REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
            world.registry.put_server(Server("elsewhere", REGION, other.host, other.port, sslmode="disable"))
            login = Credentials(other.host, other.port, "postgres", other.admin_user, other.admin_password, "disable")
            administrators.write("elsewhere", login)
            report, found_without_luck = audit(), holes(audit(each=0))
        finally:
            world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": "elsewhere"}})
    expected = {(Hole.LOGIN_ACCEPTED, first.value, "postgres"), (Hole.PUBLIC_CONNECT, "", "")}
    assert holes(report) == found_without_luck == expected


def test_what_a_restore_left_aside_of_a_tenants_own_is_no_hole(world: World, audit: Audit) -> None:
    first = world.tenants[0]
    world.execute("CREATE DATABASE aside")
    try:
        world.execute(f"ALTER DATABASE aside SET tenantry.tenant_id = '{first}'")
        world.execute(f'REVOKE ALL ON DATABASE aside FROM PUBLIC; GRANT CONNECT ON DATABASE aside TO "{first}_login_a"')
        mine = audit()
        world.execute("ALTER DATABASE aside RESET tenantry.tenant_id")
        nobodys = audit()
    finally:
        world.execute("DROP DATABASE aside WITH (FORCE)")
    assert (mine.findings, mine.unchecked) == ([], [])
    assert {finding.what for finding in nobodys.findings} == {Hole.LOGIN_ACCEPTED, Hole.FOREIGN_CONNECT}

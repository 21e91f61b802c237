"""The isolation report: tenants that are isolated pass, and each kind of hole made on purpose is found and named."""

import json
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.ports import free_ports
from local.postgres_server import PostgresServer
from tenantry.adapters.aws import aws_client
from tenantry.adapters.isolation_probe import DatedSecrets
from tenantry.adapters.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.report import Finding, Hole, IsolationReport, Severity
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tenantry.services.isolation_report import IsolationAudit
from tests.integration.conftest import REGION, STAGE, TABLE, World

SERVER = "local"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own: what other tests leave open for a moment is no finding here."""
    with tempfile.TemporaryDirectory(prefix="tenantry-isolation-") as directory:
        server = PostgresServer(Path(directory), name="for the audit", port=free_ports(1)[0], durable=False)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def administrators(world: World) -> ServerSecrets:
    """The server, registered."""
    server, store = world.server, ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    world.registry.put_server(Server(SERVER, REGION, server.host, server.port, sslmode="disable"))
    login = Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")
    store.write(SERVER, login)
    return store


type Audit = Callable[..., IsolationReport]


@pytest.fixture
def audit(world: World, administrators: ServerSecrets) -> Audit:
    def run(max_age: timedelta = timedelta(days=1), deadline: float | None = None) -> IsolationReport:
        secrets = DatedSecrets(aws_client("secretsmanager", REGION), STAGE)
        return IsolationAudit(world.registry, secrets, administrators, max_age).run(deadline)

    return run


def holes(report: IsolationReport) -> set[tuple[Hole, str, str]]:
    return {(finding.what, finding.tenant, finding.other) for finding in report.findings}


def test_tenants_that_are_isolated_pass(world: World, audit: Audit) -> None:
    report = audit()
    assert (report.findings, report.unchecked, report.passed) == ([], [], True)
    assert report.tenants == 2
    assert set(report.attempts_by_tenant) == {tenant.value for tenant in world.tenants}
    assert sum(report.attempts_by_server.values()) == report.attempts > 50
    assert report.started_at.endswith("+00:00")
    assert json.loads(json.dumps(report.to_json()))["passed"] is True


@dataclass(frozen=True)
class Gap:
    """A hole: how it is made and mended (`{a}` and `{b}` are tenants), where, and what has to be found of it."""

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
    finally:
        world.execute(gap.mended.format(**names), database)
    expected = {(what, names.get(tenant, tenant), names.get(other, other)) for what, tenant, other in gap.found}
    assert expected == holes(report)
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


def test_the_worst_comes_first_and_nothing_of_a_secret_is_told(world: World, audit: Audit) -> None:
    first, second = world.tenants
    world.execute(f'ALTER ROLE "{first}_login_a" SUPERUSER; GRANT CONNECT ON DATABASE "{second}" TO PUBLIC')
    try:
        report = audit(max_age=timedelta(0))
    finally:
        world.execute(f'ALTER ROLE "{first}_login_a" NOSUPERUSER; REVOKE CONNECT ON DATABASE "{second}" FROM PUBLIC')
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=list(Severity).index)
    assert {Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM} == set(severities)
    text = json.dumps(report.to_json())
    for credentials in world.credentials.values():
        assert credentials.password not in text
        assert credentials.host not in text
        assert f'"{credentials.port}"' not in text
    assert world.server.admin_password not in text


def test_a_secret_that_is_overdue_for_rotation_is_found(world: World, audit: Audit) -> None:
    report = audit(max_age=timedelta(0))
    assert holes(report) == {(Hole.ROTATION_OVERDUE, tenant.value, "") for tenant in world.tenants}


def test_a_tenant_that_can_not_log_in_is_listed_and_the_rest_is_checked(world: World, audit: Audit) -> None:
    first, second = world.tenants
    mine = world.credentials[first]
    world.secrets.write(first, replace(mine, password="another"))
    world.execute(f'GRANT CONNECT ON DATABASE "{first}" TO PUBLIC')
    try:
        report = audit()
    finally:
        world.execute(f'REVOKE CONNECT ON DATABASE "{first}" FROM PUBLIC')
        world.secrets.write(first, mine)
    assert [(item.tenant, item.code) for item in report.unchecked] == [(first.value, "28P01")]
    assert (Hole.LOGIN_ACCEPTED, second.value, first.value) in holes(report)


def test_a_tenant_without_credentials_is_listed(world: World, audit: Audit) -> None:
    world.registry.put_tenant(Tenant(TenantId("half-made"), TenantStatus.PROVISIONING, Isolation.DATABASE, SERVER))
    try:
        report = audit()
    finally:
        world.registry.delete_tenant(TenantId("half-made"))
    assert [(item.tenant, item.code) for item in report.unchecked] == [("half-made", "credentials_missing")]
    assert (report.findings, report.passed) == ([], False)


def test_a_server_whose_administrator_is_not_known_stops_nothing_else(world: World, audit: Audit) -> None:
    world.registry.put_server(Server("elsewhere", REGION, world.server.host, world.server.port, sslmode="disable"))
    try:
        report = audit()
    finally:
        world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": "elsewhere"}})
    assert [(item.server, item.tenant, item.code) for item in report.unchecked] == [("elsewhere", "", "server_unknown")]
    assert report.findings == []


def test_credentials_that_another_server_takes_are_found(
    world: World, audit: Audit, administrators: ServerSecrets
) -> None:
    """The other server has a login of the tenant's name with its password."""
    first = world.tenants[0]
    mine = world.credentials[first]
    with tempfile.TemporaryDirectory(prefix="tenantry-isolation-") as directory:
        other = PostgresServer(Path(directory), name="elsewhere", port=free_ports(1)[0], durable=False)
        try:
            other.start()
            with closing(other.connect()) as connection, connection, connection.cursor() as cursor:
                cursor.execute(f"CREATE ROLE \"{mine.username}\" LOGIN PASSWORD '{mine.password}' NOINHERIT")
                cursor.execute("REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
            world.registry.put_server(Server("elsewhere", REGION, other.host, other.port, sslmode="disable"))
            login = Credentials(other.host, other.port, "postgres", other.admin_user, other.admin_password, "disable")
            administrators.write("elsewhere", login)
            report = audit()
        finally:
            other.stop()
            world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": "elsewhere"}})
    assert holes(report) == {(Hole.LOGIN_ACCEPTED, first.value, "postgres"), (Hole.PUBLIC_CONNECT, "", "")}


def test_a_server_that_does_not_answer_is_asked_once_by_each_tenant(world: World, audit: Audit) -> None:
    with socket.socket() as reserved:  # bound and not listening: connections to it are refused
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        world.registry.put_server(Server("elsewhere", REGION, world.server.host, port, sslmode="disable"))
        try:
            report = audit()
        finally:
            world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": "elsewhere"}})
    silent = [item.tenant for item in report.unchecked if item.code == "08001"]
    assert sorted(silent) == sorted(["", *(tenant.value for tenant in world.tenants)])
    assert report.findings == []


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


def test_when_time_is_up_what_was_not_tried_is_listed(world: World, audit: Audit) -> None:
    report = audit(deadline=time.monotonic() - 1)
    assert {(item.tenant, item.code) for item in report.unchecked} == {(t.value, "out_of_time") for t in world.tenants}
    assert not report.passed


SHARED = {
    Isolation.POOLED: """
        CREATE SCHEMA pool; GRANT USAGE ON SCHEMA pool TO "{a}_editor", "{b}_editor";
        CREATE TABLE pool.notes (tenant_id text NOT NULL, id int NOT NULL, body text, PRIMARY KEY (tenant_id, id));
        ALTER TABLE pool.notes ENABLE ROW LEVEL SECURITY; ALTER TABLE pool.notes FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON pool.notes USING (tenant_id = split_part(session_user, '_', 1));
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


def move(world: World, tenant: TenantId, isolation: Isolation, schema: str) -> None:
    world.registry.put_tenant(Tenant(tenant, TenantStatus.ACTIVE, isolation, SERVER))
    there = replace(world.credentials[tenant], dbname="shared", schema=schema, isolation=isolation)
    world.secrets.write(tenant, there)


@pytest.mark.parametrize("isolation", [Isolation.POOLED, Isolation.SCHEMA])
def test_tenants_that_share_a_database_and_are_isolated_pass(world: World, audit: Audit, isolation: Isolation) -> None:
    with shared_database(world, isolation):
        report = audit()
    assert (report.findings, report.unchecked) == ([], [])


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
        report = audit()
    assert {(finding.what, finding.where) for finding in report.findings} == found


def test_a_hole_between_schemas_is_found(world: World, audit: Audit) -> None:
    with shared_database(world, Isolation.SCHEMA) as names:
        world.execute('GRANT CREATE, USAGE ON SCHEMA "{b}" TO "{a}_owner"'.format(**names), "shared")
        world.execute('GRANT SELECT ON "{b}".notes TO "{a}_owner"'.format(**names), "shared")
        report = audit()
    first, second = names["a"], names["b"]
    assert holes(report) == {
        (Hole.FOREIGN_GRANT, first, "shared"),
        (Hole.ROWS_READABLE, first, second),
        (Hole.ROWS_WRITABLE, first, second),
    }


def test_a_database_that_is_shared_has_no_identity_of_its_own(world: World, audit: Audit) -> None:
    with shared_database(world, Isolation.SCHEMA) as names:
        world.execute(f"ALTER DATABASE shared SET tenantry.tenant_id = '{names['a']}'")
        findings: list[Any] = audit().findings
    assert findings == [
        Finding(Hole.DATABASE_IDENTITY, Severity.HIGH, SERVER, "", names["a"], "shared"),
    ]

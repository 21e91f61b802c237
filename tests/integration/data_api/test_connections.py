"""query_tenant with broken connections, wrong credentials and wrong names."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from handlers import query_tenant
from local.processes import wait_until
from tenantry.aws.clients import aws_client
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.credentials import Credentials, secret_name
from tenantry.domain.errors import DatabaseUnavailable
from tenantry.domain.tenant import TenantId
from tests.integration.conftest import REGION, STAGE, World, clear_caches


@pytest.fixture(autouse=True)
def as_found(world: World) -> Iterator[None]:
    """Begin each test without connections, and put back in the end what it stored."""
    query_tenant._data_requests()._connections.close()
    clear_caches()
    yield
    for tenant_id, credentials in world.credentials.items():
        world.secrets.write(tenant_id, credentials)
        world.execute(f"ALTER ROLE \"{credentials.username}\" CONNECTION LIMIT 10 PASSWORD '{credentials.password}'")
        world.execute(f"ALTER DATABASE \"{tenant_id}\" SET tenantry.tenant_id = '{tenant_id}'")


def pids(world: World, tenant: TenantId) -> set[int]:
    rows = world.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{tenant}' AND usename <> current_user")
    return {pid for (pid,) in rows}


def end_sessions(world: World, tenant: TenantId) -> None:
    world.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{tenant}'")


def make_cutter(world: World, tenant: TenantId) -> None:
    """Make a function that ends its own session, which only a superuser's function may do."""
    world.execute(
        """CREATE OR REPLACE FUNCTION cutter() RETURNS boolean LANGUAGE sql SECURITY DEFINER VOLATILE
           AS 'SELECT pg_terminate_backend(pg_backend_pid())'""",
        tenant.value,
    )


def assert_tells_nothing(text: str, credentials: Credentials) -> None:
    for secret in (credentials.password, credentials.host, credentials.username, str(credentials.port)):
        assert secret not in text


def test_one_connection_serves_many_requests(world: World) -> None:
    tenant = world.tenants[0]
    world.call(tenant)
    first = pids(world, tenant)
    for _ in range(5):
        world.call(tenant)
    assert pids(world, tenant) == first
    assert len(first) == 1


def test_the_least_recently_used_connection_goes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_CONNECTIONS", "1")
    clear_caches()
    first, second = world.tenants
    world.call(first)
    world.call(second)
    assert len(query_tenant._data_requests()._connections._connections) == 1
    assert len(world.call(first).json) == 10


def test_an_old_connection_is_replaced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTION_AGE_SECONDS", "0")
    clear_caches()
    tenant = world.tenants[0]
    world.call(tenant)
    before = query_tenant._data_requests()._connections._connections[tenant]
    world.call(tenant)
    assert before.is_lost


@pytest.mark.parametrize("clock", ["monotonic", "time"])
def test_a_connection_that_was_idle_is_replaced(world: World, monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    """What lies between may have dropped it and told nobody. Which clock goes on while Lambda sleeps is not known."""
    tenant = world.tenants[0]
    world.call(tenant)
    connections = query_tenant._data_requests()._connections
    before = connections._connections[tenant]
    now = getattr(time, clock)

    monkeypatch.setattr(time, clock, lambda: now() + 239)
    world.call(tenant)
    assert connections._connections[tenant] is before

    monkeypatch.setattr(time, clock, lambda: now() + 239 + 241)
    assert world.call(tenant).status == 200
    assert before.is_lost


def test_the_server_ends_a_session_that_is_not_used_again(world: World) -> None:
    """A frozen environment would keep its place for hours."""
    tenant = world.tenants[0]
    world.call(tenant)
    session = query_tenant._data_requests()._connections._connections[tenant]._connection
    with session.cursor() as cursor:
        cursor.execute("SHOW idle_session_timeout")
        assert cursor.fetchone() == ("5min",)


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 201)])
def test_a_server_that_hung_up_before_costs_no_request(world: World, method: str, status: int) -> None:
    tenant = world.tenants[1]
    world.call(tenant)
    end_sessions(world, tenant)
    body = {"name": "after"} if method == "POST" else None
    assert world.call(tenant, method, body=body).status == status
    world.call(tenant, "DELETE", name="eq.after")


def test_a_read_that_is_cut_is_repeated_once_and_then_told(world: World) -> None:
    tenant = world.tenants[0]
    make_cutter(world, tenant)
    world.execute("CREATE OR REPLACE VIEW cut AS SELECT cutter() AS t", tenant.value, f"{tenant}_owner")
    reply = world.call(tenant, table="cut")
    assert (reply.status, reply.json["code"]) == (503, "08006")
    assert world.call(tenant).status == 200


def test_a_write_that_is_cut_is_not_repeated(world: World) -> None:
    tenant = world.tenants[0]
    make_cutter(world, tenant)
    world.execute(
        """CREATE TABLE IF NOT EXISTS cuts (id int PRIMARY KEY);
           CREATE OR REPLACE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN PERFORM cutter(); RETURN NEW; END $$;
           CREATE OR REPLACE TRIGGER cut BEFORE INSERT ON cuts FOR EACH ROW EXECUTE FUNCTION cut()""",
        tenant.value,
        f"{tenant}_owner",
    )
    reply = world.call(tenant, "POST", table="cuts", body={"id": 1})
    assert (reply.status, reply.json["code"]) == (503, "08007")
    assert "before you repeat" in reply.json["hint"]
    # What is only tried is taken back whatever becomes of its session: it is repeated once, as a read is.
    tried = world.call(tenant, "POST", table="cuts", body={"id": 1}, prefer="tx=rollback")
    assert (tried.status, tried.json["code"]) == (503, "08006")


def test_a_session_that_was_reset_prepares_again(world: World) -> None:
    tenant = world.tenants[0]
    world.call(tenant, "POST", body={"name": "one"})
    connection = query_tenant._data_requests()._connections._connections[tenant]._connection
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert world.call(tenant, "POST", body={"name": "two"}).status == 201
    assert len(world.call(tenant, name="in.(one,two)").json) == 2
    world.call(tenant, "DELETE", name="in.(one,two)")


def test_a_rotated_password_costs_no_request(world: World) -> None:
    tenant = world.tenants[0]
    credentials = world.credentials[tenant]
    world.call(tenant)
    world.execute(f"ALTER ROLE \"{credentials.username}\" PASSWORD 'rotated'")
    world.secrets.write(tenant, replace(credentials, password="rotated"))
    end_sessions(world, tenant)
    assert world.call(tenant, "POST", body={"name": "meanwhile"}).status == 201
    world.call(tenant, "DELETE", name="eq.meanwhile")


def test_a_password_that_stays_wrong_is_a_503_and_tells_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = world.tenants[0]
    credentials = world.credentials[tenant]
    world.execute(f"ALTER ROLE \"{credentials.username}\" PASSWORD 'another'")
    reply = world.call(tenant)
    assert (reply.status, reply.json["code"]) == (503, "28P01")
    logged = "".join(capsys.readouterr())
    assert '"code":"28P01"' in logged.replace(" ", "")
    assert_tells_nothing(reply.text + logged, credentials)


def test_a_full_connection_limit_is_a_503(world: World) -> None:
    tenant = world.tenants[0]
    world.execute(f'ALTER ROLE "{world.credentials[tenant].username}" CONNECTION LIMIT 0')
    reply = world.call(tenant)
    assert (reply.status, reply.json["code"], reply.headers["Retry-After"]) == (503, "53300", "1")


def test_a_host_that_is_down_is_a_503(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    tenant = world.tenants[0]
    with socket.socket() as reserved:  # bound and not listening: connections to it are refused
        reserved.bind(("127.0.0.1", 0))
        credentials = replace(world.credentials[tenant], port=reserved.getsockname()[1])
        world.secrets.write(tenant, credentials)
        reply = world.call(tenant)
    assert (reply.status, reply.json["code"]) == (503, "08001")
    assert_tells_nothing(reply.text + "".join(capsys.readouterr()), credentials)


def test_a_host_that_does_not_answer_is_given_up_in_time(world: World) -> None:
    tenant = world.tenants[0]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        world.secrets.write(tenant, replace(world.credentials[tenant], port=silent.getsockname()[1]))
        reply = world.call(tenant)
    assert (reply.status, reply.json["code"]) == (503, "08001")


def test_a_tenant_without_credentials_is_told_so(world: World) -> None:
    reply = world.call(TenantId("nobody"))
    assert (reply.status, reply.json["code"]) == (404, "credentials_missing")
    assert str(world.tenants[0]) not in reply.text


def test_a_secret_that_is_malformed_is_not_quoted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    tenant = world.tenants[0]
    client = aws_client("secretsmanager", REGION)
    client.put_secret_value(SecretId=secret_name(STAGE, tenant), SecretString='{"password": "hunter2"}')
    reply = world.call(tenant)
    assert (reply.status, reply.json["code"]) == (500, "invalid_secret")
    assert "hunter2" not in reply.text + "".join(capsys.readouterr())


@pytest.mark.parametrize("tags", [{"TenantId": "another"}, {"Stage": "prod"}])
def test_a_secret_with_anothers_tags_is_refused(world: World, tags: dict[str, str]) -> None:
    tenant = world.tenants[0]
    client = aws_client("secretsmanager", REGION)
    client.tag_resource(SecretId=secret_name(STAGE, tenant), Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    reply = world.call(tenant)
    assert (reply.status, reply.json["code"]) == (403, "identity_mismatch")


@pytest.mark.parametrize("says", ["another", None])
def test_a_database_that_says_it_is_anothers_is_refused(world: World, says: str | None) -> None:
    tenant = world.tenants[0]
    change = f"SET tenantry.tenant_id = '{says}'" if says else "RESET tenantry.tenant_id"
    world.execute(f'ALTER DATABASE "{tenant}" {change}')
    reply = world.call(tenant)
    assert (reply.status, reply.json["code"]) == (403, "identity_mismatch")
    assert wait_until(lambda: not pids(world, tenant), within=5)


def test_a_secret_that_leads_to_anothers_database_is_refused(world: World) -> None:
    first, second = world.tenants
    world.secrets.write(first, world.credentials[second])
    reply = world.call(first)
    assert (reply.status, reply.json["code"]) == (403, "identity_mismatch")


def test_an_environment_of_another_tenant_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Context:
        aws_request_id = "r"
        tenant_id: Any = None

    monkeypatch.setenv("TENANT_ISOLATION", "PER_TENANT")
    clear_caches()
    first, second = world.tenants
    context = Context()
    for environment, status in ((None, 403), (second.value, 403), (first.value, 200)):
        context.tenant_id = environment
        assert world.call(first, context=context).status == status


def test_a_tenants_login_reaches_nothing_but_its_own_database(world: World) -> None:
    first, second = world.tenants
    mine = world.credentials[first]
    for database in (second.value, "postgres", "template1"):
        with pytest.raises(DatabaseUnavailable) as refusal:
            connect(replace(mine, dbname=database), ConnectSettings())
        assert refusal.value.code == "42501"
    connection = connect(mine, ConnectSettings())
    try:
        for statement in (
            "SELECT * FROM candidates",
            f'SET ROLE "{second}_viewer"',
            "CREATE TABLE mine (id int)",
            "CREATE ROLE other",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT rolpassword FROM pg_authid",
            "SELECT pg_read_file('/etc/passwd')",
        ):
            with pytest.raises(psycopg2.Error) as refused, connection.cursor() as cursor:
                cursor.execute(statement)
            # No privilege, or not even the sight of the schema in which the table would be.
            assert refused.value.pgcode in {"42501", "42P01", "3F000"}
    finally:
        connection.close()


def test_a_defect_of_ours_is_logged_without_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(query_tenant, "_call", fail)
    reply = world.call(world.tenants[0])
    logged = "".join(capsys.readouterr())
    assert (reply.status, reply.json["code"]) == (500, "internal_error")
    assert "RuntimeError" in logged
    assert "hunter2" not in reply.text + logged

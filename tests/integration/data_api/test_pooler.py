"""query_tenant through a real PgBouncer in transaction mode: two sessions of the server's for all of its clients."""

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from handlers import query_tenant
from local.postgres_server import PostgresServer
from tenantry.database.connecting import ConnectSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Role, TenantId, database_role
from tests.integration.conftest import Reply, World, clear_caches, request_event
from tests.integration.tenants.test_administration import Operator, operator
from tests.pooler import PgBouncer, temporary_pooler

__all__ = ["operator"]

SESSIONS, CLIENTS, REQUESTS = 2, 40, 20
THROUGH = ConnectSettings(statement_timeout_ms=2_000, through_pooler=True)
TABLES = """
CREATE TABLE teams (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE people (id int PRIMARY KEY, name text, team_id int REFERENCES teams, at date);
INSERT INTO teams VALUES (1, 'red'), (2, 'it''s "$1" \\ 100 %');
INSERT INTO people VALUES (1, 'Asha', 1), (2, 'Bilal', 2);
GRANT SELECT, INSERT, UPDATE, DELETE ON teams, people TO PUBLIC;
CREATE FUNCTION who() RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('role', current_user, 'claims', current_setting('request.jwt.claims')::json) $$;
CREATE FUNCTION slow() RETURNS void LANGUAGE sql VOLATILE AS 'SELECT pg_sleep(60)';
CREATE FUNCTION tea(kind text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF kind = 'green' THEN
        RAISE SQLSTATE 'PT418' USING message = 'no tea', hint = 'Ask for coffee.';
    END IF;
    PERFORM set_config('response.headers', '[{"X-Tea": "' || kind || '"}]', true);
    RETURN kind;
END $$;
"""


@pytest.fixture(scope="module")
def pooler(postgres: PostgresServer) -> Iterator[PgBouncer]:
    with temporary_pooler(postgres, default_pool_size=str(SESSIONS), max_client_conn=str(CLIENTS + 5)) as made:
        yield made


@pytest.fixture(scope="module")
def tenant(world: World, pooler: PgBouncer) -> TenantId:
    """A tenant whose secret names the pooler."""
    first = world.tenants[0]
    pooler.write_users()
    world.secrets.write(first, credentials_of(world, pooler))
    world.execute(TABLES, first.value, f"{first}_owner")
    clear_caches()
    return first


def credentials_of(world: World, pooler: PgBouncer) -> Credentials:
    return replace(world.credentials[world.tenants[0]], pooler=pooler.pooler)


def rpc(tenant: TenantId, name: str, body: Any = None, *, role: str = "editor", **headers: str) -> Reply:
    event = request_event(tenant, "POST", "", role=role, body=body or {}, prefer="", query={})
    told = {name.replace("_", "-"): [value] for name, value in headers.items()}
    event |= {"pathParameters": {"function": name}, "multiValueHeaders": told}
    answer = query_tenant.handler(event, None)
    return Reply(answer["statusCode"], answer["body"], answer["headers"])


def sessions(world: World, tenant: TenantId) -> dict[int, str]:
    """What the tenant's logins have on the server: process ids, and the names that they give themselves."""
    found = world.execute(
        "SELECT pid, application_name FROM pg_stat_activity"
        f" WHERE datname = '{tenant}' AND usename LIKE '{tenant}_login_%'"
    )
    return dict(found)


def test_all_that_a_session_would_keep_goes_through(world: World, pooler: PgBouncer, tenant: TenantId) -> None:
    """The clients' connections are the pooler's, and the server knows which function they serve."""
    assert world.call(tenant, table="people", select="name,teams(name)", order="id").json == [
        {"name": "Asha", "teams": {"name": "red"}},
        {"name": "Bilal", "teams": {"name": 'it\'s "$1" \\ 100 %'}},
    ]
    assert query_tenant._data_requests()._connections._connections[tenant].is_pooled
    assert set(sessions(world, tenant).values()) == {"tenantry-query"}
    assert 1 <= len(sessions(world, tenant)) <= SESSIONS


def test_rows_are_written_changed_and_deleted(world: World, tenant: TenantId) -> None:
    full = "return=representation"
    odd = "a 'quoted' \\ \"$2\" %s %(1)s {}"
    assert world.call(tenant, "POST", "teams", body={"id": 3, "name": odd}, prefer=full).json[0]["name"] == odd
    assert [row["id"] for row in world.call(tenant, table="teams", name=f"eq.{odd}").json] == [3]
    merged = f"{full},resolution=merge-duplicates"
    assert world.call(tenant, "POST", "teams", body={"id": 3, "name": "green"}, prefer=merged).json == [
        {"id": 3, "name": "green"}
    ]
    assert world.call(tenant, "PATCH", "teams", body={"name": None}, id="eq.3", prefer=full).json[0]["name"] is None
    kept = world.call(tenant, "DELETE", "teams", id="eq.3", prefer=f"{full},tx=rollback")
    assert (kept.status, kept.json) == (200, [{"id": 3, "name": None}])
    assert world.call(tenant, "DELETE", "teams", id="eq.3", name="is.null", prefer=full).json == kept.json
    assert world.call(tenant, table="teams", prefer="count=estimated").headers["Content-Range"] == "0-1/2"


def test_functions_raise_statuses_and_set_headers(tenant: TenantId) -> None:
    black = rpc(tenant, "tea", {"kind": "black"})
    assert (black.status, black.json, black.headers["X-Tea"]) == (200, "black", "black")
    green = rpc(tenant, "tea", {"kind": "green"})
    assert (green.status, green.json["hint"]) == (418, "Ask for coffee.")


def test_a_statement_that_takes_too_long_is_ended(world: World, tenant: TenantId) -> None:
    assert (rpc(tenant, "slow").status, world.call(tenant, table="teams").status) == (504, 200)


def test_changes_that_nobody_announces_are_found(world: World, tenant: TenantId) -> None:
    """New tables by their SQLSTATE; and a filter is read as the type that its column has now: no row is lost by it."""
    owner = f"{tenant}_owner"
    assert world.call(tenant, "DELETE", "people", at="gte.2099-01-01").status == 204
    world.execute(
        "ALTER TABLE people ALTER at TYPE timestamptz; CREATE TABLE later (id int); GRANT SELECT ON later TO PUBLIC;"
        "ALTER TABLE teams RENAME name TO title;"
        "INSERT INTO people VALUES (8, '', 1, '2026-01-01T08:00Z'), (9, '', 1, '2026-01-01T18:00Z')",
        tenant.value,
        owner,
    )
    assert world.call(tenant, "DELETE", "people", at="gte.2026-01-01T12:00:00Z").status == 204
    assert [row["id"] for row in world.call(tenant, table="people", order="id").json] == [1, 2, 8]
    assert world.call(tenant, table="later").json == []
    assert world.call(tenant, table="teams", select="title", title="eq.red").json == [{"title": "red"}]
    world.execute("ALTER TABLE teams RENAME title TO name; DELETE FROM people WHERE id > 2", tenant.value, owner)
    assert world.call(tenant, table="teams", select="name", id="eq.1").json == [{"name": "red"}]


def test_roles_and_claims_are_never_mixed(world: World, pooler: PgBouncer, tenant: TenantId) -> None:
    credentials, roles = credentials_of(world, pooler), [Role.VIEWER, Role.EDITOR, Role.ADMIN]
    together = threading.Barrier(CLIENTS)

    def ask(number: int) -> list[bool]:
        with closing(TenantConnection(tenant, credentials, THROUGH)) as client:
            together.wait(30)
            answers = []
            for each in range(REQUESTS):
                role = database_role(tenant, roles[(number + each) % 3])
                claims = json.dumps({"sub": f"{number}-{each}"})
                found = client.run(role, claims, "SELECT public.who()", (), reads_only=True)[0]
                answers.append(found == {"role": role, "claims": json.loads(claims)})
        return answers

    with ThreadPoolExecutor(CLIENTS) as clients:
        found = [answer for answers in clients.map(ask, range(CLIENTS)) for answer in answers]
    assert found == [True] * (CLIENTS * REQUESTS)
    assert len(sessions(world, tenant)) <= SESSIONS


def test_nothing_of_a_request_stays(world: World, pooler: PgBouncer, tenant: TenantId) -> None:
    """Whoever gets the session next finds the login's role and no claims, whatever they send first."""
    assert world.call(tenant, table="teams", role="admin").status == 200
    login = credentials_of(world, pooler)
    with closing(
        psycopg2.connect(
            host=login.host, port=pooler.port, dbname=login.dbname, user=login.username, password=login.password
        )
    ) as client:
        client.autocommit = True
        with client.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, current_setting('request.jwt.claims', true), current_setting('search_path'),"
                " current_setting('tenantry.slots', true), (SELECT count(*) FROM pg_prepared_statements),"
                " pg_listening_channels()"
                " FROM (SELECT 1) one LEFT JOIN pg_listening_channels() ON true"
            )
            assert cursor.fetchall() in ([], [(login.username, "", '"$user", public', None, 0, None)])


def test_a_database_that_is_closed_to_changes_says_so(world: World, tenant: TenantId) -> None:
    """As when a tenant is moved: the pooler has other sessions by then, and its clients are the same."""
    assert world.call(tenant, table="teams").status == 200
    world.execute(f'ALTER DATABASE "{tenant}" SET default_transaction_read_only = on')
    try:
        end(world, tenant)
        reply = world.call(tenant, "POST", "teams", body={"id": 5})
        assert (reply.status, reply.json["code"]) == (503, "tenant_moving")
        assert world.call(tenant, table="teams").status == 200
    finally:
        world.execute(f'ALTER DATABASE "{tenant}" RESET default_transaction_read_only')
        end(world, tenant)
    assert world.call(tenant, "DELETE", "teams", id="eq.5").status == 204


def test_a_pooler_that_leads_to_another_database_is_refused(world: World, tenant: TenantId) -> None:
    """A client's session may be another with each message, so each looks whose database it is in."""
    assert world.call(tenant, table="teams").status == 200
    world.execute(f"ALTER DATABASE \"{tenant}\" SET tenantry.tenant_id = 'another'")
    try:
        end(world, tenant)
        reply = world.call(tenant, table="teams")
        assert (reply.status, reply.json["code"]) == (403, "identity_mismatch")
    finally:
        world.execute(f"ALTER DATABASE \"{tenant}\" SET tenantry.tenant_id = '{tenant}'")
        end(world, tenant)
    assert world.call(tenant, table="teams").status == 200


def test_a_pooler_without_sessions_is_a_503(world: World, pooler: PgBouncer, tenant: TenantId) -> None:
    """No session in time, no room for a client, no user of that name: to be tried again, and no host is told."""
    login = credentials_of(world, pooler)
    refused = []
    with closing(TenantConnection(tenant, login, THROUGH)) as client:
        # The pool is paused, which is as if the server had no session.
        pooler.tell("SET query_wait_timeout = 1")
        pooler.tell(f"PAUSE {login.dbname}")
        try:
            refused.append(world.call(tenant, table="teams"))
        finally:
            pooler.tell(f"RESUME {login.dbname}")
            pooler.tell("SET query_wait_timeout = 10")
        assert client.is_alive
    pooler.tell("SET max_client_conn = 0")
    query_tenant._data_requests()._connections.close()
    refused.append(world.call(tenant, table="teams"))
    pooler.tell(f"SET max_client_conn = {CLIENTS + 5}")
    world.secrets.write(tenant, replace(login, username="nobody_there"))
    clear_caches()
    refused.append(world.call(tenant, table="teams"))
    world.secrets.write(tenant, login)
    clear_caches()
    for reply in refused:
        assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
        assert reply.json["code"].startswith(("08", "28"))
        assert not [told for told in (login.host, str(pooler.port), login.username, "pgbouncer") if told in reply.text]
    assert world.call(tenant, table="teams").status == 200


@pytest.mark.parametrize(("isolation", "database"), [("schema", "tenantry_schemas"), ("pooled", "tenantry_pool")])
def test_tenants_who_share_a_database_are_served(
    operator: Operator, pooler: PgBouncer, isolation: str, database: str
) -> None:
    """Their logins say whose they are, so each has pools of its own."""
    body = operator.server_body(pooler={"mode": "transaction", "port": pooler.port})
    assert operator.call("PUT", "/admin/v1/servers/first", body).status == 200
    made = [f"s{uuid.uuid4().hex[:10]}" for _ in range(2)]
    for name in made:
        assert operator.create(name, isolation=isolation).status == 201
    pooler.write_users()
    for name in made:
        tenant = TenantId(name)
        assert operator.world.call(tenant, "POST", body={"name": name}).status == 201
        assert query_tenant._data_requests()._connections._connections[tenant].is_pooled
    for name in made:
        assert [row["name"] for row in operator.world.call(TenantId(name)).json] == [name]
    query_tenant._data_requests()._connections.close()
    operator.world.execute(
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
        " AND pid <> pg_backend_pid()"
    )
    for name in made:
        for (role,) in operator.world.execute(
            f"SELECT quote_ident(rolname) FROM pg_roles WHERE rolname LIKE '{name}%'"
        ):
            operator.world.execute(f"DROP OWNED BY {role}", database)


def end(world: World, tenant: TenantId) -> None:
    """End the tenant's sessions on the server, which the pooler learns when it looks."""
    world.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{tenant}'")

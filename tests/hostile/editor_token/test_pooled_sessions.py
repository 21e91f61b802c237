"""What a function leaves behind in a session of a pooler's, which the next request of another user's may get."""

from collections.abc import Iterator
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
from tenantry.domain.tenant import Role, database_role
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import World, clear_caches
from tests.pooler import PgBouncer, temporary_pooler

# A session-level lock, which ends with its session.
HELD = 4711
THROUGH = ConnectSettings(through_pooler=True)
TABLES = """
CREATE TABLE kept (id int PRIMARY KEY, at timestamptz);
INSERT INTO kept VALUES (1, '2026-01-02T03:04:05Z');
GRANT SELECT ON kept TO PUBLIC;
CREATE FUNCTION leave(statements text[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE each text;
BEGIN
    FOREACH each IN ARRAY statements LOOP EXECUTE each; END LOOP;
END $$;
CREATE FUNCTION shadow() RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
    CREATE TEMPORARY TABLE kept (id int); GRANT ALL ON pg_temp.kept TO PUBLIC $$;
CREATE FUNCTION found() RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'user', current_user, 'claims', current_setting('request.jwt.claims')::json ->> 'sub',
        'kept', (SELECT count(*) FROM kept), 'path', current_setting('search_path'),
        'isolation', current_setting('transaction_isolation'), 'reads', current_setting('transaction_read_only'),
        'style', current_setting('datestyle'), 'mark', coalesce(current_setting('app.mark', true), ''),
        'tenant', current_setting('app.tenant_id'), 'zone', current_setting('timezone'),
        'method', current_setting('request.method'), 'memory', current_setting('work_mem'),
        'clock', current_setting('statement_timeout'), 'waits', current_setting('lock_timeout'),
        'prepared', (SELECT count(*) FROM pg_prepared_statements), 'cursors', (SELECT count(*) FROM pg_cursors
            WHERE is_holdable),
        'heard', (SELECT count(*) FROM pg_listening_channels()),
        'locks', (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND pid = pg_backend_pid())
    ) $$;
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.mark', 'late', false), set_config('request.jwt.claims', '{}', false);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON kept DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION later();
"""
LEFT = {
    "another role": "SET ROLE {owner}",
    "the login's role": "RESET ROLE",
    "claims of another's": """SET request.jwt.claims = '{{"sub":"another"}}'""",
    "a tenant's id": "SET app.tenant_id = 'another'",
    "a path": "SET search_path = pg_temp",
    "how dates are written": "SET datestyle = 'German'",
    "how a transaction begins": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, DEFERRABLE",
    "a session that only reads": "SET default_transaction_read_only = on",
    "a clock": "SET statement_timeout = 1",
    "a clock of a transaction": "SET idle_in_transaction_session_timeout = 1",
    "a mark": "SET app.mark = 'editor'",
    "memory": "SET work_mem = '1GB'",
    "an encoding": "SET client_encoding = 'LATIN1'",
    "how strings are read": "SET standard_conforming_strings = off",
    "a table that is found first": "SELECT shadow()",
    "a prepared statement": "PREPARE tenantry_1 AS SELECT 1",
    "a cursor": "DECLARE held CURSOR WITH HOLD FOR SELECT 1",
    "a channel": "LISTEN pgrst",
    "a lock": f"SELECT pg_advisory_lock({HELD})",
}


@pytest.fixture(scope="module")
def pooler(postgres: PostgresServer) -> Iterator[PgBouncer]:
    """One session for all, so that whoever comes next gets it."""
    with temporary_pooler(postgres, default_pool_size="1") as made:
        yield made


@pytest.fixture(scope="module")
def pooled(world: World, pooler: PgBouncer) -> Viewer:
    """A viewer, and an editor who is hostile, of one tenant behind a pooler."""
    found = Viewer(world, world.tenants[0])
    pooler.write_users()
    world.secrets.write(found.tenant, login_of(world, pooler))
    clear_caches()
    found.run(TABLES)
    found.run(f'GRANT INSERT ON kept TO "{found.tenant}_editor"')
    return found


def login_of(world: World, pooler: PgBouncer) -> Credentials:
    return replace(world.credentials[world.tenants[0]], pooler=pooler.pooler)


def look(viewer: Viewer) -> Any:
    """What a viewer's request finds, from an environment that has a connection of its own."""
    viewer.new_connection()
    reply = viewer.call("found", {})
    assert reply.status == 200, reply.text
    return reply.json


def leave(viewer: Viewer, *statements: str) -> int:
    owner = f'"{viewer.tenant}_owner"'
    return viewer.call("leave", {"statements": [each.format(owner=owner) for each in statements]}, role="editor").status


@pytest.mark.parametrize("kind", LEFT)
def test_a_viewer_finds_nothing_of_what_an_editor_left(pooled: Viewer, kind: str) -> None:
    """A function of an editor's sets, makes or takes something for the whole session."""
    clean = look(pooled)
    assert (clean["user"], clean["kept"]) == (f"{pooled.tenant}_viewer", 1)
    assert leave(pooled, LEFT[kind]) in {200, 204}, kind
    assert look(pooled) == clean


def test_all_of_it_at_once_and_after_the_commit(pooled: Viewer) -> None:
    """A deferred trigger comes after all that a request sends."""
    clean = look(pooled)
    every = [text for kind, text in LEFT.items() if kind not in {"another role", "the login's role", "a path"}]
    assert leave(pooled, *every) in {200, 204}
    assert pooled.write("POST", "kept", {"id": 2}).status == 201
    assert look(pooled) == clean | {"kept": 2}
    pooled.run("DELETE FROM kept WHERE id = 2")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("how strings are read", "\\'; RESET ROLE; UPDATE kept SET id = 66; --"),
        ("an encoding of which a letter ends in a backslash", "\u8868'; RESET ROLE; UPDATE kept SET id = 66; --"),
    ],
)
def test_a_value_stays_a_value_however_the_session_reads_strings(
    pooled: Viewer, world: World, pooler: PgBouncer, kind: str, value: str
) -> None:
    """All of a message is read before any of it is done: what was left behind must be gone by then."""
    left = LEFT.get(kind, "SET client_encoding = 'SJIS'")
    with closing(TenantConnection(pooled.tenant, login_of(world, pooler), THROUGH)) as other:
        for _ in range(2):
            assert leave(pooled, left) in {200, 204}
            role = database_role(pooled.tenant, Role.VIEWER)
            assert other.run(role, "{}", "SELECT $1::text", (value,), reads_only=True) == (value,)
    assert look(pooled)["kept"] == 1
    assert pooled.run("SELECT id FROM kept") == [(1,)]


def test_a_clock_that_runs_out_while_a_long_message_is_read(pooled: Viewer, world: World, pooler: PgBouncer) -> None:
    """The message takes longer to read than the clock that was left behind allows."""
    with closing(TenantConnection(pooled.tenant, login_of(world, pooler), THROUGH)) as other:
        for _ in range(3):
            assert leave(pooled, "SET statement_timeout = 1") in {200, 204}
            role, long = database_role(pooled.tenant, Role.EDITOR), "x" * 8_000_000
            assert other.run(role, "{}", "SELECT length($1)", (long,), reads_only=True) == (8_000_000,)


def test_a_session_that_only_read_takes_changes_again(pooled: Viewer) -> None:
    """Of one that was left so, a change would seem to be a change of a tenant that is being moved."""
    assert leave(pooled, LEFT["a session that only reads"]) in {200, 204}
    assert pooled.write("POST", "kept", {"id": 1}).status == 409


def test_a_client_that_dies_in_a_transaction_leaves_none(pooled: Viewer, world: World, pooler: PgBouncer) -> None:
    """The login's own client opens a transaction, takes a table, and is gone."""
    clean, login = look(pooled), login_of(world, pooler)
    with (
        closing(
            psycopg2.connect(
                host=login.host, port=pooler.port, dbname=login.dbname, user=login.username, password=login.password
            )
        ) as client,
        client.cursor() as cursor,
    ):
        cursor.execute("SELECT set_config('app.mark', 'open', false)")
    assert look(pooled) == clean
    assert query_tenant._data_requests()._connections._connections[pooled.tenant].is_pooled


def test_the_next_role_is_the_callers_even_where_the_statement_fails(pooled: Viewer) -> None:
    """What is left behind together with an error is undone with it; what was left before is not."""
    assert leave(pooled, "SET ROLE {owner}", "SET app.mark = 'x'") in {200, 204}
    assert leave(pooled, "SET ROLE {owner}", "SELECT 1/0") == 400
    assert pooled.write("POST", "kept", {"id": 1}).status == 409
    viewer = pooled.world.call(pooled.tenant, "POST", "kept", role="viewer", body={"id": 9})
    assert (viewer.status, viewer.json["code"]) == (403, "42501")

"""A tenant that has its login's password, and SQL with it, stops its neighbours; it is refused or ended."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE, Isolation, TenantId
from tenantry.homes.factory import home_of
from tenantry.servers.session_watch import EndedSession, SessionWatch, WatchLimits
from tests.integration.conftest import World
from tests.integration.relocation.conftest import Yard
from tests.postgres import temporary_postgres

SHARED = [Isolation.SCHEMA, Isolation.POOLED]


@pytest.fixture
def yard(servers_of_the_module: tuple[World, PostgresServer]) -> Iterator[Yard]:
    made = Yard(*servers_of_the_module)
    try:
        yield made
    finally:
        made.drop()


def session(yard: Yard, tenant: TenantId, role: str = "editor") -> Any:
    """Connect as the tenant's login, become a role of it, and leave the next transaction open."""
    connection = yard.connect(tenant)
    with connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{tenant}_{role}"; SET search_path = "{yard.credentials(tenant).schema}"')
    connection.autocommit = False
    return connection


def watch(yard: Yard, **limits: Any) -> list[EndedSession]:
    return SessionWatch(yard.servers, WatchLimits(**limits)).look("here")


def is_alive(connection: Any) -> bool:
    try:
        connection.cursor().execute("SELECT 1")
    except psycopg2.OperationalError:
        return False
    return True


# What needs a right that nobody who lives in shared tables has.
ATTACKS = [
    "COMMENT ON TABLE candidates IS 'mine'",
    "CREATE STATISTICS mine ON name, phone FROM candidates",
    "CREATE INDEX ON candidates (name)",
    "CREATE TABLE mine (i int)",
    "CREATE TEMPORARY TABLE mine (i int)",
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "CREATE PUBLICATION mine",
    "TRUNCATE candidates",
    "ALTER TABLE candidates DISABLE ROW LEVEL SECURITY",
    "ALTER SEQUENCE candidates_id_seq OWNED BY NONE",
    "SELECT setval('candidates_id_seq', 1)",
    "CREATE TRIGGER mine BEFORE INSERT ON candidates EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "REINDEX TABLE candidates",
    "LOCK TABLE alembic_version",
    "LOCK TABLE pg_catalog.pg_class",
]


@pytest.mark.parametrize("role", ["viewer", "editor", "owner"])
def test_what_is_shared_is_nobodys_to_change(yard: Yard, role: str) -> None:
    """Tables, sequences, comments and statistics that all share are changed by none, who make nothing beside them."""
    tenant = yard.add(Isolation.POOLED)
    with closing(session(yard, tenant, role)) as connection:
        for attack in ATTACKS:
            with pytest.raises(psycopg2.Error) as refusal:
                connection.cursor().execute(attack)
            connection.rollback()
            assert refusal.value.pgcode == "42501", attack


@pytest.mark.parametrize(
    "lock", ["LOCK TABLE candidates IN ACCESS EXCLUSIVE MODE", "LOCK TABLE candidates IN SHARE MODE"]
)
def test_who_locks_what_others_use_is_ended(yard: Yard, lock: str) -> None:
    """An editor locks a shared table, which PostgreSQL lets it: its session is ended, and its neighbours go on."""
    tenant, neighbour = yard.add(Isolation.POOLED), yard.add(Isolation.POOLED)
    with closing(session(yard, tenant)) as attacker, closing(session(yard, neighbour)) as victim:
        attacker.cursor().execute(lock)
        done = threading.Event()

        def write() -> None:
            victim.cursor().execute("UPDATE candidates SET phone = '1'")
            victim.commit()
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not yard.execute("here", waiting)[0][0]:
            assert not done.wait(0.01)
        # For an hour it may.
        assert watch(yard, lock_seconds=3600) == []
        ended = watch(yard, lock_seconds=0)
        writer.join(10)
        assert done.is_set()
        assert ended == [EndedSession("here", POOL_DATABASE, f"{tenant}_login_a", "blocks")]
        assert (is_alive(attacker), is_alive(victim)) == (False, True)


@pytest.mark.parametrize("isolation", SHARED)
def test_who_leaves_a_transaction_open_where_others_live_is_ended(yard: Yard, isolation: Isolation) -> None:
    """A transaction that does nothing holds back everybody's VACUUM; it ends, though it has lifted its role's limit."""
    tenant = yard.add(isolation)
    with closing(session(yard, tenant)) as attacker:
        attacker.cursor().execute("SET idle_in_transaction_session_timeout = 0; SELECT count(*) FROM candidates")
        (ended,) = watch(yard, lock_seconds=0)
        assert (ended.role, ended.reason) == (f"{tenant}_login_a", "idle_in_transaction")
        assert not is_alive(attacker)


def test_a_tenant_of_a_database_of_its_own_is_left_alone(yard: Yard) -> None:
    """In its own database a transaction may stay open: nobody else waits for it."""
    tenant = yard.add()
    with closing(session(yard, tenant)) as connection:
        connection.cursor().execute("LOCK TABLE candidates")
        assert watch(yard, lock_seconds=0) == []
        assert is_alive(connection)


@pytest.mark.parametrize("isolation", Isolation)
def test_who_fills_the_table_of_locks_is_ended(yard: Yard, isolation: Isolation) -> None:
    """Advisory locks by the thousand leave a server no room for anybody's locks, wherever they are taken."""
    tenant, neighbour = yard.add(isolation), yard.add(isolation)
    with closing(session(yard, tenant)) as attacker, closing(session(yard, neighbour)) as other:
        other.cursor().execute("SELECT pg_advisory_xact_lock(1)")
        other.commit()
        attacker.cursor().execute("SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 1500) i")
        attacker.commit()
        (ended,) = watch(yard)
        assert (ended.role, ended.reason) == (f"{tenant}_login_a", "locks")
        assert (is_alive(attacker), is_alive(other)) == (False, True)


@pytest.fixture(scope="module")
def short_queue() -> Iterator[PostgresServer]:
    """A server whose queue of announcements is soon full."""
    with temporary_postgres("with a short queue") as server:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("ALTER SYSTEM SET max_notify_queue_pages = 64")
        server.stop()
        server.start()
        yield server


def fill_queue(yard: Yard, listener: TenantId, announcer: TenantId) -> Any:
    """Listen in a transaction that stays open, and announce until nothing more can be; gives the listener's session."""
    deaf = session(yard, listener)
    deaf.cursor().execute("LISTEN anything")
    deaf.commit()
    deaf.cursor().execute("SELECT 1")
    with closing(yard.connect(announcer)) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.Error) as refusal:
            for _ in range(100):
                cursor.execute("SELECT count(pg_notify('x', i || repeat('x', 7000))) FROM generate_series(1, 60) i")
        assert refusal.value.pgcode == "54000"
    return deaf


@pytest.mark.parametrize("isolation", Isolation)
def test_a_full_queue_of_announcements_stops_no_tenant_from_being_made(
    servers_of_the_module: tuple[World, PostgresServer], short_queue: PostgresServer, isolation: Isolation
) -> None:
    """Two sessions fill the server's queue: a tenant is made all the same, and who keeps the queue full is ended."""
    world, there = servers_of_the_module
    yard = Yard(world, there, short_queue)
    try:
        tenant, other = yard.add(Isolation.SCHEMA), yard.add()
        with closing(fill_queue(yard, tenant, other)) as deaf:
            # A database of its own comes from a template, which has its revision: nothing is announced there.
            made = yard.add(isolation)
            assert len(yard.run_as(made, "SELECT id FROM candidates")) == 200
            (ended,) = watch(yard, lock_seconds=0, queue_share=0.5)
            assert ended.role == f"{tenant}_login_a"
            assert not is_alive(deaf)
        with closing(yard.connect(other)) as connection:
            connection.cursor().execute("NOTIFY x")
    finally:
        yard.drop()


def test_who_does_not_hear_what_it_listens_to_is_ended(yard: Yard) -> None:
    """A session listens and reads nothing, like that of a frozen function: the queue can't be emptied."""
    tenant = yard.add(Isolation.SCHEMA)
    with closing(yard.connect(tenant)) as deaf, closing(yard.connect(tenant)) as announcer:
        deaf.cursor().execute("LISTEN pgrst")
        is_stuck = f"""SELECT count(*) FROM pg_stat_activity
                       WHERE usename = '{tenant}_login_a' AND wait_event = 'ClientWrite'"""
        while not yard.execute("here", is_stuck)[0][0]:
            announcer.cursor().execute(
                "SELECT count(pg_notify('pgrst', i || repeat('x', 7900))) FROM generate_series(1, 100) i"
            )
        (ended,) = watch(yard, lock_seconds=0, queue_share=0)
        assert (ended.role, ended.reason) == (f"{tenant}_login_a", "announcements")
        assert (is_alive(announcer), is_alive(deaf)) == (True, False)


@pytest.mark.parametrize("isolation", SHARED)
def test_who_has_let_a_session_lie_is_ended_by_the_server(yard: Yard, isolation: Isolation) -> None:
    """Where tenants share a database, a session of theirs ends by itself when a transaction does nothing for long."""
    tenant = yard.add(isolation)
    database = POOL_DATABASE if isolation is Isolation.POOLED else SCHEMAS_DATABASE
    with closing(session(yard, tenant)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)
    yard.servers.home(tenant, home_of(yard.tenant(tenant), yard.credentials(tenant))).drop()
    settings = f"""SELECT count(*) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
                   WHERE starts_with(r.rolname, '{tenant}_') AND s.setdatabase = (
                       SELECT oid FROM pg_database WHERE datname = '{database}')"""
    assert yard.execute("here", settings) == [(0,)]

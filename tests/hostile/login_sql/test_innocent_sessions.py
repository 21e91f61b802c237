"""A tenant gets the watch to end others' sessions; it ends tenants' only, and of those no backup without need."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from local.postgres_server import PostgresServer
from tenantry.database.patience import ending_in
from tenantry.domain.tenant import SCHEMAS_DATABASE, Isolation
from tests.hostile.login_sql.test_neighbours import is_alive, session, watch
from tests.integration.conftest import World
from tests.integration.relocation.conftest import Yard

STRANGER = "another_product"


@pytest.fixture
def yard(servers_of_the_module: tuple[World, PostgresServer]) -> Iterator[Yard]:
    made = Yard(*servers_of_the_module)
    try:
        yield made
    finally:
        made.drop()


@contextmanager
def stranger(yard: Yard, database: str) -> Iterator[Any]:
    """Somebody on the server who is none of ours, in a database, with a transaction that stays open."""
    yard.execute("here", f"CREATE ROLE {STRANGER} LOGIN PASSWORD 'x' CREATEROLE")
    yard.execute("here", f'GRANT CONNECT ON DATABASE "{database}" TO {STRANGER}')
    try:
        with closing(yard.postgres["here"].connect(database, user=STRANGER, password="x")) as connection:
            yield connection
    finally:
        yard.execute("here", f'REVOKE ALL ON DATABASE "{database}" FROM {STRANGER}; DROP ROLE {STRANGER}')


@pytest.fixture
def shop(yard: Yard) -> Iterator[str]:
    """Another product's database."""
    yard.execute("here", "CREATE DATABASE shop")
    yield "shop"
    yard.execute("here", "DROP DATABASE shop WITH (FORCE)")


def test_another_product_may_hold_many_locks(yard: Yard, shop: str) -> None:
    """What fills the server's table of locks is no tenant's: it is for its owner to end."""
    with stranger(yard, shop) as other:
        other.cursor().execute("SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 1100) i")
        assert watch(yard) == []
        assert is_alive(other)


def test_another_product_may_work_while_the_queue_is_full(yard: Yard, shop: str) -> None:
    """A transaction of another product's is long, and the queue of announcements filled."""
    with stranger(yard, shop) as other:
        other.cursor().execute("SELECT 1")
        assert watch(yard, lock_seconds=0, queue_share=-1) == []
        assert is_alive(other)


def test_an_administrator_may_look_at_what_tenants_share(yard: Yard) -> None:
    """Somebody who administers the server, and is no superuser, keeps a transaction open where tenants live."""
    yard.add(Isolation.SCHEMA)
    with stranger(yard, SCHEMAS_DATABASE) as anna:
        anna.cursor().execute("SELECT 1")
        assert watch(yard, lock_seconds=0) == []
        assert is_alive(anna)


def test_an_adopted_application_is_a_tenants(yard: Yard) -> None:
    """The application of an adopted database, whose role nobody marked, fills the table of locks: it is ended."""
    tenant = yard.add()
    with stranger(yard, tenant.value) as application:
        application.cursor().execute("SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 1100) i")
        (ended,) = watch(yard)
        assert (ended.role, ended.reason) == (STRANGER, "locks")
        assert not is_alive(application)


def test_a_backup_goes_on_while_somebody_fills_the_queue(yard: Yard) -> None:
    """A session listens and reads nothing: it is ended, and the long transaction of a neighbour's backup is not."""
    tenant, neighbour = yard.add(Isolation.SCHEMA), yard.add(Isolation.SCHEMA)
    with (
        closing(yard.connect(tenant)) as deaf,
        closing(yard.connect(tenant)) as announcer,
        closing(session(yard, neighbour, "owner")) as backup,
    ):
        backup.cursor().execute("SET application_name = 'tenantry-backup'; SELECT 1")
        deaf.cursor().execute("LISTEN pgrst")
        is_stuck = f"""SELECT count(*) FROM pg_stat_activity
                       WHERE usename = '{tenant}_login_a' AND wait_event = 'ClientWrite'"""
        while not yard.execute("here", is_stuck)[0][0]:
            announcer.cursor().execute(
                "SELECT count(pg_notify('pgrst', i || repeat('x', 7900))) FROM generate_series(1, 100) i"
            )
        (ended,) = watch(yard, lock_seconds=0, queue_share=0)
        assert (ended.role, ended.reason) == (f"{tenant}_login_a", "announcements")
        assert (is_alive(backup), is_alive(deaf)) == (True, False)


def test_who_only_says_that_it_is_a_backup_is_ended(yard: Yard) -> None:
    """The session that listens and reads nothing goes by the name of a backup: the queue is emptied all the same."""
    tenant = yard.add(Isolation.SCHEMA)
    with closing(session(yard, tenant)) as liar:
        liar.cursor().execute("SET application_name = 'tenantry-backup'; SELECT 1")
        (ended,) = watch(yard, lock_seconds=0, queue_share=-1)
        assert ended.reason == "announcements"
        assert not is_alive(liar)


def test_another_product_in_our_way_is_not_ended(yard: Yard, shop: str) -> None:
    """An administrator of another product's has changed a role and not committed, and we wait for that."""
    yard.execute("here", "CREATE ROLE contended")
    try:
        with stranger(yard, shop) as other, closing(yard.postgres["here"].connect("postgres")) as ours:
            yard.execute("here", f"GRANT contended TO {STRANGER} WITH ADMIN OPTION")
            other.cursor().execute("COMMENT ON ROLE contended IS 'theirs'")
            ours.cursor().execute("SET lock_timeout = '500ms'")
            with ending_in(yard.servers.connector("here"), "postgres")(0), pytest.raises(Exception, match="timeout"):
                ours.cursor().execute("DROP ROLE contended")
            assert is_alive(other)
    finally:
        yard.execute("here", "DROP ROLE IF EXISTS contended")

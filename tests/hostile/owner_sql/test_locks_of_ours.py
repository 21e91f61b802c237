"""A tenant's open transaction makes an operation of ours wait; nobody else waits behind us."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict
from tenantry.domain.patience import Patience
from tenantry.domain.tenant import POOL_DATABASE, Home, Isolation, TenantId
from tenantry.homes.exposure import Exposure
from tenantry.homes.home_admin import HomeAdmin
from tenantry.homes.renaming import rename_home
from tenantry.revisions.history import head_revision, revisions_directory
from tenantry.servers.server_admin import ServerAdmin
from tests.integration.conftest import World
from tests.integration.homes.conftest import home, new_id, provision, remove
from tests.integration.restores.conftest import ROWS, Vault

MODELS = list(Isolation)
# Half a second is what a statement of ours waits; the rest is for a machine that is busy.
BOUND_SECONDS = 1.5
REVISION = """
from alembic import op

revision, down_revision = "{number}", "{before}"


def upgrade() -> None:
    op.execute({statement!r})
"""


class Impatient:
    """Connects as the administrator, with a patience of its own."""

    def __init__(self, world: World, seconds: float, ends_after: float = 60.0) -> None:
        self._world = world
        self.patience = Patience(seconds, ends_after)

    def __call__(self, database: str) -> Any:
        return self._world.admin(database)


class Stage:
    """A tenant whose tables lack a revision, one transaction of its own, and somebody who reads all the time."""

    def __init__(self, world: World, tenant: TenantId, credentials: Credentials) -> None:
        self.world, self.tenant, self.credentials = world, tenant, credentials
        self.longest = 0.0

    def connect(self) -> Any:
        login = {"user": self.credentials.username, "password": self.credentials.password}
        connection = self.world.server.connect(self.credentials.dbname, **login)
        with connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{self.tenant}_owner"; SET search_path = "{self.credentials.schema}"')
        connection.commit()
        return connection

    def home(self, connect: Any = None) -> HomeAdmin:
        place = home(self.world, self.tenant).home
        return ServerAdmin(connect or self.world.admin).home(self.tenant, place)

    def read_until(self, over: threading.Event) -> None:
        """Read in short transactions, and remember how long the slowest took."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not over.is_set():
                began = time.monotonic()
                cursor.execute("SELECT count(*) FROM candidates")
                self.longest = max(self.longest, time.monotonic() - began)


@pytest.fixture
def revise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Add a revision to those that there are."""
    folder = Path(shutil.copytree(revisions_directory(), tmp_path / "m", ignore=shutil.ignore_patterns("__pycache__")))
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(folder))

    def add(statement: str) -> str:
        before = head_revision()
        number = f"{int(before) + 1:04}"
        text = REVISION.format(number=number, before=before, statement=statement)
        (folder / f"{number}_more.py").write_text(text)
        return number

    return add


@pytest.fixture(params=MODELS)
def stage(world: World, request: pytest.FixtureRequest) -> Iterator[Stage]:
    tenant = new_id("k")
    credentials = provision(world, tenant, request.param)
    yield Stage(world, tenant, credentials)
    remove(world, tenant)
    if request.param is Isolation.POOLED:
        # Its tables are at a revision that nobody else knows.
        world.execute(f'DROP DATABASE "{POOL_DATABASE}" WITH (FORCE)')


def beside(stage: Stage, work: Callable[[], Any], meanwhile: Callable[[Future[Any]], None]) -> Future[Any]:
    """Do something of ours while somebody reads; gives what became of it."""
    over = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(stage.read_until, over)
        done = pool.submit(work)
        try:
            meanwhile(done)
            done.exception(timeout=30)
        finally:
            over.set()
        reading.result()
    return done


def wait_for_attempts(stage: Stage, done: Future[Any], attempts: int) -> None:
    """Wait until something of ours has waited for the tenant's lock and given up, so many times."""
    database = stage.credentials.dbname
    query = f"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = '{database}'"
    deadline = time.monotonic() + 20
    for is_waiting in [True, False] * attempts:
        while bool(stage.world.execute(query)[0][0]) is not is_waiting:
            assert not done.done(), "nobody was in its way"
            assert time.monotonic() < deadline


def test_an_upgrade_gives_way_to_those_behind_it(stage: Stage, revise: Callable[[str], str]) -> None:
    """A transaction that has read a table stays open: the upgrade waits, and other readers do not wait with it."""
    revision = revise("ALTER TABLE candidates ADD COLUMN born date")
    with closing(stage.connect()) as blocker:
        blocker.cursor().execute("SELECT count(*) FROM candidates")

        def end_later(done: Future[Any]) -> None:
            wait_for_attempts(stage, done, 2)
            blocker.rollback()

        done = beside(stage, stage.home(Impatient(stage.world, 20)).upgrade, end_later)
    assert done.result() == revision
    assert stage.longest < BOUND_SECONDS, stage.longest


def test_an_upgrade_fails_in_words_when_its_time_is_over(stage: Stage, revise: Callable[[str], str]) -> None:
    """A transaction stays open for good: the upgrade says that the database is busy, and has changed nothing."""
    revise("ALTER TABLE candidates ADD COLUMN born date")
    with closing(stage.connect()) as blocker:
        blocker.cursor().execute("SELECT count(*) FROM candidates")
        done = beside(stage, stage.home(Impatient(stage.world, 1.5)).upgrade, lambda _: None)
    error = done.exception()
    assert isinstance(error, Conflict)
    assert (error.code, bool(error.hint)) == ("database_busy", True)
    assert stage.longest < BOUND_SECONDS, stage.longest
    with closing(stage.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM candidates")
        assert "born" not in [column.name for column in cursor.description]
    stage.home().upgrade()


@pytest.mark.parametrize("lock", ["SELECT count(*) FROM candidates", "LOCK TABLE candidates"])
def test_who_stays_in_the_way_of_shared_tables_is_ended(world: World, revise: Callable[[str], str], lock: str) -> None:
    """A tenant of shared tables keeps a transaction open: others' upgrade ends it after a while, and succeeds."""
    tenant = new_id("k")
    stage = Stage(world, tenant, provision(world, tenant, Isolation.POOLED))
    try:
        revision = revise("ALTER TABLE candidates ADD COLUMN born date")
        with closing(stage.connect()) as blocker:
            blocker.cursor().execute(lock)
            assert stage.home(Impatient(world, 20, ends_after=0.5)).upgrade() == revision
            with pytest.raises(psycopg2.OperationalError):
                blocker.cursor().execute("SELECT 1")
    finally:
        remove(world, tenant)
        world.execute(f'DROP DATABASE "{POOL_DATABASE}" WITH (FORCE)')


def test_a_tenant_in_its_own_way_is_not_ended(world: World, revise: Callable[[str], str]) -> None:
    """In a database of its own a tenant's transaction goes on, whatever waits for it."""
    tenant = new_id("k")
    stage = Stage(world, tenant, provision(world, tenant, Isolation.DATABASE))
    try:
        revise("ALTER TABLE candidates ADD COLUMN born date")
        with closing(stage.connect()) as blocker:
            blocker.cursor().execute("SELECT count(*) FROM candidates")
            with pytest.raises(Conflict):
                stage.home(Impatient(world, 1.2, ends_after=0.1)).upgrade()
            blocker.cursor().execute("SELECT 1")
    finally:
        remove(world, tenant)


# What changes or deletes one tenant's rows of shared tables.
ON_ROWS: dict[str, Callable[[Any, Home, TenantId], Any]] = {
    "erased": lambda connect, place, tenant: ServerAdmin(connect).home(tenant, place).drop(),
    "emptied": lambda connect, place, tenant: ServerAdmin(connect).home(tenant, place).make_empty(),
    "renamed": lambda connect, place, tenant: rename_home(connect, tenant, TenantId(f"{tenant}-2"), place, place),
}


@pytest.mark.parametrize("what", ON_ROWS)
def test_a_neighbours_lock_does_not_keep_a_tenant_from_being_changed(world: World, what: str) -> None:
    """A neighbour locks a shared table and stays; another tenant is erased, emptied or renamed all the same."""
    mine, others = new_id("k"), new_id("k")
    attacker = Stage(world, mine, provision(world, mine, Isolation.POOLED))
    provision(world, others, Isolation.POOLED)
    try:
        place = home(world, others).home
        with closing(attacker.connect()) as blocker:
            blocker.cursor().execute("LOCK TABLE candidates IN SHARE MODE")
            with pytest.raises(Conflict) as refusal:
                ON_ROWS[what](Impatient(world, 0.1), place, others)
            assert refusal.value.code == "database_busy"
            ON_ROWS[what](Impatient(world, 20, ends_after=0.3), place, others)
            with pytest.raises(psycopg2.OperationalError):
                blocker.cursor().execute("SELECT 1")
    finally:
        remove(world, mine)
        remove(world, others)


def test_tables_that_are_replaced_make_nobody_wait_for_their_turn(vault: Vault) -> None:
    """A transaction that has read a table stays open: the restore that replaces its rows waits, and readers go on."""
    tenant = vault.add()
    stage = Stage(vault.world, tenant, vault.credentials(tenant))
    backup, before = vault.back_up(tenant), vault.run_as(tenant, ROWS)
    vault.run_as(tenant, "DELETE FROM candidates WHERE id > 9")
    operation = vault.start(backup, tables=("public.candidates",), mode="replace")
    with closing(stage.connect()) as blocker:
        blocker.cursor().execute("SELECT count(*) FROM candidates")

        def end_later(done: Future[Any]) -> None:
            wait_for_attempts(stage, done, 2)
            blocker.rollback()

        done = beside(stage, lambda: vault.perform_well(operation), end_later)
    done.result()
    assert vault.run_as(tenant, ROWS) == before
    assert stage.longest < BOUND_SECONDS, stage.longest


# What an owner may leave uncommitted, and what of ours changes the same thing.
UNCOMMITTED: dict[str, tuple[str, Callable[[Any, TenantId, Home], None]]] = {
    "rights to a table": (
        "GRANT SELECT ON candidates TO PUBLIC",
        lambda connect, tenant, place: ServerAdmin(connect).home(tenant, place).grant(),
    ),
    "rights to the database": (
        'GRANT CONNECT ON DATABASE "{tenant}" TO "{tenant}_viewer"',
        lambda connect, tenant, place: ServerAdmin(connect).home(tenant, place).open(),
    ),
    "a setting of its login": (
        'SET ROLE none; ALTER ROLE "{tenant}_login_a" IN DATABASE "{tenant}" SET work_mem = 64',
        lambda connect, tenant, place: ServerAdmin(connect).home(tenant, place).fence(),
    ),
    "default privileges": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC",
        lambda connect, tenant, place: Exposure(connect, tenant, place).change(["public", "more"], []),
    ),
}


@pytest.mark.parametrize("what", UNCOMMITTED)
def test_what_an_owner_leaves_uncommitted_stops_nobody_else(world: World, what: str) -> None:
    """An owner keeps a change of rights uncommitted: whoever changes others' rights meanwhile does not wait for it."""
    mine, others = new_id("k"), new_id("k")
    leave, work = UNCOMMITTED[what]
    try:
        stage = Stage(world, mine, provision(world, mine))
        neighbour = Stage(world, others, provision(world, others))
        with closing(stage.connect()) as blocker, ThreadPoolExecutor(1) as pool:
            with blocker.cursor() as cursor:
                cursor.execute("CREATE SCHEMA more")
                blocker.commit()
                cursor.execute(leave.format(tenant=mine))
            connect = Impatient(world, 20)
            done = pool.submit(work, connect, mine, stage.home().home)
            began = time.monotonic()
            for _ in range(3):
                neighbour.home(connect).fence()
                neighbour.home(connect).unfence()
                neighbour.home(connect).open()
            assert time.monotonic() - began < 5
            # A fence has ended it by now.
            with suppress(psycopg2.OperationalError):
                blocker.rollback()
            done.result(timeout=20)
    finally:
        remove(world, mine)
        remove(world, others)

"""Revisions wait for others only as long as others may wait for them, and as long as their worker has time."""

import functools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tenantry.domain.errors import Conflict, StatementFailed
from tenantry.domain.patience import Patience
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.homes.factory import home_of
from tenantry.homes.home_admin import HomeAdmin
from tenantry.revisions import outside, transactions
from tenantry.revisions.history import History
from tenantry.revisions.lock_waits import bounded_lock_waits
from tenantry.revisions.outside import OutsideSession
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import Watch
from tenantry.servers.server_admin import ServerAdmin
from tests.integration.conftest import World
from tests.integration.homes.conftest import new_id, provision
from tests.integration.revisions.conftest import Versions

IMPATIENT = Patience(0.0)
BUSY, UNFINISHED = "database_busy", "revision_unfinished"
MODELS = [Isolation.DATABASE, Isolation.POOLED]
TABLES = "\n".join(f'op.create_table("{name}", sa.Column("id", sa.Integer, primary_key=True))' for name in ("aa", "bb"))
BUILD = 'op.create_index("by_role", "candidates", ["job_role"], postgresql_concurrently=True, if_not_exists=True)'
WRITES = "LOCK TABLE candidates IN ROW EXCLUSIVE MODE"
# Its second lock is the one that is not to be had.
TWO_LOCKS = {
    "two statements": 'op.add_column("aa", sa.Column("n", sa.Text))\nop.add_column("bb", sa.Column("n", sa.Text))',
    "one statement": 'op.execute("DROP TABLE aa, bb")',
    "asks the database": 'op.get_bind().execute(sa.text("LOCK TABLE aa")).close()\nop.execute("LOCK TABLE bb")',
}


@pytest.fixture(scope="module")
def residents(own_world: World) -> dict[Isolation, TenantId]:
    """A tenant of each model, at the first revision."""
    made = {model: new_id("w") for model in MODELS}
    for model, tenant_id in made.items():
        provision(own_world, tenant_id, model)
    return made


@pytest.fixture(params=MODELS)
def admin(
    own_world: World, versions: Versions, residents: dict[Isolation, TenantId], request: pytest.FixtureRequest
) -> Iterator[HomeAdmin]:
    """A home with candidates and, from the second revision, two more tables. It is at the first again in the end."""
    versions.add("0002", "0001", TABLES, 'op.execute("DROP TABLE IF EXISTS aa, bb")')
    made = home(own_world, residents[request.param])
    yield made
    made.migrate("0001", scripts())
    drop_index(own_world, made)


def home(world: World, tenant_id: TenantId, patience: Patience = IMPATIENT) -> HomeAdmin:
    """Administer a home by somebody who tries everything once, unless more patient."""
    connect = functools.partial(world.admin)
    connect.patience = patience  # type: ignore[attr-defined]
    tenant = world.registry.tenant(tenant_id)
    assert tenant
    return ServerAdmin(connect).home(tenant_id, home_of(tenant, world.secrets.find(tenant_id)))


def scripts() -> RenderedHistory:
    return RenderedHistory(History())


def drop_index(world: World, place: HomeAdmin) -> None:
    world.execute(f'DROP INDEX IF EXISTS "{place.home.schema}".by_role', place.home.database)


@contextmanager
def held(world: World, place: HomeAdmin, statement: str) -> Iterator[Any]:
    """Hold what a statement locks."""
    with closing(world.server.connect(place.home.database)) as holder, holder.cursor() as cursor:
        cursor.execute(f'SET search_path = "{place.home.schema}"')
        cursor.execute(statement)
        yield holder


def test_tables_that_a_revision_does_not_name_are_left_alone(own_world: World, admin: HomeAdmin) -> None:
    with held(own_world, admin, WRITES):
        assert admin.migrate("0002", scripts()) == "0002"


@pytest.mark.parametrize("kind", TWO_LOCKS)
def test_who_has_one_lock_does_not_wait_long_for_another(
    own_world: World, versions: Versions, admin: HomeAdmin, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wait may be as long as it likes here, so only their sum ends it."""
    admin.migrate("0002", scripts())
    versions.add("0003", "0002", TWO_LOCKS[kind], TABLES if "one" in kind else "pass")
    monkeypatch.setattr(transactions, "LOCK_TIMEOUT_MS", 50_000)
    with held(own_world, admin, "SELECT FROM bb"), pytest.raises(Conflict) as refusal:
        admin.migrate("0003", scripts())
    assert refusal.value.code == BUSY
    assert admin.revision() == "0002"


@pytest.mark.parametrize("waits", ["UPDATE rows SET id = id", "LOCK TABLE rows", "SELECT pg_advisory_xact_lock(7)"])
def test_all_kinds_of_waits_are_bounded(own_world: World, waits: str) -> None:
    own_world.execute("CREATE TABLE IF NOT EXISTS rows AS SELECT 1 AS id")
    with closing(own_world.server.connect()) as holder, closing(own_world.server.connect()) as ours:
        holder.cursor().execute("SELECT pg_advisory_xact_lock(7); UPDATE rows SET id = id")
        with pytest.raises(StatementFailed) as refusal, bounded_lock_waits(ours):
            ours.cursor().execute(f"SET statement_timeout = '50s'; {waits}")
    assert refusal.value.code == "55P03"


def test_who_works_and_does_not_wait_is_left_alone(own_world: World) -> None:
    with closing(own_world.server.connect()) as ours, ours.cursor() as cursor:
        with bounded_lock_waits(ours):
            cursor.execute("SELECT 'done' FROM pg_sleep(0.7)")
        assert cursor.fetchall() == [("done",)]


def test_nothing_is_begun_outside_a_transaction_that_has_no_time_to_end(
    own_world: World, versions: Versions, admin: HomeAdmin
) -> None:
    versions.add("0003", "0002", BUILD, in_transaction=False)
    with pytest.raises(Conflict) as refusal:
        admin.migrate("0003", scripts(), Watch(seconds_left=lambda: 60.0))
    assert refusal.value.code == UNFINISHED
    assert admin.revision() == "0002"
    assert not own_world.execute("SELECT FROM pg_class WHERE relname = 'by_role'", admin.home.database)


def test_what_does_not_end_in_its_workers_time_is_done_by_the_next(
    own_world: World, versions: Versions, admin: HomeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.migrate("0002", scripts())
    versions.add("0003", "0002", BUILD, in_transaction=False)
    monkeypatch.setattr(outside, "_LEAST_SECONDS", 0)
    monkeypatch.setattr(outside, "_END_SECONDS", 0)
    with held(own_world, admin, WRITES), pytest.raises(Conflict) as refusal:
        admin.migrate("0003", scripts(), Watch(seconds_left=lambda: 1.0))
    assert refusal.value.code == UNFINISHED
    assert admin.migrate("0003", scripts()) == "0003"
    assert_valid(own_world, admin)


def test_a_build_that_gave_way_to_somebody_is_begun_anew(
    own_world: World,
    versions: Versions,
    admin: HomeAdmin,
    residents: dict[Isolation, TenantId],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a deadlock: `IF NOT EXISTS` would find what the first attempt has left, and call it done."""
    versions.add("0003", "0002", BUILD, in_transaction=False)
    send = OutsideSession._send
    gave_way: list[str] = []

    def give_way(session: OutsideSession, statement: str, seconds: int) -> None:
        send(session, statement, seconds)
        if statement.startswith("CREATE INDEX") and not gave_way:
            gave_way.append(statement)
            invalidate = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{}.by_role'::regclass"
            own_world.execute(invalidate.format(f'"{admin.home.schema}"'), admin.home.database)
            raise StatementFailed(code="40P01")

    monkeypatch.setattr(OutsideSession, "_send", give_way)
    patient = home(own_world, residents[admin.home.isolation], Patience(15.0))
    assert patient.migrate("0003", scripts()) == "0003"
    assert gave_way
    assert_valid(own_world, admin)


def assert_valid(world: World, place: HomeAdmin) -> None:
    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{}.by_role')"
    assert world.execute(query.format(f'"{place.home.schema}"'), place.home.database) == [(True,)]

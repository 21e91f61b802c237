"""After a worker has died after any step, or lost its connections during it, another one goes on, and dies later."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenantry.domain.errors import TenantryError
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.operations.operations import Step
from tests.integration.relocation.conftest import ROWS, Cut, Yard, dying_after

MOVE = ("prepare", "fence", "copy", "compare", "switch", "settle")
UNDO = ("fence", "look", "copy", "compare", "unlock", "switch", "drop_new_home", "forget_new_home")
ABANDON = ("reopen", "drop_target", "forget")
ROLES = [f"role {name}" for name in ("count", "dump", "editor", "login_a", "login_b", "owner", "viewer")]
FOR_BACKUPS = ("role count", "role dump")
DATABASE, SCHEMA, POOLED = Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED
type Way = tuple[Isolation, Isolation]
WAYS: list[Way] = [
    (DATABASE, DATABASE),
    (SCHEMA, SCHEMA),
    (POOLED, POOLED),
    (SCHEMA, DATABASE),
    (POOLED, SCHEMA),
    (POOLED, DATABASE),
]


def start(yard: Yard, tenant_id: TenantId, way: Way) -> Operation:
    if way[0] is way[1]:
        return yard.relocations.move(tenant_id, "there", "op-1")
    return yard.relocations.promote(tenant_id, way[1], "op-1")


def home_of(tenant_id: TenantId, isolation: Isolation) -> list[str]:
    things = {DATABASE: f"database {tenant_id}", SCHEMA: "schema", POOLED: "rows"}
    # The policies of shared tables know a tenant by its own logins, which back it up too.
    roles = [role for role in ROLES if isolation is not POOLED or role not in FOR_BACKUPS]
    return sorted([things[isolation], *roles])


def cutting_connections(yard: Yard, tenant_id: TenantId, name: str) -> Callable[[Step], Step]:
    """During a step, end every session of the administrator and of the tenant on both servers, again and again."""

    def wrap(step: Step) -> Step:
        if step.name != name:
            return step

        def run(operation: Operation) -> Any:
            with Axe(yard, tenant_id):
                return step.run(operation)

        return step._replace(run=run)

    return wrap


class Axe:
    """Ends the third session that a step opens on each server, whoever's it is."""

    def __init__(self, yard: Yard, tenant_id: TenantId) -> None:
        self.yard, self.tenant_id = yard, tenant_id
        self.patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        from tenantry.database import connecting

        opened = 0
        real = connecting.connect

        def connect(credentials: Any, settings: Any) -> Any:
            nonlocal opened
            connection = real(credentials, settings)
            opened += 1
            if opened == 2:
                server = next(s for s in self.yard.postgres.values() if s.port == credentials.port)
                pid = connection.info.backend_pid
                name = next(name for name, s in self.yard.postgres.items() if s is server)
                self.yard.execute(name, f"SELECT pg_terminate_backend({pid}, 5000)")
            return connection

        # No session is kept for the next who needs one: each is a new one, which can be counted.
        self.patch.setattr("tenantry.database.kept_sessions._KEPT_SECONDS", 0.0)
        for module in ("servers.servers", "contents.home_copier", "contents.reader", "contents.row_targets"):
            self.patch.setattr(f"tenantry.{module}.connect", connect)

    def __exit__(self, *_: object) -> None:
        self.patch.undo()


def dying_after_each(yard: Yard, operation: Operation, steps: tuple[str, ...]) -> Iterator[str]:
    """Let one worker after the other die, each after the next step; give the step's name after each death."""
    for step in steps:
        with pytest.raises(Cut):
            yard.perform(operation, dying_after(step))
        yield step


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way[0]}-{way[1]}")
def test_a_worker_that_dies_after_any_step_is_followed_by_one_that_goes_on(yard: Yard, way: Way) -> None:
    tenant_id = yard.add(way[0])
    before = yard.run_as(tenant_id, ROWS)
    operation = start(yard, tenant_id, way)
    for step in dying_after_each(yard, operation, MOVE):
        if step != "settle":  # else the tenant is at liberty already
            assert start(yard, tenant_id, way).operation_id == operation.operation_id
    yard.perform_well(operation)
    assert yard.run_as(tenant_id, ROWS) == before
    tenant = yard.tenant(tenant_id)
    assert (tenant.isolation, tenant.relocation) == (way[1], "")
    confirm_and_find_no_traces(yard, tenant_id, way)


def confirm_and_find_no_traces(yard: Yard, tenant_id: TenantId, way: Way) -> None:
    yard.perform_well(yard.relocations.confirm(tenant_id, "op-1"))
    traces = yard.traces(tenant_id)
    assert traces.pop(yard.tenant(tenant_id).server_id) == home_of(tenant_id, way[1])
    assert [*traces.values()] == [[]]


@pytest.mark.parametrize("way", [WAYS[0], WAYS[3], WAYS[4]], ids=lambda way: f"{way[0]}-{way[1]}")
def test_a_step_that_loses_a_connection_can_be_repeated(yard: Yard, way: Way) -> None:
    tenant_id = yard.add(way[0])
    for step in MOVE[:-1]:
        before = yard.run_as(tenant_id, ROWS)
        try:
            yard.perform(start(yard, tenant_id, way), cutting_connections(yard, tenant_id, step))
        except TenantryError:
            # Where it is, it can be written to again, unless it has gone over.
            new = f"INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', '{step}')"
            yard.run_as(tenant_id, new)
        else:
            assert yard.run_as(tenant_id, ROWS) == before
            confirm_and_find_no_traces(yard, tenant_id, way)
            tenant_id = yard.add(way[0])
    before = yard.run_as(tenant_id, ROWS)
    yard.perform_well(start(yard, tenant_id, way))
    assert yard.run_as(tenant_id, ROWS) == before
    confirm_and_find_no_traces(yard, tenant_id, way)


def test_what_was_cut_before_the_switch_is_undone(yard: Yard) -> None:
    tenant_id = yard.add()
    for step, cuts in [*((step, ()) for step in MOVE[:3]), ("compare", ABANDON)]:
        before = yard.run_as(tenant_id, ROWS)
        with pytest.raises(Cut):
            yard.perform(yard.relocations.move(tenant_id, "there", "op-1"), dying_after(step))
        operation = yard.relocations.undo(tenant_id, "op-1")
        assert [*dying_after_each(yard, operation, cuts)] == [*cuts]
        yard.perform_well(operation)
        assert yard.run_as(tenant_id, ROWS) == before
        new = f"INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', '{step}')"
        yard.run_as(tenant_id, new)
        assert yard.traces(tenant_id) == {"here": home_of(tenant_id, DATABASE), "there": []}
        assert yard.tenant(tenant_id).relocation == ""


UNDONE: list[tuple[Way, tuple[str, ...], bool]] = [(way, (), changed) for way in WAYS for changed in (False, True)]
UNDONE += [(way, UNDO, True) for way in (WAYS[0], WAYS[3], WAYS[5])]
UNDONE += [(WAYS[0], UNDO, False)]


@pytest.mark.parametrize(("way", "cuts", "changed"), UNDONE, ids=str)
def test_a_move_is_undone_with_what_was_written_since(
    yard: Yard, way: Way, cuts: tuple[str, ...], changed: bool
) -> None:
    tenant_id = yard.add(way[0])
    yard.perform_well(start(yard, tenant_id, way))
    if changed:
        yard.run_as(tenant_id, "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')")
        yard.run_as(tenant_id, "DELETE FROM candidates WHERE email = '7@example.com'")
    before = yard.run_as(tenant_id, ROWS)
    operation = yard.relocations.undo(tenant_id, "op-1")
    assert [*dying_after_each(yard, operation, cuts)] == [*cuts]
    yard.perform_well(operation)
    assert yard.run_as(tenant_id, ROWS) == before
    tenant = yard.tenant(tenant_id)
    assert (tenant.server_id, tenant.isolation, tenant.former_home, tenant.relocation) == ("here", way[0], None, "")
    yard.run_as(tenant_id, "INSERT INTO candidates (name, job_role, email) VALUES ('Newer', 'x', 'newer')")
    assert yard.traces(tenant_id) == {"here": home_of(tenant_id, way[0]), "there": []}


def test_a_confirmation_that_was_cut_is_finished(yard: Yard) -> None:
    tenant_id = yard.add()
    yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))
    operation = yard.relocations.confirm(tenant_id, "op-1")
    cuts = ("drop_former_home", "forget_former_home")
    assert [*dying_after_each(yard, operation, cuts)] == [*cuts]
    yard.perform(operation)
    assert yard.tenant(tenant_id).former_home is None
    assert yard.traces(tenant_id) == {"here": [], "there": home_of(tenant_id, DATABASE)}

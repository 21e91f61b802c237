"""Workers that die, are slow or come twice: the ledger keeps what was done, and it can be reverted."""

import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tenantry.domain.errors import Conflict, NotFound
from tenantry.domain.revision import Step
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId, TenantStatus
from tenantry.operations.leases import POOL_LEASE
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import StepRun
from tenantry.rollouts import outcomes, slices
from tenantry.rollouts.conducting import Next
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.migrating import migrate_slice
from tenantry.rollouts.places import Places
from tenantry.rollouts.rollout import Entry, EntryState, Match, Rollout, RolloutState, StepRecord, Wave
from tenantry.rollouts.slices import slice_from
from tests.integration.conftest import TABLE
from tests.integration.revisions.conftest import Versions
from tests.integration.rollouts.conftest import ADD_NOTE, DROP_NOTE, Fleet

POOL = "pool/local"
DONE, FAILED, BLOCKED = EntryState.DONE, EntryState.FAILED, EntryState.BLOCKED


class Died(BaseException):
    """What ends a worker without a word."""


class OldLedger(Ledger):
    """What a worker sees that has read the ledger a while ago."""

    def __init__(self, ledger: Ledger, seen: list[Entry]) -> None:
        super().__init__(ledger._dynamodb, TABLE)
        self._seen = seen

    def all(self, rollout_id: str) -> list[Entry]:
        return [entry for entry in self._seen if rollout_id]


def add_two(versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    versions.add("0003", "0002", ADD_NOTE.replace("note", "note3"), DROP_NOTE.replace("note", "note3"))


def in_one_slice(fleet: Fleet) -> Rollout:
    """Let one worker have all homes."""
    return fleet.start(Wave("all", at_once_per_server=1))


def revert(fleet: Fleet, rollout: Rollout) -> None:
    fleet.rollouts.revert(rollout.rollout_id, "somebody")
    assert fleet.run().state is RolloutState.DONE
    assert set(fleet.revisions().values()) == {"0001"}


@pytest.mark.parametrize("after", [1, 2], ids=["after the first revision", "after the last"])
def test_what_a_dead_worker_has_committed_is_told_and_reverted(
    fleet: Fleet, versions: Versions, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_two(versions)
    rollout, recorded, calls = in_one_slice(fleet), outcomes.recorded, [0]

    def die(run: StepRun, digest: str, at: datetime) -> StepRecord:
        calls[0] += 1
        if calls[0] == after:
            raise Died
        return recorded(run, digest, at)

    monkeypatch.setattr(outcomes, "recorded", die)
    with pytest.raises(Died):
        fleet.run()
    assert fleet.run().state is RolloutState.DONE

    entries = fleet.entries(rollout).values()
    assert {(entry.state, entry.revision, entry.changed_to) for entry in entries} == {(DONE, "0001", "0003")}
    assert {tuple(step.revision for step in entry.steps) for entry in entries} == {("0002", "0003")}
    revert(fleet, rollout)


def test_a_worker_that_never_came_back_before_the_cancel_is_reverted_too(
    fleet: Fleet, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    rollout, recorded = in_one_slice(fleet), outcomes.recorded

    def die(*_: object) -> StepRecord:
        raise Died

    monkeypatch.setattr(outcomes, "recorded", die)
    with pytest.raises(Died):
        fleet.run()
    monkeypatch.setattr(outcomes, "recorded", recorded)
    fleet.steering.cancel(rollout.rollout_id)
    revert(fleet, rollout)


def test_two_workers_with_one_slice_tell_what_the_first_has_done(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    rollout = in_one_slice(fleet)
    found: Next = fleet.conductor.next(rollout.rollout_id, rollout.execution)
    seen = fleet.ledger.all(rollout.rollout_id)
    fleet.work(found.slices)
    told = fleet.entries(rollout)
    assert {(entry.changed_to, len(entry.steps)) for entry in told.values()} == {("0002", 1)}

    late = fleet.tools()._replace(ledger=OldLedger(fleet.ledger, seen))
    migrate_slice(slice_from(dict(found.slices[0])), late, RenderedHistory(History()), lambda: math.inf)

    assert fleet.entries(rollout) == told


def test_who_skips_a_home_that_a_worker_is_about_to_change_keeps_it_as_it_is(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    rollout = in_one_slice(fleet)
    found: Next = fleet.conductor.next(rollout.rollout_id, rollout.execution)
    seen = fleet.ledger.all(rollout.rollout_id)
    left_out = [fleet.made[1].value, POOL]
    for name in left_out:
        fleet.steering.skip(rollout.rollout_id, name, "not today")

    late = fleet.tools()._replace(ledger=OldLedger(fleet.ledger, seen))
    migrate_slice(slice_from(dict(found.slices[0])), late, RenderedHistory(History()), lambda: math.inf)

    states = fleet.states(rollout)
    assert {states.pop(name) for name in left_out} == {EntryState.SKIPPED}
    assert set(states.values()) == {DONE}
    assert sorted(fleet.revisions().values()) == ["0001"] * 3 + ["0002"] * 2


def test_shared_tables_have_one_worker_at_a_time(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start(Wave("pool", Match(isolation="pooled")))
    with fleet.leases.hold(POOL_LEASE, "local"):
        fleet.run(wait=False)
    entry = fleet.entries(rollout)[POOL]
    assert (entry.state, entry.code) == (BLOCKED, "operation_in_progress")
    assert fleet.run().state is RolloutState.DONE


def test_workers_that_leave_no_trace_stop_the_rollout(
    fleet: Fleet, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a deployment that can't be started: else it would be tried for ever."""
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start()

    def nothing(_: Sequence[dict[str, Any]]) -> None:
        """Die before the first home."""

    with monkeypatch.context() as patch:
        patch.setattr(fleet, "work", nothing)
        stopped = fleet.run()
    assert (stopped.state, stopped.reason) == (RolloutState.STOPPED, "workers_lost")
    fleet.steering.resume(rollout.rollout_id)
    assert fleet.run().state is RolloutState.DONE


def test_a_revision_that_fails_by_itself_says_which_and_keeps_what_was_done(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    versions.add("0003", "0002", 'op.get_bind().execute(sa.text("SELECT 1")).scalar_one()\n{}["host=10.0.0.1"]')
    rollout = fleet.start(Wave("all", max_failed=9))
    assert fleet.run().state is RolloutState.DONE
    entries = fleet.entries(rollout).values()
    assert {(entry.state, entry.code, entry.revision, entry.changed_to) for entry in entries} == {
        (FAILED, "revision_failed", "0001", "0002")
    }
    assert {entry.details for entry in entries} == {"Revision 0003 has failed by itself (KeyError)."}
    revert(fleet, rollout)


def test_a_backfill_that_is_paused_or_cancelled_ends_with_its_batch(fleet: Fleet, versions: Versions) -> None:
    batch = "UPDATE candidates SET name = name"
    versions.add("0002", "0001", "pass", phase="backfill", batch=batch, pause_seconds=0)
    name = fleet.made[0].value
    fleet.world.execute("INSERT INTO candidates (name) VALUES ('n')", name)
    rollout = fleet.start(Wave("one", Match(tenants=(name,))))
    worker = threading.Thread(target=fleet.run, kwargs={"wait": False})
    worker.start()
    while fleet.states(rollout)[name] is not EntryState.RUNNING:
        assert worker.is_alive()
    fleet.steering.cancel(rollout.rollout_id)
    worker.join(20)
    assert not worker.is_alive()
    assert fleet.states(rollout)[name] is EntryState.CANCELLED
    fleet.world.execute("DELETE FROM candidates", name)


def test_a_backfill_that_does_not_end_is_given_up_and_lets_others_go_first(fleet: Fleet) -> None:
    rollout = in_one_slice(fleet)
    entry = fleet.entries(rollout)[fleet.made[0].value]
    error, at = (
        Conflict("No time.", code="revision_unfinished"),
        datetime.fromisoformat(entry.updated_at or "2026-01-01"),
    )
    (order,) = fleet.conductor.next(rollout.rollout_id, rollout.execution).slices
    once = outcomes.failed(entry, error, at)
    others = [one for one in fleet.entries(rollout).values() if one.unit != entry.unit]
    assert slice_from(order).due([once, *others], rollout, at)[-1] == once
    for _ in range(100):
        entry = outcomes.failed(entry, error, at)
    assert (entry.state, entry.code) == (FAILED, "revision_unfinished")
    assert entry.again().unfinished == 0


def test_a_round_is_no_larger_than_the_state_machine_takes(fleet: Fleet) -> None:
    rollout = replace(fleet.start(), waves=(Wave("all", at_once_per_server=40),))
    entry = fleet.entries(rollout)[POOL]
    many = [replace(entry, unit=f"t{n}", server_id=f"s{n % 200}") for n in range(800)]
    assert len(slices.slices_of(rollout, many)) == 150


def test_a_goal_that_the_deployed_code_does_not_have_says_so(fleet: Fleet, versions: Versions) -> None:
    """Older code was deployed while a rollout was under way, or while it was taken back."""
    made = versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    rollout = fleet.start()
    made.unlink()
    assert fleet.run().state is RolloutState.STOPPED
    failed = [entry for entry in fleet.entries(rollout).values() if entry.state is FAILED]
    assert {(entry.code, "resume" in entry.hint) for entry in failed} == {("goal_unknown", True)}

    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    fleet.steering.resume(rollout.rollout_id)
    assert fleet.run().state is RolloutState.DONE
    back = fleet.rollouts.revert(rollout.rollout_id, "somebody")
    made.unlink()
    assert fleet.run().state is RolloutState.STOPPED
    assert {entry.code for entry in fleet.entries(back).values() if entry.state is FAILED} == {"schema_unknown"}


def test_names_of_no_rollout_and_no_home_are_not_found(fleet: Fleet) -> None:
    rollout = fleet.start()
    for name in ("!steps", "pool/elsewhere", "x" * 60):
        with pytest.raises(NotFound) as refusal:
            fleet.steering.skip(rollout.rollout_id, name, "why")
        assert refusal.value.code == "not_in_rollout"
    for name in ("~under-way", "x" * 3000, "", rollout.rollout_id.lower()):
        with pytest.raises(NotFound) as refusal:
            fleet.steering.pause(name)
        assert refusal.value.code == "rollout_unknown"


def test_a_step_off_the_way_is_nobodys(fleet: Fleet, versions: Versions) -> None:
    """A restore has brought the home elsewhere since the worker died: nothing is told of it."""
    add_two(versions)
    entry = replace(fleet.entries(in_one_slice(fleet))[POOL], begun_from="0002")
    way = [Step(History().revisions[2])]
    accounted = outcomes.accounted(entry, way, "0001", lambda _: "", datetime.fromisoformat("2026-01-01"))
    assert (accounted.steps, accounted.changed_to, accounted.begun_from) == ((), None, None)


def test_tenants_in_every_state_are_migrated_or_left_with_a_reason(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    database, schema, _, other, _ = (one for one in map(fleet.registry.tenant, fleet.made) if one)
    elsewhere = Home("gone", Isolation.DATABASE, database.tenant_id.value, "public")
    for changed in (
        replace(database, former_home=elsewhere),
        replace(schema, status=TenantStatus.SUSPENDED),
        replace(other, adopted_database=other.tenant_id.value),
        replace(other, tenant_id=TenantId("stranded"), server_id="gone"),
    ):
        fleet.registry.put_tenant(changed)
    fleet.start(Wave("all", max_failed=3))
    fleet.run(wait=False)
    (rollout,) = fleet.store.newest(1)
    told = {unit: (entry.state, entry.code or entry.reason) for unit, entry in fleet.entries(rollout).items()}
    assert told == {
        database.tenant_id.value: (BLOCKED, "move_unconfirmed"),
        schema.tenant_id.value: (DONE, ""),
        other.tenant_id.value: (EntryState.SKIPPED, "adopted"),
        "stranded": (FAILED, "server_unknown"),
        POOL: (DONE, ""),
    }
    fleet.registry.put_tenant(database)
    fleet.registry.delete_tenant(TenantId("stranded"))
    assert fleet.run().state is RolloutState.DONE
    assert fleet.states(rollout)[database.tenant_id.value] is DONE
    with_adopted = fleet.start(adopted=True)
    assert fleet.run().state is RolloutState.DONE
    assert fleet.entries(with_adopted)[other.tenant_id.value].changed_to == "0002"


def test_where_a_tenant_lives_is_read_once_under_its_lease(
    fleet: Fleet, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers' first look is where two tenants lived when they began: another server, another database."""
    (left,) = fleet.add(Isolation.DATABASE)
    fleet.registry.delete_tenant(left)
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    found = {one.tenant_id.value: one for one in fleet.registry.tenants()}
    moved, adopted, _, other, _, _ = fleet.made
    before = {
        moved.value: replace(found[moved.value], server_id="gone"),
        adopted.value: replace(found[adopted.value], adopted_database=left.value),
    }
    monkeypatch.setattr(Places, "all", lambda _: found | before)
    read: list[TenantId] = []
    real = fleet.registry.tenant

    def tenant(tenant_id: TenantId) -> Tenant | None:
        read.append(tenant_id)
        return real(tenant_id)

    monkeypatch.setattr(fleet.registry, "tenant", tenant)
    rollout = fleet.start(Wave("all"), adopted=True)
    assert fleet.run().state is RolloutState.DONE
    assert {(entry.state, entry.changed_to) for entry in fleet.entries(rollout).values()} == {(DONE, "0002")}
    assert sorted(map(str, read)) == sorted(map(str, (moved, adopted, other)))
    assert set(fleet.revisions().values()) == {"0002"}
    assert fleet.world.execute("SELECT version_num FROM alembic_version", left.value) == [("0001",)]

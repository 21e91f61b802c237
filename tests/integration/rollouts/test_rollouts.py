"""A rollout goes over a fleet in waves, and its ledger says what was done."""

from contextlib import closing

import pytest

from handlers.routes.rollout_bodies import as_csv, show_home
from tenantry.domain.errors import BadRequest, Conflict
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.rollouts.rollout import EntryState, Gate, Match, RolloutState, Wave
from tests.integration.revisions.conftest import Versions
from tests.integration.rollouts.conftest import ADD_NOTE, DROP_NOTE, Fleet

POOL = "pool/local"
DONE, FAILED, SKIPPED, BLOCKED = EntryState.DONE, EntryState.FAILED, EntryState.SKIPPED, EntryState.BLOCKED


def test_everybody_comes_to_the_newest_revision_and_back(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    database, schema, _, other, _ = fleet.made

    rollout = fleet.start()
    assert fleet.run().state is RolloutState.DONE

    entries = fleet.entries(rollout)
    assert set(entries) == {database.value, schema.value, other.value, POOL}
    assert {entry.state for entry in entries.values()} == {DONE}
    assert {(entry.revision, entry.changed_to) for entry in entries.values()} == {("0001", "0002")}
    assert [(step.revision, step.phase) for step in entries[POOL].steps] == [("0002", "expand")]
    assert len({step.digest for entry in entries.values() for step in entry.steps}) == 1
    assert entries[POOL].tenants == 2
    assert set(fleet.revisions().values()) == {"0002"}
    assert [step.sql for step in fleet.rollouts.steps(rollout.rollout_id)] == [
        "ALTER TABLE candidates ADD COLUMN note TEXT;\n"
    ]

    back = fleet.rollouts.revert(rollout.rollout_id, "somebody")
    assert fleet.run().state is RolloutState.DONE
    assert {(entry.state, entry.changed_to) for entry in fleet.entries(back).values()} == {(DONE, "0001")}
    assert set(fleet.revisions().values()) == {"0001"}
    with pytest.raises(Conflict) as refusal:
        fleet.rollouts.revert(fleet.start(target="0001").rollout_id, "somebody")
    assert refusal.value.code == "nothing_to_revert"


def test_a_second_rollout_finds_all_done(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    fleet.start()
    fleet.run()
    again = fleet.start()
    assert fleet.run().state is RolloutState.DONE
    assert {(entry.state, entry.changed_to, entry.attempts) for entry in fleet.entries(again).values()} == {
        (DONE, None, 0)
    }


def test_one_rollout_at_a_time(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    first = fleet.start()
    with pytest.raises(Conflict) as refusal:
        fleet.start()
    assert (refusal.value.code, refusal.value.details) == ("rollout_in_progress", f"rollout {first.rollout_id}")
    assert fleet.start(dry_run=True).state is RolloutState.RUNNING
    fleet.steering.cancel(first.rollout_id)
    assert set(fleet.states(first).values()) == {EntryState.CANCELLED}
    fleet.start()
    assert fleet.run().state is RolloutState.DONE


def test_a_dry_run_changes_nothing(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    plan = fleet.start(dry_run=True)
    assert fleet.run().state is RolloutState.PLANNED
    assert {(entry.state, entry.revision, entry.steps) for entry in fleet.entries(plan).values()} == {
        (DONE, "0001", ())
    }
    assert set(fleet.revisions().values()) == {"0001"}
    with pytest.raises(Conflict, match="dry run") as refusal:
        fleet.steering.resume(plan.rollout_id)
    assert (refusal.value.code, "without dry_run" in str(refusal.value.hint)) == ("rollout_over", True)


def test_waves_soak_and_wait_for_their_gates(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    canary = fleet.made[0].value
    rollout = fleet.start(
        Wave("canary", Match(tenants=(canary,)), soak_minutes=30),
        Wave("schemas", Match(isolation="schema"), gate=Gate.OPERATOR),
        Wave("rest"),
    )

    assert fleet.run(wait=False).soak_until is not None
    assert [unit for unit, state in fleet.states(rollout).items() if state is DONE] == [canary]
    assert fleet.run(wait=False).wave == 0
    assert fleet.run().state is RolloutState.WAITING
    assert sorted(fleet.revisions().values()) == ["0001"] * 3 + ["0002"] * 2
    with pytest.raises(Conflict) as refusal:
        fleet.steering.resume(rollout.rollout_id)
    assert refusal.value.code == "rollout_waiting"
    fleet.steering.promote(rollout.rollout_id)
    assert fleet.run().state is RolloutState.DONE
    assert set(fleet.revisions().values()) == {"0002"}


def test_promoting_ends_the_soak_time_and_opens_the_gate_at_once(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    canary = fleet.made[0].value
    match = Match(tenants=(canary,))
    rollout = fleet.start(Wave("canary", match, soak_minutes=30, gate=Gate.OPERATOR), Wave("rest", soak_minutes=30))
    fleet.run(wait=False)
    assert fleet.steering.promote(rollout.rollout_id).wave == 1
    assert fleet.run(wait=False).wave == 1
    assert set(fleet.revisions().values()) == {"0002"}
    fleet.steering.promote(rollout.rollout_id)
    assert fleet.run(wait=False).state is RolloutState.DONE


def test_a_canary_that_fails_stops_the_rollout_which_goes_on_after_the_mend(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", 'op.execute("SELECT 1 / 0")')
    canary = fleet.made[0].value
    rollout = fleet.start(Wave("canary", Match(tenants=(canary,))), Wave("rest"))

    stopped = fleet.run()

    assert (stopped.state, stopped.reason, stopped.wave) == (RolloutState.STOPPED, "too_many_failed", 0)
    failed = fleet.entries(rollout)[canary]
    assert (failed.state, failed.code, failed.changed_to) == (FAILED, "22012", None)
    assert set(fleet.revisions().values()) == {"0001"}
    versions.add("0002", "0001", ADD_NOTE)
    fleet.steering.resume(rollout.rollout_id)
    assert fleet.run().state is RolloutState.DONE
    assert set(fleet.revisions().values()) == {"0002"}


def test_what_fails_in_one_home_is_left_there_within_what_is_allowed(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    database = fleet.made[0]
    fleet.world.execute("ALTER TABLE candidates ADD COLUMN note int", database.value)
    rollout = fleet.start(Wave("all", max_failed=1))
    assert fleet.run().state is RolloutState.DONE
    failed = fleet.entries(rollout)[database.value]
    assert (failed.state, failed.code) == (FAILED, "42701")
    assert "note" in failed.details
    assert sorted(fleet.revisions().values()) == ["0001", "0002", "0002", "0002", "0002"]


def test_a_lock_that_is_never_released_blocks_one_home_and_is_told(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    database = fleet.made[0].value
    rollout = fleet.start()
    with closing(fleet.world.server.connect(database, application_name="nightly \x1b report")) as holder:
        holder.cursor().execute("SELECT count(*) FROM candidates")
        fleet.run(wait=False)
        blocked = fleet.entries(rollout)[database]
        assert (blocked.state, blocked.code) == (BLOCKED, "database_busy")
        assert blocked.blocked_by["application"].startswith("nightly ")
        assert "\x1b" not in blocked.blocked_by["application"]
        assert blocked.blocked_by["idle"] is True
        fleet.lose_patience(rollout.rollout_id)
        assert fleet.run().state is RolloutState.STOPPED
    assert {state for unit, state in fleet.states(rollout).items() if unit != database} == {DONE}
    fleet.steering.resume(rollout.rollout_id)
    assert fleet.run().state is RolloutState.DONE
    assert fleet.entries(rollout)[database].state is DONE


def test_a_home_can_be_left_out_with_a_reason(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start()
    name = fleet.made[1].value
    fleet.steering.skip(rollout.rollout_id, name, "they migrate on Sunday")
    assert fleet.run().state is RolloutState.DONE
    left = fleet.entries(rollout)[name]
    assert (left.state, left.reason) == (SKIPPED, "they migrate on Sunday")
    assert fleet.revisions()[name] == "0001"


def test_a_wave_that_nobody_belongs_to_and_a_tenant_that_is_not_there_are_refused(fleet: Fleet) -> None:
    for match, code in ((Match(plan="premium"), "empty_wave"), (Match(tenants=("nobody-here",)), "tenant_unknown")):
        with pytest.raises(BadRequest) as refusal:
            fleet.start(Wave("canary", match), Wave("rest"))
        assert refusal.value.code == code
    with pytest.raises(BadRequest) as refusal:
        fleet.start(target="0815")
    assert refusal.value.code == "revision_unknown"
    assert [rollout for rollout in fleet.store.newest(10) if not rollout.is_over] == []


def test_pausing_and_resuming(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start()
    fleet.steering.pause(rollout.rollout_id)
    assert fleet.run().state is RolloutState.PAUSED
    assert set(fleet.states(rollout).values()) == {EntryState.PENDING}
    fleet.steering.resume(rollout.rollout_id)
    assert fleet.run().state is RolloutState.DONE
    with pytest.raises(Conflict) as refusal:
        fleet.steering.pause(rollout.rollout_id)
    assert refusal.value.code == "rollout_over"


def test_tenants_that_change_meanwhile_are_taken_along_or_left_with_a_reason(fleet: Fleet, versions: Versions) -> None:
    database, schema, _, other, _ = fleet.made
    rollout_versions = versions.add("0002", "0001", ADD_NOTE)
    assert rollout_versions
    rollout = fleet.start(Wave("canary", Match(tenants=(other.value,)), gate=Gate.OPERATOR), Wave("rest"))
    fleet.run()
    # One is erased, one comes back from a backup of before, one is new, one is busy.
    fleet.registry.delete_tenant(database)
    fleet.registry.note_revision(other, "0001")
    (new,) = fleet.add(fleet.registry.tenant(schema).isolation)  # type: ignore[union-attr]
    with fleet.leases.hold("tenant", schema.value):
        fleet.steering.promote(rollout.rollout_id)
        fleet.run(wait=False)
        busy = fleet.entries(rollout)[schema.value]
        assert (busy.state, busy.code) == (BLOCKED, "operation_in_progress")
    assert fleet.run().state is RolloutState.DONE

    entries = fleet.entries(rollout)
    assert (entries[database.value].state, entries[database.value].reason) == (SKIPPED, "it is gone")
    assert {entries[one.value].state for one in (schema, other, new)} == {DONE}
    assert entries[other.value].wave == 1
    assert set(fleet.revisions().values()) == {"0002"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_dies_loses_nothing(
    fleet: Fleet, versions: Versions, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entry says that it runs; the next round finds out how far it came."""
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start(Wave("all", at_once_per_server=1))
    died: list[TenantId] = []

    class Died(BaseException):
        pass

    from tenantry.rollouts.migrating import HomeAttempt

    run = HomeAttempt._run

    def die(attempt: HomeAttempt, entry: object, place: object) -> object:
        if not died:
            died.append(TenantId("somebody"))
            if when == "after":
                run(attempt, entry, place)  # type: ignore[arg-type]
            raise Died
        return run(attempt, entry, place)  # type: ignore[arg-type]

    monkeypatch.setattr(HomeAttempt, "_run", die)
    with pytest.raises(Died):
        fleet.run()
    assert EntryState.RUNNING in fleet.states(rollout).values()
    assert fleet.run().state is RolloutState.DONE
    assert set(fleet.states(rollout).values()) == {DONE}
    assert set(fleet.revisions().values()) == {"0002"}


def test_who_comes_back_as_the_last_wave_is_promoted_belongs_to_it(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start(Wave("all", soak_minutes=30))
    fleet.run(wait=False)
    restored = fleet.made[0]
    fleet.registry.note_revision(restored, "0001")
    (new,) = fleet.add(Isolation.SCHEMA)
    fleet.steering.promote(rollout.rollout_id)
    assert fleet.run(wait=False).state is RolloutState.DONE
    assert set(fleet.revisions().values()) == {"0002"}
    entries, ended = fleet.entries(rollout), fleet.store.get(rollout.rollout_id)
    assert {show_home(entries[one.value], ended)["wave"] for one in (restored, new)} == {"all"}
    assert "all" in as_csv(entries.values(), ended)


def test_who_fails_after_the_last_wave_was_promoted_stops_it(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start(Wave("all", soak_minutes=30))
    fleet.run(wait=False)
    # A restore has brought back the revision, and its owner has made the column meanwhile.
    fleet.registry.note_revision(fleet.made[0], "0001")
    fleet.world.execute("UPDATE alembic_version SET version_num = '0001'", fleet.made[0].value)
    fleet.steering.promote(rollout.rollout_id)
    stopped = fleet.run(wait=False)
    assert (stopped.state, stopped.reason) == (RolloutState.STOPPED, "too_many_failed")
    fleet.world.execute("ALTER TABLE candidates DROP COLUMN note", fleet.made[0].value)
    fleet.steering.resume(rollout.rollout_id)
    assert fleet.run(wait=False).state is RolloutState.DONE
    assert {entry.wave for entry in fleet.entries(rollout).values()} == {0}

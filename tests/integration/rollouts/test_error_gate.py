"""A rollout stops whose migrated tenants get more errors than before: as the real handler counts them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from handlers import query_tenant
from handlers.routes.rollout_bodies import show_rollout
from tenantry.aws.clients import aws_client
from tenantry.data_api.error_counter import ErrorCounter
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import TenantId
from tenantry.rollouts.rollout import Match, Rollout, RolloutState, Wave
from tests.integration.conftest import ERROR_COUNTS, REGION
from tests.integration.revisions.conftest import Versions
from tests.integration.rollouts.conftest import ADD_NOTE, DROP_NOTE, Fleet

MINUTE = timedelta(minutes=1)
STOPPED, RUNNING, DONE = RolloutState.STOPPED, RolloutState.RUNNING, RolloutState.DONE


@pytest.fixture(autouse=True)
def _counting(fleet: Fleet) -> Iterator[None]:
    """Let the handler count in the time that the conductor sees."""
    dynamodb = aws_client("dynamodb", REGION)
    query_tenant._error_counters[:] = [ErrorCounter(dynamodb, ERROR_COUNTS, fleet.clock)]
    yield
    query_tenant._error_counters.clear()
    query_tenant._data_requests()._connections.close()
    for item in dynamodb.scan(TableName=ERROR_COUNTS)["Items"]:
        key = {name: item[name] for name in ("bucket", "tenant_id")}
        dynamodb.delete_item(TableName=ERROR_COUNTS, Key=key)


def err(tenant_id: TenantId, times: int, at: datetime) -> None:
    """Count errors of one moment, and write those that wait as well."""
    moments = [at]
    counter = ErrorCounter(aws_client("dynamodb", REGION), ERROR_COUNTS, lambda: moments[-1])
    for _ in range(times):
        counter.count(tenant_id)
    moments.append(at + timedelta(seconds=25))
    counter.write_left_behind()


def soak(fleet: Fleet, rollout: Rollout) -> None:
    """Let the conductor find that a wave soaks, and go to some minutes before its end."""
    soaking = fleet.run(wait=False)
    assert (soaking.state, soaking.reason) == (RUNNING, "")
    assert soaking.soak_until
    fleet.clock.passed += soaking.soak_until - fleet.clock() - 3 * MINUTE


def have_soaked(fleet: Fleet) -> Rollout:
    fleet.clock.passed += 4 * MINUTE
    return fleet.run(wait=False)


def ask(fleet: Fleet, tenant_id: TenantId) -> int:
    return fleet.world.call(tenant_id, select="note", limit="1").status


def gated(name: str, *tenants: TenantId, most: int = 0, isolation: str = "") -> Wave:
    match = Match(tenants=tuple(one.value for one in tenants), isolation=isolation)
    return Wave(name, match, soak_minutes=5, max_erring=most)


def test_a_column_that_is_still_used_stops_the_rollout_until_nobody_uses_it(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    fleet.start()
    assert fleet.run().state is DONE
    versions.add("0003", "0002", DROP_NOTE, ADD_NOTE, phase="contract")
    canary, other = fleet.made[0], fleet.made[3]
    assert (ask(fleet, canary), ask(fleet, other)) == (200, 200)
    rollout = fleet.start(gated("canary", canary), gated("rest"))

    def use_the_column() -> Rollout:
        soak(fleet, rollout)
        for _ in range(6):
            assert ask(fleet, canary) == 400
            assert ask(fleet, other) == 200
            fleet.clock.passed += timedelta(seconds=11)
        return have_soaked(fleet)

    stopped = use_the_column()
    shown = show_rollout(stopped)
    assert (stopped.state, stopped.reason, stopped.wave) == (STOPPED, "too_many_errors", 0)
    assert shown["errors"] | {"until": ""} == {
        "wave": "canary",
        "minutes": 5,
        "until": "",
        "erring": 1,
        "tenants": ({"tenant_id": canary.value, "before": 0, "after": 6},),
    }
    assert [call["call"].rpartition("/")[2] for call in shown["next"]] == ["resume", "promote", "cancel"]
    assert fleet.revisions()[other.value] == "0002"

    # Nothing was mended; then the code is deployed that does without, and only what comes after the resume counts.
    assert fleet.steering.resume(rollout.rollout_id).errors is None
    assert use_the_column().reason == "too_many_errors"
    # An operator who pauses it first gets no old news either.
    assert fleet.steering.pause(rollout.rollout_id).reason == "operator"
    fleet.steering.resume(rollout.rollout_id)
    soak(fleet, rollout)
    assert have_soaked(fleet).wave == 1
    second = fleet.store.get(rollout.rollout_id)
    assert second.wave_began_at
    assert second.wave_began_at > second.requested_at + 15 * MINUTE
    assert set(fleet.revisions().values()) == {"0003"}
    soak(fleet, rollout)
    assert have_soaked(fleet).state is DONE


@pytest.mark.parametrize(("most", "state"), [(1, DONE), (0, STOPPED)])
def test_one_hostile_tenant_stops_nobody_unless_the_gate_is_for_one(
    fleet: Fleet, versions: Versions, most: int, state: RolloutState
) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start(gated("all", most=most))
    soak(fleet, rollout)
    err(fleet.made[0], 3000, fleet.clock())
    for tenant_id in fleet.made[1:]:
        err(tenant_id, 5, fleet.clock())
    assert have_soaked(fleet).state is state
    found = fleet.store.get(rollout.rollout_id).errors
    assert found
    assert [(one.tenant_id, one.after) for one in found.tenants] == [(fleet.made[0].value, 3000)]
    if state is STOPPED:
        # It was the last wave: that its errors are harmless ends the rollout.
        fleet.steering.promote(rollout.rollout_id)
        assert fleet.run(wait=False).state is DONE


def test_who_erred_as_much_before_does_not_err(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start(gated("all"))
    for tenant_id in fleet.made:
        err(tenant_id, 10, rollout.requested_at - 5 * MINUTE)
    soak(fleet, rollout)
    worse, *others = fleet.made
    err(worse, 26, fleet.clock())
    for tenant_id in others:
        err(tenant_id, 25, fleet.clock())
    assert have_soaked(fleet).state is STOPPED
    found = fleet.store.get(rollout.rollout_id).errors
    assert found
    assert [(one.tenant_id, one.before, one.after) for one in found.tenants] == [(worse.value, 10, 26)]


def test_all_who_share_tables_are_looked_at_and_nobody_else(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    first, second = fleet.made[2], fleet.made[4]
    rollout = fleet.start(gated("pools", isolation="pooled", most=1), Wave("rest"))
    soak(fleet, rollout)
    for tenant_id in (first, fleet.made[0], fleet.made[1]):
        err(tenant_id, 9, fleet.clock())
    err(second, 8, fleet.clock())
    assert have_soaked(fleet).reason == "too_many_errors"
    found = fleet.store.get(rollout.rollout_id).errors
    assert found
    assert [one.tenant_id for one in found.tenants] == [first.value, second.value]
    promoted = fleet.steering.promote(rollout.rollout_id)
    assert (promoted.state, promoted.reason, promoted.wave) == (RUNNING, "", 1)
    assert fleet.run(wait=False).state is DONE


def test_counts_that_cannot_be_read_are_waited_for(
    fleet: Fleet, versions: Versions, capsys: pytest.CaptureFixture[str]
) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    rollout = fleet.start(gated("canary", fleet.made[0]), Wave("rest"))
    soak(fleet, rollout)
    err(fleet.made[0], 9, fleet.clock())
    fleet.clock.passed += 4 * MINUTE
    fleet.counts._table = "nowhere"
    for _ in range(3):
        found = fleet.conductor.next(rollout.rollout_id, 1)
        assert (found.action, found.seconds) == ("wait", 61)
    waiting = fleet.store.get(rollout.rollout_id)
    assert (waiting.state, waiting.reason, waiting.wave) == (RUNNING, "errors_unread", 0)
    assert "error_counts_unavailable" in capsys.readouterr().out
    assert "promote" in str(show_rollout(waiting)["next"][0]["call"])
    fleet.counts._table = ERROR_COUNTS
    assert fleet.run(wait=False).reason == "too_many_errors"


def test_a_revert_is_held_by_no_errors(fleet: Fleet, versions: Versions) -> None:
    versions.add(
        "0002", "0001", DROP_NOTE.replace("note", "phone"), ADD_NOTE.replace("note", "phone"), phase="contract"
    )
    canary = fleet.made[0]
    rollout = fleet.start(gated("canary", canary), Wave("rest"))
    soak(fleet, rollout)
    err(canary, 9, fleet.clock())
    assert have_soaked(fleet).state is STOPPED
    with pytest.raises(Conflict) as refusal:
        fleet.rollouts.revert(rollout.rollout_id, "somebody")
    assert refusal.value.code == "rollout_in_progress"
    fleet.steering.cancel(rollout.rollout_id)
    fleet.rollouts.revert(rollout.rollout_id, "somebody")
    assert fleet.run(wait=False).state is DONE
    assert set(fleet.revisions().values()) == {"0001"}
    assert fleet.world.call(canary, select="phone", limit="1").status == 200


def test_only_what_the_errors_have_stopped_is_promoted(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", 'op.execute("SELECT 1 / 0")')
    rollout = fleet.start(gated("canary", fleet.made[0]), Wave("rest"))
    assert fleet.run(wait=False).reason == "too_many_failed"
    with pytest.raises(Conflict) as refusal:
        fleet.steering.promote(rollout.rollout_id)
    assert refusal.value.code == "wave_incomplete"

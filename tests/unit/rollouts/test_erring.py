"""Who errs more than before."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenantry.rollouts.erring import ErringTenant, ErrorComparison, find_erring, is_erring
from tenantry.rollouts.error_gate import soaked_at
from tenantry.rollouts.next_rollout_calls import next_rollout_calls
from tenantry.rollouts.rollout import TOO_MANY_ERRORS, Rollout, RolloutState, Rules, Wave, rollout_from


@pytest.mark.parametrize(
    ("before", "after", "errs"),
    [(0, 0, False), (0, 5, False), (0, 6, True), (10, 25, False), (10, 26, True), (1000, 0, False)],
)
def test_more_than_twice_as_many_and_five(before: int, after: int, errs: bool) -> None:
    assert is_erring(before, after) is errs


def test_only_those_who_were_migrated_are_judged_and_the_worst_are_named_first() -> None:
    found = find_erring(["a", "b", "b", "c"], {"a": 3, "c": 100}, {"a": 12, "b": 400, "c": 150, "stranger": 9000})
    assert found == (2, (ErringTenant("b", 0, 400), ErringTenant("a", 3, 12)))


def test_of_many_all_are_counted_and_twenty_named() -> None:
    names = [f"t{number:02}" for number in range(30)]
    erring, named = find_erring(names, {}, dict.fromkeys(names, 6))
    assert (erring, [one.tenant_id for one in named]) == (30, names[:20])


NOW = datetime(2026, 10, 1, 12, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(("minutes", "end"), [(5, "12:10:30"), (6, "12:15:30"), (60, "13:05:30")])
def test_where_errors_are_compared_whole_buckets_are_waited_for(minutes: int, end: str) -> None:
    wave = Wave("canary", soak_minutes=minutes, max_erring=0)
    assert soaked_at(wave, NOW).strftime("%H:%M:%S") == end
    assert soaked_at(replace(wave, max_erring=None), NOW) == NOW + timedelta(minutes=minutes)


STOPPED = Rollout(
    "01M8RGZFET2XE291HYHBG8A295",
    "0002",
    (Wave("all", soak_minutes=5, max_erring=1),),
    Rules(),
    "somebody",
    NOW,
    state=RolloutState.STOPPED,
    reason=TOO_MANY_ERRORS,
    wave_began_at=NOW,
    errors=ErrorComparison("all", 5, NOW.isoformat(), 2, (ErringTenant("a", 0, 9),)),
)


def test_a_rollout_is_read_as_it_was_written_and_one_of_earlier_code_too() -> None:
    written = json.loads(json.dumps(STOPPED.to_json()))
    assert rollout_from(written) == STOPPED
    for later in ("wave_began_at", "errors"):
        del written[later]
    del written["waves"][0]["max_erring"]
    waves = (Wave("all", soak_minutes=5),)
    assert rollout_from(written) == replace(STOPPED, wave_began_at=None, errors=None, waves=waves)


def test_every_way_out_is_named() -> None:
    calls = [str(call.call).rpartition("/")[2] for call in next_rollout_calls(STOPPED)]
    assert calls == ["resume", "promote", "cancel"]
    others = [str(call.call).rpartition("/")[2] for call in next_rollout_calls(replace(STOPPED, reason="other"))]
    assert others == ["resume", "skip", "cancel"]
    soaking = replace(STOPPED, state=RolloutState.RUNNING, reason="", soak_until=NOW)
    first, *_ = next_rollout_calls(soaking)
    assert (str(first.call).rpartition("/")[2], "whatever the errors" in first.meaning) == ("promote", True)

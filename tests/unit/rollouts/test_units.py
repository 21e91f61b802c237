"""Who belongs to which wave, which slice a home is in, and when it is tried."""

from datetime import UTC, datetime, timedelta

import pytest

from tenantry.domain.errors import Conflict, StatementFailed
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Limits, Tenant, TenantId, TenantStatus
from tenantry.rollouts.outcomes import failed, found_running, is_due, is_given_up
from tenantry.rollouts.rollout import Entry, EntryState, Match, Rollout, Rules, Wave, entry_from, rollout_from
from tenantry.rollouts.slices import slices_of
from tenantry.rollouts.units import new_entry, units_of, wave_of

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SERVERS = {
    "first": Server("first", "ap-south-1", "x", 1, labels=frozenset({"ssd", "new"})),
    "second": Server("second", "us-east-1", "x", 1),
}


def tenant(
    name: str, isolation: Isolation = Isolation.DATABASE, server: str = "first", plan: str = "standard"
) -> Tenant:
    return Tenant(TenantId(name), TenantStatus.ACTIVE, isolation, server, limits=Limits(plan=plan))


def rollout(*waves: Wave, **rules: object) -> Rollout:
    return Rollout("01M8", "0002", waves or (Wave("all"),), Rules(**rules), "somebody", NOW)  # type: ignore[arg-type]


def waves_of(tenants: list[Tenant], *waves: Wave) -> dict[str, int | None]:
    return {unit.name: wave_of(unit, waves) for unit in units_of(tenants, SERVERS)}


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match(labels=("ssd",)), True),
        (Match(labels=("ssd", "old")), False),
        (Match(region="ap-south-1", isolation="database"), True),
        (Match(region="us-east-1"), False),
        (Match(plan="premium"), False),
        (Match(tenants=("acme", "other")), True),
        (Match(tenants=("other",)), False),
    ],
)
def test_a_home_fits_all_that_is_said(match: Match, fits: bool) -> None:
    assert waves_of([tenant("acme")], Wave("one", match)) == {"acme": 0 if fits else None}


def test_the_first_wave_that_fits_has_a_home_and_the_erased_have_none() -> None:
    gone = Tenant(TenantId("gone"), TenantStatus.ERASING, Isolation.DATABASE, "first")
    found = waves_of([tenant("acme"), tenant("other"), gone], Wave("canary", Match(tenants=("other",))), Wave("rest"))
    assert found == {"acme": 1, "other": 0}


def test_shared_tables_are_one_home_of_a_server() -> None:
    pooled = Isolation.POOLED
    sharing = [tenant("aaa", pooled), tenant("bbb", pooled, plan="premium"), tenant("ccc", pooled, "second")]
    named = Wave("canary", Match(tenants=("bbb",)))
    premium = Wave("premium", Match(plan="premium"))
    assert waves_of(sharing, named, premium, Wave("rest")) == {"pool/first": 0, "pool/second": 2}
    assert waves_of(sharing, premium, Wave("rest")) == {"pool/first": 1, "pool/second": 1}


def test_a_percentage_is_always_the_same_share() -> None:
    tenants = [tenant(f"t{number:04}") for number in range(2000)]
    tenth = {name for name, wave in waves_of(tenants, Wave("a", Match(percent=10))).items() if wave == 0}
    half = {name for name, wave in waves_of(tenants, Wave("a", Match(percent=50))).items() if wave == 0}
    assert 140 < len(tenth) < 260
    assert tenth < half
    assert set(waves_of(tenants, Wave("a", Match(percent=100))).values()) == {0}


def test_an_adopted_database_is_left_out_unless_it_is_let_in() -> None:
    adopted = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.DATABASE, "first", adopted_database="legacy")
    (unit,) = units_of([adopted], SERVERS)
    left = new_entry(unit, rollout(), 0)
    assert (left.state, left.reason) == (EntryState.SKIPPED, "adopted")
    assert new_entry(unit, rollout(adopted=True), 0).state is EntryState.PENDING


def test_slices_are_as_many_as_may_be_and_have_every_home_once() -> None:
    going = rollout(Wave("all", at_once_per_server=3))
    entries = [Entry(f"t{n}", "first" if n % 2 else "second", "database", 0, "0002") for n in range(40)]
    entries += [
        Entry("done", "first", "database", 0, "0002", EntryState.DONE),
        Entry("later", "first", "database", 1, "1"),
    ]
    slices = slices_of(going, [entry for entry in entries if entry.wave == 0 and not entry.is_settled])
    assert [(one.server_id, one.part) for one in slices] == [(s, p) for s in ("first", "second") for p in range(3)]
    dealt = [entry.unit for one in slices for entry in one.due(entries, going, NOW)]
    assert sorted(dealt) == sorted(f"t{n}" for n in range(40))


def test_what_is_in_the_way_is_tried_again_for_a_while() -> None:
    rules, home = Rules(patience_minutes=10), Entry("acme", "first", "database", 0, "0002")
    blocked = failed(home, Conflict("x", code="database_busy"), NOW, {"application": "report"})
    assert (blocked.state, blocked.blocked_by) == (EntryState.BLOCKED, {"application": "report"})
    assert [is_due(blocked, rules, NOW + timedelta(seconds=s)) for s in (0, 29, 31)] == [False, False, True]
    later = failed(blocked, Conflict("x", code="operation_in_progress"), NOW + timedelta(minutes=9))
    assert not is_given_up(later, rules, NOW + timedelta(minutes=9))
    assert is_given_up(later, rules, NOW + timedelta(minutes=10))
    waiting = failed(home, Conflict("x", code="backup_in_progress"), NOW)
    assert (waiting.state, is_given_up(waiting, rules, NOW + timedelta(days=1))) == (EntryState.PENDING, False)


def test_what_fails_is_told_in_one_harmless_line() -> None:
    told = failed(Entry("a", "b", "c", 0, "1"), StatementFailed("no\x1b[2J\ncolumn", code="42703"), NOW)
    assert (told.state, told.code) == (EntryState.FAILED, "42703")
    assert told.details == r"no\x1b[2J\x0acolumn"


def test_a_home_that_kills_its_workers_is_given_up() -> None:
    running = Entry("acme", "first", "database", 0, "0002", EntryState.RUNNING, attempts=4)
    assert found_running(running, NOW).state is EntryState.PENDING
    given_up = found_running(Entry("acme", "first", "database", 0, "0002", EntryState.RUNNING, attempts=5), NOW)
    assert (given_up.state, given_up.code) == (EntryState.FAILED, "worker_lost")


def test_what_is_stored_is_read_as_it_was() -> None:
    going = rollout(Wave("a", Match(labels=("x",), tenants=("acme",)), soak_minutes=3), backup_hours=24)
    assert rollout_from(going.to_json()) == going
    entry = Entry("acme", "first", "database", 0, "0002", blocked_by={"idle": True}, rows={"t": 3})
    assert entry_from(entry.to_json()) == entry

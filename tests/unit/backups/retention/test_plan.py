"""Retention keeps what its policy says, never less than the last good backup, and gives the reasons."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.backups.retention.plan import Decision, plan_retention
from tenantry.domain.backup import DumpObject, Manifest, new_backup_id
from tenantry.domain.backup_facts import DatabaseFacts
from tenantry.domain.catalogue import CataloguedBackup, Fault, StoredVersion
from tenantry.domain.errors import InvalidSetting
from tenantry.domain.retention_policy import RetentionPolicy, parse_policy
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.domain.ulid import ulid_time
from tenantry.domain.verification import Verification

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NONE = RetentionPolicy(0, 0, 0, 0, 0, unverified_days=35)
ACME = TenantId("acme")


def backup(
    age: timedelta,
    *,
    verified: bool = True,
    fault: Fault | None = None,
    hold: str | None = None,
    locked: timedelta | None = None,
    seed: str = "x",
) -> CataloguedBackup:
    at = NOW - age
    backup_id = new_backup_id(at, seed)
    manifest = Manifest(
        tenant_id=ACME.value,
        backup_id=backup_id.value,
        stage="test",
        trigger="schedule",
        isolation=Isolation.DATABASE,
        started_at=at,
        finished_at=at,
        database=DatabaseFacts(name="acme", server_version="18.1", size_bytes=1, encoding="UTF8"),
        dump=DumpObject(
            key="k", version_id="v", stored_bytes=10, dump_bytes=10, sha256="0" * 64, pg_dump_version="18.6"
        ),
        tables=[],
    )
    verification = Verification(
        backup_id=backup_id.value,
        tenant_id=ACME.value,
        drilled_at=at,
        seconds=1,
        restored_bytes=1,
        tables=[],
        digest_matches=True,
        server_id="s",
        server_version="18.1",
        operation_id="o",
    )
    return CataloguedBackup(
        ACME,
        backup_id,
        "bucket",
        (StoredVersion("k", "v", 10, at),),
        None if fault is Fault.MANIFEST_MISSING else manifest,
        verification if verified else None,
        fault,
        hold,
        NOW + locked if locked else None,
    )


def days(*ages: float, verified: bool = True) -> list[CataloguedBackup]:
    return [backup(timedelta(days=age), verified=verified) for age in ages]


def deleted(plan: list[Decision]) -> list[CataloguedBackup]:
    return [decision.backup for decision in plan if decision.delete]


def reasons(backups: list[CataloguedBackup], policy: RetentionPolicy) -> list[tuple[str, ...]]:
    return [decision.reasons for decision in plan_retention(backups, policy, NOW)]


def test_the_newest_of_each_period_is_kept_and_says_for_which() -> None:
    policy = replace(NONE, daily=2, weekly=2)
    # A Saturday noon: today, this morning, yesterday, Thursday, last Saturday, the one before.
    plan = reasons(days(0.1, 0.4, 1, 2, 7, 14), policy)
    assert plan == [
        ("last_good", "daily", "weekly"),
        ("not_in_policy",),
        ("daily",),
        ("not_in_policy",),
        ("weekly",),
        ("not_in_policy",),
    ]


def test_months_years_and_hours_are_counted_in_utc() -> None:
    hour = timedelta(hours=1)
    fresh = [backup(timedelta(minutes=10)), backup(timedelta(minutes=50), seed="y"), backup(2 * hour)]
    assert reasons(fresh, replace(NONE, hourly=3)) == [
        ("last_good", "hourly"),
        ("not_in_policy",),
        ("hourly",),
    ]
    assert reasons(days(1, 30, 400), replace(NONE, monthly=2, yearly=2)) == [
        ("last_good", "monthly", "yearly"),
        ("monthly",),
        ("yearly",),
    ]


def test_one_week_of_two_years_is_two() -> None:
    assert reasons(days(1, 365), replace(NONE, weekly=2)) == [("last_good", "weekly"), ("weekly",)]


def test_nothing_expires_by_age_alone_where_nothing_newer_succeeded() -> None:
    """A defect of pgbackweb: everything older than its days is deleted, even if every backup since has failed."""
    old = days(400, 401, 402)
    assert not deleted(plan_retention(old, replace(NONE, daily=7), NOW))
    assert deleted(plan_retention(old, NONE, NOW)) == old[1:]


def test_a_newer_backup_that_nobody_verified_pushes_no_verified_one_out() -> None:
    backups = [*days(1, 2, 3, verified=False), *days(40)]
    assert not deleted(plan_retention(backups, NONE, NOW))


def test_the_newest_whole_one_is_kept_where_none_is_verified() -> None:
    backups = days(100, 200, 300, verified=False)
    assert not deleted(plan_retention(backups, NONE, NOW))
    assert reasons(backups, NONE)[0] == ("last_good", "nothing_newer_verified")


def test_an_unverified_one_goes_when_a_newer_one_is_verified_and_its_days_are_over() -> None:
    assert reasons([*days(36, 34, verified=False), *days(1)], NONE) == [
        ("never_verified",),
        ("not_verified_yet",),
        ("last_good",),
    ]


def test_a_failed_drill_verifies_nothing() -> None:
    good = backup(timedelta(days=50))
    bad = backup(timedelta(days=40))
    assert bad.verification is not None
    bad = replace(bad, verification=bad.verification.model_copy(update={"digest_matches": False}))
    plan = plan_retention([good, bad], NONE, NOW)
    assert [decision.reasons for decision in plan] == [("last_good",), ("nothing_newer_verified",)]


@pytest.mark.parametrize(("age", "reason"), [(1.9, "maybe_under_way"), (2.1, "leftover")])
def test_a_dump_without_a_manifest_goes_when_no_upload_can_be_under_way(age: float, reason: str) -> None:
    left = backup(timedelta(days=age), fault=Fault.MANIFEST_MISSING)
    assert reasons([left, *days(1)], NONE)[0] == (reason,)


def test_an_upload_that_began_long_ago_and_ended_now_is_under_way() -> None:
    left = backup(timedelta(days=9), fault=Fault.MANIFEST_MISSING)
    left = replace(left, versions=(replace(left.versions[0], written_at=NOW),))
    assert reasons([left], NONE) == [("maybe_under_way",)]


def test_a_truncated_dump_is_never_the_last_good_one() -> None:
    """pgdump-aws-lambda issue 61: a truncated dump looks newest, and the good ones expire."""
    newest = backup(timedelta(hours=1), fault=Fault.DUMP_SIZE)
    plan = plan_retention([*days(2), newest], NONE, NOW)
    assert plan[0].reasons == ("last_good",)
    assert not plan[1].delete


@pytest.mark.parametrize(
    "protected",
    [
        backup(timedelta(days=90), hold="case 7"),
        backup(timedelta(days=90), locked=timedelta(days=1)),
        backup(timedelta(days=90), hold="case 7", fault=Fault.MANIFEST_MISSING),
        backup(timedelta(days=90), verified=False, locked=timedelta(days=1)),
        backup(timedelta(days=90), verified=False, fault=Fault.HIDDEN),
    ],
    ids=["held", "locked", "held leftover", "locked unverified", "deleted by hand"],
)
def test_what_is_held_locked_or_hidden_stays(protected: CataloguedBackup) -> None:
    assert not deleted(plan_retention([protected, *days(1)], NONE, NOW))


def test_a_lock_that_has_ended_keeps_nothing() -> None:
    assert deleted(plan_retention([backup(timedelta(days=9), locked=timedelta(days=-1)), *days(1)], NONE, NOW))


COUNTS = st.integers(0, 5)
POLICIES = st.builds(RetentionPolicy, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.integers(1, 60))


@st.composite
def histories(draw: st.DrawFn) -> list[CataloguedBackup]:
    hours = draw(st.lists(st.integers(-48, 24 * 800), unique=True, max_size=14))
    return [
        backup(
            timedelta(hours=age),
            verified=draw(st.booleans()),
            fault=draw(st.sampled_from([None, None, None, *Fault])),
            hold=draw(st.sampled_from([None, None, "case"])),
            locked=draw(st.sampled_from([None, None, timedelta(days=-1), timedelta(days=1)])),
        )
        for age in hours
    ]


@given(histories(), POLICIES)
def test_the_last_good_one_and_what_is_protected_are_never_deleted(
    backups: list[CataloguedBackup], policy: RetentionPolicy
) -> None:
    gone = deleted(plan_retention(backups, policy, NOW))
    whole = [one for one in backups if not one.broken]
    for good in (whole, [one for one in whole if one.verified]):
        if good:
            assert max(good, key=lambda one: one.backup_id) not in gone
    assert not [one for one in gone if one.hold or (one.locked_until and one.locked_until > NOW)]
    assert not [one for one in gone if NOW - one.changed_at < timedelta(days=2) and not one.verified]


@given(histories(), POLICIES)
def test_a_second_run_deletes_nothing(backups: list[CataloguedBackup], policy: RetentionPolicy) -> None:
    kept = [decision.backup for decision in plan_retention(backups, policy, NOW) if not decision.delete]
    assert not deleted(plan_retention(kept, policy, NOW))


@given(histories(), POLICIES, st.tuples(*[COUNTS] * 6))
def test_more_policy_never_deletes_more(
    backups: list[CataloguedBackup], policy: RetentionPolicy, more: tuple[int, ...]
) -> None:
    fields = RetentionPolicy.__slots__
    larger = RetentionPolicy(**{name: getattr(policy, name) + n for name, n in zip(fields, more, strict=True)})
    small, large = (deleted(plan_retention(backups, one, NOW)) for one in (policy, larger))
    assert all(one in small for one in large)


@given(histories(), POLICIES)
def test_the_order_of_the_list_decides_nothing(backups: list[CataloguedBackup], policy: RetentionPolicy) -> None:
    forward, backward = (plan_retention(some, policy, NOW) for some in (backups, backups[::-1]))
    assert forward == backward[::-1]


def test_a_policy_is_read_as_the_template_writes_it() -> None:
    assert parse_policy("") == RetentionPolicy()
    assert parse_policy("hourly=1,daily=2, weekly=3,monthly=4,yearly=5,unverified_days=6") == RetentionPolicy(
        *range(1, 7)
    )


@pytest.mark.parametrize("text", ["daily", "daily=-1", "daily=x", "dayly=1", "daily=99999", "daily=1;weekly=2"])
def test_a_policy_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        parse_policy(text)


def test_an_id_names_its_moment_and_none_is_out_of_reach() -> None:
    assert ulid_time(new_backup_id(NOW).value) == NOW
    assert ulid_time("7" + "Z" * 25).year == 9999

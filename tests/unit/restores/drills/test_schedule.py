from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tenantry.backups.judging import TenantHistory
from tenantry.domain.tenant import Tenant, TenantId
from tenantry.restores.drills.schedule import DrillRun, drill_day, due_drills
from tests.unit.backups.test_judging import ACME, backup, drill

DAY = drill_day(ACME.tenant_id)
OWN_DAY = datetime(2026, 11, DAY, 6, 30, tzinfo=UTC)
OTHER_DAY = OWN_DAY + timedelta(days=1)


def due(history: TenantHistory, at: datetime, tenant: Tenant = ACME, only: str = "") -> bool:
    run = DrillRun(at, only=frozenset({only} if only else ()))
    return bool(list(due_drills(run, [(tenant, history)])))


def taken(at: datetime, verified: timedelta | None = timedelta(days=5)) -> TenantHistory:
    """A new backup, and a drill of an older one that many days ago."""
    newest = backup(at - timedelta(hours=2))
    if verified is None:
        return TenantHistory([newest], oldest=newest.taken_at)
    proof = drill(at - verified)
    return TenantHistory([newest], backup(at - verified, drill=proof), proof, at - timedelta(days=60))


def test_each_tenant_has_a_day_that_every_month_has() -> None:
    days = Counter(drill_day(TenantId(f"tenant-{number}")) for number in range(2800))
    assert set(days) == set(range(1, 29))
    assert max(days.values()) < 160


def test_it_is_drilled_on_its_day() -> None:
    assert due(taken(OWN_DAY), OWN_DAY)
    assert not due(taken(OTHER_DAY), OTHER_DAY)
    assert not due(taken(OTHER_DAY, None), OTHER_DAY)


def test_who_has_waited_for_a_month_is_drilled_on_any_day() -> None:
    assert due(taken(OTHER_DAY, timedelta(days=32)), OTHER_DAY)
    never = replace(taken(OTHER_DAY, None), oldest=OTHER_DAY - timedelta(days=32))
    assert due(never, OTHER_DAY)


def test_after_a_drill_that_failed_the_next_backup_is_tried_at_once() -> None:
    failed = drill(OTHER_DAY - timedelta(days=1), matches=False)
    assert due(replace(taken(OTHER_DAY), drilled=failed), OTHER_DAY)


def test_what_a_drill_has_spoken_of_is_not_drilled_again() -> None:
    done = backup(OWN_DAY, drill=drill(OWN_DAY))
    assert not due(TenantHistory([done], done, done.verification, OWN_DAY), OWN_DAY)
    assert not due(TenantHistory(), OWN_DAY)


def test_who_is_named_is_drilled_alone() -> None:
    assert due(taken(OTHER_DAY), OTHER_DAY, only="acme")
    assert not due(taken(OWN_DAY), OWN_DAY, only="beta")

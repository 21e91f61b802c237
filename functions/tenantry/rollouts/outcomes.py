"""What an attempt makes of an entry of the ledger."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from tenantry.domain.errors import TenantryError
from tenantry.domain.printable import printable
from tenantry.domain.revision import Step
from tenantry.revisions.running import StepRun
from tenantry.rollouts.rollout import (
    MOST_ATTEMPTS,
    MOST_UNFINISHED,
    RETRY_SECONDS,
    Entry,
    EntryState,
    Rules,
    StepRecord,
)

_HELD: Final = "operation_in_progress"
# The server is down, begins, ends sessions, or has no session left, be it for this database only.
_AWAY: Final = frozenset({"08000", "08001", "08003", "08004", "08006", "53300", "57P01", "57P02", "57P03"})
# Something else is done to the tenant, or could still be undone, or holds its tables: it is no fault of the revision.
_BLOCKED: Final = _AWAY | {"database_busy", _HELD, "tenant_incomplete", "tenant_moving", "move_unconfirmed"}
# A backup comes first, and takes as long as it takes.
_WAITS: Final = frozenset({"backup_in_progress", "backup_too_soon"})
# A worker had no more time: the next one goes on.
_GOES_ON: Final = "revision_unfinished"
# As long as a worker may run.
_WORKER_SECONDS: Final = 900
_MAX_TEXT: Final = 500
# Of an entry of which no error is told any more.
_NO_ERROR: Final[dict[str, Any]] = {"code": "", "details": "", "hint": "", "blocked_by": {}}


def recorded(run: StepRun, digest: str, at: datetime) -> StepRecord:
    """Write down a step that was taken."""
    return StepRecord(
        revision=run.step.revision.revision_id,
        direction=run.step.direction.value,
        phase=run.step.revision.phase.value,
        digest=digest,
        seconds=round(run.seconds, 3),
        lock_waits=run.lock_waits,
        rows=run.rows,
        done_at=at.isoformat(),
    )


def begun(entry: Entry, found: str, rows: Mapping[str, int], at: datetime) -> Entry:
    """Return the entry of a home that a worker begins to migrate."""
    return replace(
        entry,
        state=EntryState.RUNNING,
        attempts=entry.attempts + 1,
        # What it was at before this rollout changed anything is what a revert goes back to.
        revision=entry.revision if entry.steps else found,
        begun_from=found,
        rows=dict(rows),
        updated_at=at.isoformat(),
    )


def accounted(entry: Entry, way: Sequence[Step], found: str, digest: Callable[[Step], str], at: datetime) -> Entry:
    """Write down what an attempt has done that did not say how it ended: its worker has died.

    :param way: the steps from where that attempt began to the home's goal.
    :param found: where the home is now; off that way, nobody knows who brought it there.
    """
    reached = [step.reached for step in way]
    taken = way[: reached.index(found) + 1] if found in reached else ()
    records = [recorded(StepRun(step, 0.0, 0), digest(step), at) for step in taken]
    return worked(entry, records, found, 0.0)


def worked(entry: Entry, steps: Sequence[StepRecord], reached: str | None, seconds: float) -> Entry:
    """Return the entry with what was done in this attempt; `reached` is where the last step has left the home."""
    return replace(
        entry,
        steps=(*entry.steps, *steps),
        changed_to=reached if steps else entry.changed_to,
        seconds=round(entry.seconds + seconds, 3),
        lock_waits=entry.lock_waits + sum(step.lock_waits for step in steps),
        begun_from=None,
    )


def settled(entry: Entry, state: EntryState, at: datetime, reason: str = "") -> Entry:
    """Return the entry of a home that nothing is to be done to any more."""
    return replace(entry, state=state, reason=reason, updated_at=at.isoformat(), **_NO_ERROR)


def failed(entry: Entry, error: TenantryError, at: datetime, blocked_by: Mapping[str, Any] | None = None) -> Entry:
    """Return the entry of a home after an error: what is only in the way is tried again for a while."""
    entry = replace(
        entry, code=error.code, details=_told(error), hint=error.hint or "", blocked_by={}, updated_at=at.isoformat()
    )
    later = _later(at)
    if error.code == _GOES_ON and entry.unfinished < MOST_UNFINISHED:
        return replace(entry, state=EntryState.PENDING, attempts=0, unfinished=entry.unfinished + 1)
    if error.code in _WAITS:
        return replace(entry, state=EntryState.PENDING, not_before=later)
    if error.code not in _BLOCKED:
        return replace(entry, state=EntryState.FAILED)
    began, found = entry.began_at or at.isoformat(), dict(blocked_by or {})
    return replace(entry, state=EntryState.BLOCKED, blocked_by=found, began_at=began, not_before=later)


def found_running(entry: Entry, at: datetime) -> Entry:
    """Return the entry of a home whose worker has said nothing more: it has died, and another one tries."""
    if entry.attempts < MOST_ATTEMPTS:
        return replace(entry, state=EntryState.PENDING, updated_at=at.isoformat())
    return failed(entry, _lost("Look into the log of MigrateTenants, then resume."), at)


def still_held(entry: Entry, error: TenantryError, at: datetime) -> Entry | None:
    """Return the entry of a home whose dead worker still has its lease, as read; None if that is not what went wrong.

    A lease lasts longer than a rollout has to be patient, and ends by itself.
    """
    if entry.begun_from is None or error.code != _HELD:
        return None
    return replace(entry, state=EntryState.PENDING, not_before=_later(at), updated_at=at.isoformat())


def left_behind(entry: Entry, at: datetime) -> Entry:
    """Return the entry of a home in a rollout that was cancelled: nobody goes on with it, unless a worker still may.

    What a worker has done that died is unknown, so `begun_from` stays: a revert looks.
    """
    is_working = entry.state is EntryState.RUNNING and at - datetime.fromisoformat(entry.updated_at) < timedelta(
        seconds=_WORKER_SECONDS
    )
    if entry.is_settled or is_working:
        return entry
    if entry.state is EntryState.RUNNING:
        entry = failed(entry, _lost("Look into the log of MigrateTenants; revert the rollout to take it back."), at)
    return replace(entry, state=EntryState.CANCELLED, updated_at=at.isoformat())


def is_due(entry: Entry, rules: Rules, at: datetime) -> bool:
    """Whether a home is to be tried now."""
    return not entry.is_settled and not is_given_up(entry, rules, at) and entry.not_before <= at.isoformat()


def is_given_up(entry: Entry, rules: Rules, at: datetime) -> bool:
    """Whether a blocked home has been tried for as long as the rollout is patient."""
    if entry.state is not EntryState.BLOCKED or not entry.began_at:
        return False
    return at - datetime.fromisoformat(entry.began_at) >= timedelta(minutes=rules.patience_minutes)


def _lost(hint: str) -> TenantryError:
    return TenantryError("No worker has said how it ended.", code="worker_lost", hint=hint)


def _later(at: datetime) -> str:
    return (at + timedelta(seconds=RETRY_SECONDS)).isoformat()


def _told(error: TenantryError) -> str:
    """Write an error in one line, as an operator may see it: no row, and no more than somebody reads."""
    details = error.details if isinstance(error.details, str) else ""
    return printable(f"{error.message} {details}".strip(), _MAX_TEXT)

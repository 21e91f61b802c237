"""Decides which backups are kept, and why. Nothing here deletes anything."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from tenantry.domain.catalogue import CataloguedBackup, Fault
from tenantry.domain.retention_policy import RetentionPolicy

# A worker has fifteen minutes, and the bucket's lifecycle aborts an unfinished upload after two days.
LEFTOVER_AGE = timedelta(days=2)

type _Period = Callable[[datetime], Any]

_PERIODS: dict[str, _Period] = {
    "hourly": lambda at: (at.date(), at.hour),
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one backup is kept or deleted, with every reason."""

    backup: CataloguedBackup
    delete: bool
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the decision as JSON values."""
        backup = self.backup
        return {
            "tenant_id": backup.tenant_id.value,
            "backup_id": backup.backup_id.value,
            "taken_at": backup.taken_at.isoformat(),
            "action": "delete" if self.delete else "keep",
            "reasons": list(self.reasons),
            "verified": backup.verified,
            "fault": backup.fault.value if backup.fault else None,
            "bytes": backup.bytes,
        }


def plan_retention(backups: Sequence[CataloguedBackup], policy: RetentionPolicy, now: datetime) -> list[Decision]:
    """Decide on all backups of one tenant, under all ids that it has had.

    Only periods that have a verified backup are counted, however long ago they were: if nothing was verified lately,
    no older backup is dropped. Days, weeks, months and years are UTC's.

    :param now: an aware datetime.
    :returns: one decision for each backup, in the given order.
    """
    verified = sorted((backup for backup in backups if backup.verified), key=_age)
    whole = sorted((backup for backup in backups if not backup.broken), key=_age)
    reasons: dict[int, list[str]] = {}
    if last_good := (verified or whole)[:1]:
        reasons[id(last_good[0])] = ["last_good"]
    for name, period in _PERIODS.items():
        for backup in _newest_of_each(verified, period, getattr(policy, name)):
            reasons.setdefault(id(backup), []).append(name)
    newest_verified = verified[0] if verified else None
    return [_decide(backup, reasons.get(id(backup), []), newest_verified, policy, now) for backup in backups]


def _decide(
    backup: CataloguedBackup,
    kept_as: Iterable[str],
    newest_verified: CataloguedBackup | None,
    policy: RetentionPolicy,
    now: datetime,
) -> Decision:
    protection = list(_protection(backup, now))
    if backup.verified:
        keep = [*protection, *kept_as]
        return Decision(backup, not keep, tuple(keep) or ("not_in_policy",))
    if backup.fault is Fault.MANIFEST_MISSING:
        keep = [*protection, *(["maybe_under_way"] if now - backup.changed_at < LEFTOVER_AGE else [])]
        return Decision(backup, not keep, tuple(keep) or ("leftover",))
    keep = [*protection, *kept_as, *_unverified(backup, newest_verified, policy, now)]
    return Decision(backup, not keep, tuple(keep) or ("never_verified",))


def _protection(backup: CataloguedBackup, now: datetime) -> Iterable[str]:
    if backup.hold is not None:
        yield "legal_hold"
    if backup.locked_until is not None and backup.locked_until > now:
        yield "object_lock"


def _unverified(
    backup: CataloguedBackup, newest_verified: CataloguedBackup | None, policy: RetentionPolicy, now: datetime
) -> Iterable[str]:
    if backup.fault is Fault.HIDDEN:
        yield "left_to_lifecycle"
    # A backup newer than any verified one may be the only copy of the latest data.
    if newest_verified is None or newest_verified.backup_id < backup.backup_id:
        yield "nothing_newer_verified"
    # The backup's drill may be under way or still to come.
    age = now - max(backup.taken_at, backup.changed_at)
    if age < max(timedelta(days=policy.unverified_days), LEFTOVER_AGE):
        yield "not_verified_yet"


def _newest_of_each(newest_first: Iterable[CataloguedBackup], period: _Period, count: int) -> list[CataloguedBackup]:
    found: dict[Any, CataloguedBackup] = {}
    for backup in newest_first:
        found.setdefault(period(backup.taken_at), backup)
    return list(islice(found.values(), count))


def _age(backup: CataloguedBackup) -> tuple[int, ...]:
    """Return a sort key that puts the newest backup first."""
    return tuple(-ord(character) for character in backup.backup_id.value)

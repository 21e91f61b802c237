"""Judges, from what the buckets hold, whether every tenant has the backups that it should have."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tenantry.domain.backup import Manifest
from tenantry.domain.backup_policy import PATIENCE
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.tenant import Tenant
from tenantry.domain.verification import Verification

# Each tenant is drilled once a month; the extra days leave time to repeat a failed drill.
VERIFIED_WITHIN = timedelta(days=33)
# The longest that a backup may take: Lambda's fifteen minutes less the time to clean up.
DEADLINE_SECONDS = 880.0
_AHEAD = timedelta(days=14)
_ENOUGH_FOR_A_TREND = 3


class BackupFault(StrEnum):
    """What the report can find wrong."""

    LATE = "backup_late"
    NEVER = "backup_never"
    UNVERIFIED = "verification_late"
    DRILL_FAILED = "drill_failed"
    UNCOUNTED = "backup_uncounted"
    NEAR_DEADLINE = "near_deadline"


_HINTS = {
    BackupFault.LATE: "Look for the tenant in the newest run's summary and in back_up_tenant's log; back it up now.",
    BackupFault.NEVER: "Back it up now, and see what fails.",
    BackupFault.UNVERIFIED: "Look for the tenant in the newest summary of the drills; drill it now.",
    BackupFault.DRILL_FAILED: "Take a new backup now and drill it: until one passes, nothing can be restored for sure.",
    BackupFault.UNCOUNTED: "It can be restored, but no drill can verify it: mend what its `uncounted` is the code of.",
    BackupFault.NEAR_DEADLINE: "Make it smaller, or give it a quicker server: soon it takes longer than a function.",
}
_ORDER = list(BackupFault)


@dataclass(frozen=True, slots=True)
class TenantHistory:
    """One tenant's backups as read from the buckets: whole backups of several days, and the newest drilled ones.

    `backups` is a selection, oldest first; `oldest` is when the oldest backup that still exists was taken.
    """

    backups: Sequence[CataloguedBackup] = ()
    verified: CataloguedBackup | None = None
    drilled: Verification | None = None
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class TenantBackups:
    """One tenant's line. Times are ISO in UTC, ages in hours, sizes in bytes; None if there is no value."""

    tenant_id: str
    server_id: str
    policy: str
    newest_backup: str | None
    newest_at: str | None
    newest_hours: float | None
    newest_seconds: float | None
    stored_bytes: int | None
    database_bytes: int | None
    verified_backup: str | None
    verified_at: str | None
    verified_hours: float | None
    restore_seconds: float | None
    verified_rows: int | None
    predicted_seconds: float | None
    # Whether a restore of the newest or of the newest verified one does not bring back everything that there was.
    limited: bool
    # The code of what kept the rows of the newest one from being counted, so that no drill can verify it.
    uncounted: str | None
    faults: tuple[BackupFault, ...]

    def findings(self) -> Iterator[dict[str, str]]:
        """Yield the faults in the form of the other reports' findings."""
        for fault in self.faults:
            names = {"kind": fault.value, "tenant": self.tenant_id, "server": self.server_id}
            yield names | {"where": self.newest_at or "", "hint": _HINTS[fault]}


def judge(tenant: Tenant, history: TenantHistory, now: datetime) -> TenantBackups:
    """Compare a tenant's history with its policy."""
    newest = history.backups[-1] if history.backups else None
    manifest, proof = newest.manifest if newest else None, history.verified.verification if history.verified else None
    predicted = predict_seconds([backup.manifest for backup in history.backups if backup.manifest], now)
    return TenantBackups(
        tenant_id=tenant.tenant_id.value,
        server_id=tenant.server_id,
        policy=tenant.backups.value,
        newest_backup=newest.backup_id.value if newest else None,
        newest_at=_text(newest.taken_at) if newest else None,
        newest_hours=_hours(now - newest.taken_at) if newest else None,
        newest_seconds=_seconds(manifest) if manifest else None,
        stored_bytes=manifest.dump.stored_bytes if manifest else None,
        database_bytes=manifest.database.size_bytes if manifest else None,
        verified_backup=proof.backup_id if proof else None,
        verified_at=_text(proof.drilled_at) if proof else None,
        verified_hours=_hours(now - proof.drilled_at) if proof else None,
        restore_seconds=proof.seconds if proof else None,
        verified_rows=proof.rows if proof else None,
        predicted_seconds=round(predicted, 1) if predicted is not None else None,
        limited=any(backup.limited for backup in (newest, history.verified) if backup),
        uncounted=newest.uncounted if newest else None,
        faults=tuple(_faults(tenant, history, predicted, now)),
    )


def _faults(tenant: Tenant, history: TenantHistory, predicted: float | None, now: datetime) -> Iterator[BackupFault]:
    newest = history.backups[-1] if history.backups else None
    if _is_over(PATIENCE[tenant.backups], now, newest.taken_at if newest else None, tenant.known_since):
        yield BackupFault.LATE if newest else BackupFault.NEVER
    proof = history.verified.verification if history.verified else None
    if _is_over(VERIFIED_WITHIN, now, proof.drilled_at if proof else None, tenant.known_since, history.oldest):
        yield BackupFault.UNVERIFIED
    if history.drilled and not history.drilled.restored:
        yield BackupFault.DRILL_FAILED
    if newest and newest.uncounted:
        yield BackupFault.UNCOUNTED
    if predicted is not None and predicted > DEADLINE_SECONDS:
        yield BackupFault.NEAR_DEADLINE


def _is_over(patience: timedelta, now: datetime, last: datetime | None, *begun: datetime | None) -> bool:
    """Tell whether more than `patience` has passed since `last` or, if it is None, since the latest of `begun`."""
    since = last or max(filter(None, begun), default=None)
    return since is None or now - since > patience


def predict_seconds(manifests: Sequence[Manifest], now: datetime) -> float | None:
    """Predict how many seconds a backup will take in two weeks; None if there was no backup.

    The trend of at least three backups is extrapolated, but never further than the backups reach back: a few minutes
    of history say nothing about two weeks.
    """
    if not manifests:
        return None
    last = _seconds(manifests[-1])
    points = [(manifest.started_at.timestamp(), _seconds(manifest)) for manifest in manifests]
    span = points[-1][0] - points[0][0]
    if len(points) < _ENOUGH_FOR_A_TREND or span <= 0:
        return last
    mean_at, mean = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((at - mean_at) ** 2 for at, _ in points)
    slope: float = sum((at - mean_at) * (seconds - mean) for at, seconds in points) / spread
    ahead = min(_AHEAD.total_seconds(), span) + max(now.timestamp() - points[-1][0], 0.0)
    return max(last, last + slope * ahead)


@dataclass(frozen=True, slots=True)
class BackupReport:
    """The whole fleet's lines, faulty ones first, with a digest so that the report can serve as evidence."""

    made_at: str
    tenants: Sequence[TenantBackups]

    def with_fault(self, *faults: BackupFault) -> list[str]:
        """Name the tenants that have any of these faults."""
        return [tenant.tenant_id for tenant in self.tenants if set(faults) & set(tenant.faults)]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        findings = [finding for tenant in self.tenants for finding in tenant.findings()]
        findings.sort(key=lambda finding: _ORDER.index(BackupFault(finding["kind"])))
        content: dict[str, Any] = {
            "made_at": self.made_at,
            "passed": not findings,
            "findings": findings,
            "tenants": [asdict(tenant) | {"faults": [*tenant.faults]} for tenant in self.tenants],
        }
        return content | {"digest": digest(content)}


def digest(content: dict[str, Any]) -> str:
    """Digest a report's content (without the digest itself): SHA-256 of JSON with sorted keys and no spaces."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _seconds(manifest: Manifest) -> float:
    return round((manifest.finished_at - manifest.started_at).total_seconds(), 3)


def _hours(age: timedelta) -> float:
    return round(age.total_seconds() / 3600, 2)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")

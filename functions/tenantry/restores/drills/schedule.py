"""Chooses the tenants to drill in one run: each on its own day of the month, and all that have waited too long."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenantry.backups.judging import TenantHistory
from tenantry.domain.tenant import Tenant, TenantId
from tenantry.fleet.run import Order

# Every month has this many days.
_DAYS = 28
_AT_THE_LATEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class DrillRun:
    """One daily run; `everyone`, or the ids in `only`, are drilled whether or not it is their day."""

    at: datetime
    everyone: bool = False
    only: frozenset[str] = frozenset()


def drill_day(tenant_id: TenantId) -> int:
    """Return a tenant's day of the month, 1 to 28. It is a hash of its id, which spreads a fleet evenly."""
    return int.from_bytes(hashlib.sha256(f"drill/{tenant_id.value}".encode()).digest()[:8]) % _DAYS + 1


def due_drills(run: DrillRun, tenants: Iterable[tuple[Tenant, TenantHistory]]) -> Iterator[tuple[Tenant, Order]]:
    """Yield the tenants to drill, each with its newest backup, unless that backup already has a verification."""
    for tenant, history in tenants:
        newest = history.backups[-1] if history.backups else None
        if newest and newest.verification is None and _is_due(run, tenant, history):
            yield tenant, Order(tenant.tenant_id, newest.backup_id)


def _is_due(run: DrillRun, tenant: Tenant, history: TenantHistory) -> bool:
    if run.only:
        return tenant.tenant_id.value in run.only
    if run.everyone or drill_day(tenant.tenant_id) == run.at.day:
        return True
    if history.drilled and not history.drilled.restored:
        # After a failed drill, the next backup is drilled at once and not in a month.
        return True
    proof = history.verified.verification if history.verified else None
    since = proof.drilled_at if proof else history.oldest
    return since is not None and run.at - since > _AT_THE_LATEST

"""Chooses the tenants whose backup is due in one scheduled run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from tenantry.domain.backup import new_backup_id
from tenantry.domain.backup_policy import BackupWindow
from tenantry.domain.tenant import Tenant, TenantStatus
from tenantry.fleet.run import Order


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """One scheduled run; `everyone`, or the ids in `only`, are backed up whether due or not.

    The same `execution_id` makes the same backup ids, however often it is delivered.
    """

    at: datetime
    execution_id: str
    trigger: str
    everyone: bool = False
    only: frozenset[str] = frozenset()


def due_backups(run: ScheduledRun, tenants: Iterable[Tenant], window: BackupWindow) -> Iterator[tuple[Tenant, Order]]:
    """Yield the tenants that are due, each with the id of its backup.

    Suspended tenants are backed up too: their data is no less valuable.
    """
    for tenant in tenants:
        if tenant.status is TenantStatus.PROVISIONING or not _is_due(run, tenant, window):
            continue
        name = tenant.tenant_id
        yield tenant, Order(name, new_backup_id(run.at, f"{run.execution_id}/{name.value}"))


def _is_due(run: ScheduledRun, tenant: Tenant, window: BackupWindow) -> bool:
    if run.only:
        return tenant.tenant_id.value in run.only
    return run.everyone or window.is_due(tenant, run.at)

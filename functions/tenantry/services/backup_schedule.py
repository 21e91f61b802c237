"""Starts a backup for each tenant that is due for one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tenantry.adapters.function_invocation import FunctionInvoker
from tenantry.domain.backup import new_backup_id
from tenantry.domain.backup_policy import BackupWindow
from tenantry.domain.errors import BackupFailed, TenantryError
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """One hourly run of the schedule; with `everyone`, whoever is due or not.

    The same `execution_id` makes the same backup ids, however often it is delivered.
    """

    at: datetime
    execution_id: str
    trigger: str
    everyone: bool = False


def start_backups(
    run: ScheduledRun, tenants: Iterable[Tenant], window: BackupWindow, invoker: FunctionInvoker
) -> list[TenantId]:
    """Start the backups that are due; one that can't be started keeps nobody else from theirs.

    A suspended tenant is backed up too: its data is as dear as before.

    :returns: the tenants whose backup was started.
    :raises BackupFailed: some could not be started. Repeating the run starts them and repeats no other.
    """
    started: list[TenantId] = []
    failed: list[TenantId] = []
    for tenant in tenants:
        if tenant.status is TenantStatus.PROVISIONING or not (run.everyone or window.is_due(tenant, run.at)):
            continue
        try:
            invoker.start(_order(run, tenant.tenant_id))
            started.append(tenant.tenant_id)
        except TenantryError:
            failed.append(tenant.tenant_id)
    if failed:
        names = ", ".join(map(str, failed))
        raise BackupFailed("Some backups could not be started.", code="backups_not_started", details=names)
    return started


def _order(run: ScheduledRun, tenant_id: TenantId) -> dict[str, str]:
    backup_id = new_backup_id(run.at, f"{run.execution_id}/{tenant_id.value}")
    return {"tenant_id": tenant_id.value, "backup_id": backup_id.value, "trigger": run.trigger}

"""Backups on demand: one at a time for each tenant, and not too often."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.registry import Registry
from tenantry.backups.progress import BackupState, Progress
from tenantry.backups.progress_store import ProgressStore
from tenantry.domain.backup import BackupId, new_backup_id
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.changeable import require_in_use
from tenantry.domain.errors import Conflict, DependencyFailed, TenantUnknown
from tenantry.domain.tenant import TenantId

OPERATOR, TENANT = "operator", "tenant"
# The least seconds between two requests. For an operator this catches a double click; a tenant's admin has to wait
# longer, because somebody pays for the storage.
_LEAST_SECONDS = {OPERATOR: 5, TENANT: 900}


class BackupRequests:
    """Starts backups on demand, and returns their progress."""

    def __init__(self, registry: Registry, progress: ProgressStore, invoker: FunctionInvoker) -> None:
        """Take the adapters; `invoker` starts the function that backs a tenant up."""
        self._registry = registry
        self._progress = progress
        self._invoker = invoker

    def ask(self, tenant_id: TenantId, trigger: str) -> dict[str, Any]:
        """Start a backup and return its progress, which can be polled at once.

        :param trigger: who asks: `OPERATOR` or `TENANT`.
        :raises TenantUnknown: there is no such tenant.
        :raises Conflict: a backup is under way, the last request was too recent, or the tenant can't be backed up now.
        :raises DependencyFailed: the backup could not be started.
        """
        tenant = self._registry.tenant(tenant_id)
        if tenant is None:
            raise TenantUnknown("There is no such tenant.")
        require_in_use(tenant)
        now = datetime.now(UTC)
        for other in self._progress.newest(tenant_id):
            if other.is_under_way(now):
                raise Conflict(
                    "The tenant is being backed up at this moment.",
                    code="backup_in_progress",
                    details=other.backup_id,
                    hint="Watch that backup, whose id is in the details.",
                )
        self._progress.take_turn(tenant_id, _LEAST_SECONDS[trigger])
        asked = Progress(tenant_id.value, new_backup_id(now).value, BackupState.QUEUED, trigger, now)
        self._progress.put(asked)
        try:
            self._invoker.start({"tenant_id": tenant_id.value, "backup_id": asked.backup_id, "trigger": trigger})
        except DependencyFailed as error:
            self._progress.put(replace(asked, state=BackupState.FAILED, error=error.code))
            raise
        return asked.to_json(now)

    def progress(
        self, tenant_id: TenantId, backup_id: BackupId, backup: CataloguedBackup | None
    ) -> dict[str, Any] | None:
        """Return a backup's progress; None if there is none, or it has expired after some days.

        :param backup: the backup in the bucket, if it is there. It counts more than the last report, which may be that
            of an attempt before the one that published it.
        :raises DependencyFailed: the registry did not answer.
        """
        found = self._progress.get(tenant_id, backup_id)
        if found and backup and not backup.broken:
            found = replace(found, state=BackupState.PUBLISHED, error="")
        return found.to_json(datetime.now(UTC)) if found else None

    def pending(self, tenant_id: TenantId, published: Iterable[CataloguedBackup]) -> list[dict[str, Any]]:
        """List the recent backups that were requested or begun but are not among the published ones, newest first.

        :raises DependencyFailed: the registry did not answer.
        """
        now, there = datetime.now(UTC), {backup.backup_id.value for backup in published}
        found = [one for one in self._progress.newest(tenant_id) if one.backup_id not in there]
        return [one.to_json(now) for one in found if one.state is not BackupState.PUBLISHED]

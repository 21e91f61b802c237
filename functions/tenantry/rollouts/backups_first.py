"""Sees that a tenant has a backup that is young enough before its schema is changed, and asks for one if not."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tenantry.backups.progress import BackupState
from tenantry.backups.progress_store import ProgressStore
from tenantry.backups.requests import OPERATOR, BackupRequests
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import TenantId
from tenantry.rollouts.rollout import Rules


class BackupsFirst:
    """Looks at the newest backups, and starts those that are missing."""

    def __init__(self, progress: ProgressStore, requests: BackupRequests) -> None:
        """Take what knows of the backups of the last days, and what starts one."""
        self._progress = progress
        self._requests = requests

    def require(self, rules: Rules, tenants: Iterable[TenantId], since: datetime) -> None:
        """Make sure that each tenant has a young backup; one that was asked for is waited for.

        :param since: when the rollout was asked for: a backup from after that is young in any case.
        :raises Conflict: a backup is under way (`backup_in_progress`), or the last one has failed (`backup_failed`).
        :raises TenantryError: one could not be asked for.
        """
        if rules.backup_hours is None:
            return
        oldest = min(datetime.now(UTC) - timedelta(hours=rules.backup_hours), since)
        # All of them are asked for before one is waited for.
        missing = [tenant_id for tenant_id in tenants if not self._is_there(tenant_id, oldest, since)]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise Conflict(
                "The tenant is being backed up first.",
                code="backup_in_progress",
                details=f"{missing[0]}{more}",
                hint="It is migrated when that backup is published.",
            )

    def _is_there(self, tenant_id: TenantId, oldest: datetime, since: datetime) -> bool:
        """Whether a tenant has a young backup; one that is neither there nor under way is asked for."""
        newest = self._progress.newest(tenant_id)
        if any(one.state is BackupState.PUBLISHED and one.updated_at >= oldest for one in newest):
            return True
        now = datetime.now(UTC)
        under_way = [one for one in newest if one.is_under_way(now)]
        if not under_way:
            asked = [one for one in newest if one.updated_at >= since]
            if asked:
                raise Conflict(
                    "The backup that the rollout asked for has failed.",
                    code="backup_failed",
                    details=f"{tenant_id}: {asked[0].error or asked[0].at(now).value}",
                    hint="Back the tenant up, then retry.",
                )
            self._requests.ask(tenant_id, OPERATOR)
        return False

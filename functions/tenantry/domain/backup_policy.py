"""When a tenant's backup is due: each tenant has its own hour and, if it is backed up weekly, its own weekday."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from tenantry.domain.tenant import BackupFrequency, Tenant, TenantId

_HOUR = timedelta(hours=1)
# How old the newest backup may be: the interval, plus time to repeat a failed backup.
PATIENCE = {
    BackupFrequency.HOURLY: timedelta(hours=3),
    BackupFrequency.DAILY: timedelta(hours=30),
    BackupFrequency.WEEKLY: timedelta(days=8),
}


@dataclass(frozen=True, slots=True)
class BackupWindow:
    """The hours of the day in which daily and weekly backups start: from `start` (0 to 23), for `hours` (1 to 24)."""

    start: int
    hours: int
    timezone: tzinfo

    def slot(self, tenant_id: TenantId) -> tuple[int, int]:
        """Return a tenant's weekday (0 is Monday) and hour. They are a hash of its id, which spreads a fleet evenly."""
        number = int.from_bytes(hashlib.sha256(tenant_id.value.encode()).digest()[:8])
        return number // self.hours % 7, (self.start + number % self.hours) % 24

    def is_due(self, tenant: Tenant, at: datetime) -> bool:
        """Tell whether the hourly run that is scheduled `at` backs this tenant up."""
        if tenant.backups is BackupFrequency.HOURLY:
            return True
        weekday, hour = self.slot(tenant.tenant_id)
        hours = [moment for moment in self._hours_since_the_last_run(at) if moment.hour == hour]
        if tenant.backups is BackupFrequency.WEEKLY:
            return any(moment.weekday() == weekday for moment in hours)
        return bool(hours)

    def _hours_since_the_last_run(self, at: datetime) -> Iterator[datetime]:
        """Yield the local hours that began since the last run: two when clocks go forward, none when they go back."""
        moment, now = self._on_the_wall(at - _HOUR), self._on_the_wall(at)
        while (moment := moment + _HOUR) <= now:
            yield moment

    def _on_the_wall(self, at: datetime) -> datetime:
        return at.astimezone(self.timezone).replace(minute=0, second=0, microsecond=0, tzinfo=None)

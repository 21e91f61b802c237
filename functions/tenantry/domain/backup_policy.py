"""When a tenant is due for its backup: each has an hour, and where it is backed up weekly a day, of its own."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from tenantry.domain.tenant import BackupFrequency, Tenant, TenantId

_HOUR = timedelta(hours=1)
# How old the newest backup may be: the interval, and time for one that failed to be repeated.
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
        """Name a tenant's weekday (0 is Monday) and hour. They follow from its id, so a fleet is spread evenly."""
        number = int.from_bytes(hashlib.sha256(tenant_id.value.encode()).digest()[:8])
        return number // self.hours % 7, (self.start + number % self.hours) % 24

    def is_due(self, tenant: Tenant, at: datetime) -> bool:
        """Tell whether the hourly run that is scheduled `at` is the one that backs a tenant up."""
        if tenant.backups is BackupFrequency.HOURLY:
            return True
        weekday, hour = self.slot(tenant.tenant_id)
        hours = [moment for moment in self._hours_since_the_last_run(at) if moment.hour == hour]
        if tenant.backups is BackupFrequency.WEEKLY:
            return any(moment.weekday() == weekday for moment in hours)
        return bool(hours)

    def _hours_since_the_last_run(self, at: datetime) -> Iterator[datetime]:
        """Go through the hours that the clock on the wall has reached: two where it is put forward, none where back."""
        moment, now = self._on_the_wall(at - _HOUR), self._on_the_wall(at)
        while (moment := moment + _HOUR) <= now:
            yield moment

    def _on_the_wall(self, at: datetime) -> datetime:
        return at.astimezone(self.timezone).replace(minute=0, second=0, microsecond=0, tzinfo=None)

from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from dateutil.tz import gettz

from tenantry.domain.backup_policy import BackupWindow
from tenantry.domain.tenant import BackupFrequency, Isolation, Tenant, TenantId, TenantStatus

WINDOW = BackupWindow(start=22, hours=4, timezone=UTC)
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
FLEET = [TenantId(f"tenant-{number}") for number in range(400)]


def tenant(tenant_id: TenantId, backups: BackupFrequency) -> Tenant:
    return Tenant(tenant_id, TenantStatus.ACTIVE, Isolation.DATABASE, "s1", backups=backups)


def due(tenant_id: TenantId, backups: BackupFrequency, hours: int, window: BackupWindow = WINDOW) -> list[datetime]:
    runs = [MONDAY + timedelta(hours=hour, minutes=17) for hour in range(hours)]
    return [run for run in runs if window.is_due(tenant(tenant_id, backups), run)]


def test_hourly_is_every_run() -> None:
    assert len(due(FLEET[0], BackupFrequency.HOURLY, 24)) == 24


@pytest.mark.parametrize("tenant_id", FLEET[:20])
def test_daily_is_once_a_day_at_the_same_hour_inside_the_window(tenant_id: TenantId) -> None:
    runs = due(tenant_id, BackupFrequency.DAILY, 24 * 14)
    assert len(runs) == 14
    assert {run.hour for run in runs} <= {22, 23, 0, 1}
    assert len({run.hour for run in runs}) == 1


@pytest.mark.parametrize("tenant_id", FLEET[:20])
def test_weekly_is_once_a_week_on_the_same_day(tenant_id: TenantId) -> None:
    runs = due(tenant_id, BackupFrequency.WEEKLY, 24 * 28)
    assert len(runs) == 4
    assert len({(run.weekday(), run.hour) for run in runs}) == 1


def test_a_fleet_does_not_start_at_once() -> None:
    slots = [WINDOW.slot(tenant_id) for tenant_id in FLEET]
    by_hour, by_day = Counter(hour for _, hour in slots), Counter(day for day, _ in slots)
    assert len(by_hour) == 4
    assert max(by_hour.values()) < 1.4 * len(FLEET) / 4
    assert len(by_day) == 7
    assert max(by_day.values()) < 1.5 * len(FLEET) / 7


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"])
@pytest.mark.parametrize("tenant_id", FLEET[:12])
def test_no_day_is_left_out_or_doubled_when_the_clock_is_changed(zone: str, tenant_id: TenantId) -> None:
    timezone: tzinfo | None = gettz(zone)
    assert timezone
    window = BackupWindow(start=0, hours=6, timezone=timezone)
    first = datetime(2026, 1, 1, tzinfo=timezone).astimezone(UTC)
    runs = [first + timedelta(hours=hour) for hour in range(24 * 365)]
    days = [
        run.astimezone(timezone).date() for run in runs if window.is_due(tenant(tenant_id, BackupFrequency.DAILY), run)
    ]
    assert len(days) == len(set(days)) == 365

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenantry.domain.backup_policy import BackupWindow
from tenantry.domain.errors import BackupFailed, DependencyFailed
from tenantry.domain.tenant import BackupFrequency, Isolation, Tenant, TenantId, TenantStatus
from tenantry.services.backup_schedule import ScheduledRun, start_backups

RUN = ScheduledRun(datetime(2026, 11, 1, 2, tzinfo=UTC), "execution", "schedule", everyone=True)
WINDOW = BackupWindow(start=1, hours=4, timezone=UTC)


class Invoker:
    """Takes every event but those of one tenant."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.events: list[dict[str, str]] = []

    def start(self, event: dict[str, str]) -> None:
        if event["tenant_id"] == self.refuses:
            raise DependencyFailed()
        self.events.append(event)


def tenants(**statuses: TenantStatus) -> list[Tenant]:
    return [Tenant(TenantId(name), status, Isolation.DATABASE, "s1") for name, status in statuses.items()]


FLEET = tenants(acme=TenantStatus.ACTIVE, beta=TenantStatus.SUSPENDED, cosmo=TenantStatus.PROVISIONING)


def test_each_tenant_that_has_data_is_started_once() -> None:
    invoker = Invoker()
    started = start_backups(RUN, FLEET, WINDOW, invoker)  # type: ignore[arg-type]
    assert [tenant.value for tenant in started] == ["acme", "beta"]
    assert [event["tenant_id"] for event in invoker.events] == ["acme", "beta"]
    assert {event["trigger"] for event in invoker.events} == {"schedule"}


def test_a_run_that_is_delivered_twice_asks_for_the_same_backups() -> None:
    first, second = Invoker(), Invoker()
    start_backups(RUN, FLEET, WINDOW, first)  # type: ignore[arg-type]
    start_backups(RUN, FLEET, WINDOW, second)  # type: ignore[arg-type]
    assert first.events == second.events
    assert len({event["backup_id"] for event in first.events}) == 2


def test_one_that_can_not_be_started_stops_nobody_else_and_is_named() -> None:
    invoker = Invoker(refuses="acme")
    with pytest.raises(BackupFailed) as failure:
        start_backups(RUN, FLEET, WINDOW, invoker)  # type: ignore[arg-type]
    assert failure.value.details == "acme"
    assert [event["tenant_id"] for event in invoker.events] == ["beta"]


def test_who_is_not_due_is_not_started() -> None:
    fleet = [
        replace(tenant, backups=backups)
        for tenant, backups in zip(FLEET, [BackupFrequency.HOURLY, BackupFrequency.DAILY], strict=False)
    ]
    (beta,) = [tenant for tenant in fleet if tenant.tenant_id.value == "beta"]
    _, hour = WINDOW.slot(beta.tenant_id)
    at_its_hour = replace(RUN, at=RUN.at.replace(hour=hour), everyone=False)
    names = [tenant.value for tenant in start_backups(at_its_hour, fleet, WINDOW, Invoker())]  # type: ignore[arg-type]
    assert names == ["acme", "beta"]
    later = replace(at_its_hour, at=at_its_hour.at + timedelta(hours=1))
    names = [tenant.value for tenant in start_backups(later, fleet, WINDOW, Invoker())]  # type: ignore[arg-type]
    assert names == ["acme"]

from datetime import UTC, datetime

import pytest

from tenantry.domain.errors import BackupFailed, DependencyFailed
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tenantry.services.backup_schedule import ScheduledRun, start_backups

RUN = ScheduledRun(datetime(2026, 11, 1, 2, tzinfo=UTC), "execution", "schedule")


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
    started = start_backups(RUN, FLEET, invoker)  # type: ignore[arg-type]
    assert [tenant.value for tenant in started] == ["acme", "beta"]
    assert [event["tenant_id"] for event in invoker.events] == ["acme", "beta"]
    assert {event["trigger"] for event in invoker.events} == {"schedule"}


def test_a_run_that_is_delivered_twice_asks_for_the_same_backups() -> None:
    first, second = Invoker(), Invoker()
    start_backups(RUN, FLEET, first)  # type: ignore[arg-type]
    start_backups(RUN, FLEET, second)  # type: ignore[arg-type]
    assert first.events == second.events
    assert len({event["backup_id"] for event in first.events}) == 2


def test_one_that_can_not_be_started_stops_nobody_else_and_is_named() -> None:
    invoker = Invoker(refuses="acme")
    with pytest.raises(BackupFailed) as failure:
        start_backups(RUN, FLEET, invoker)  # type: ignore[arg-type]
    assert failure.value.details == "acme"
    assert [event["tenant_id"] for event in invoker.events] == ["beta"]

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tenantry.backups.schedule import ScheduledRun, due_backups
from tenantry.domain.backup_policy import BackupWindow
from tenantry.domain.tenant import BackupFrequency, Isolation, Tenant, TenantId, TenantStatus

RUN = ScheduledRun(datetime(2026, 11, 1, 2, tzinfo=UTC), "execution", "schedule", everyone=True)
WINDOW = BackupWindow(start=1, hours=4, timezone=UTC)


def tenants(**statuses: TenantStatus) -> list[Tenant]:
    return [Tenant(TenantId(name), status, Isolation.DATABASE, "s1") for name, status in statuses.items()]


FLEET = tenants(acme=TenantStatus.ACTIVE, beta=TenantStatus.SUSPENDED, cosmo=TenantStatus.PROVISIONING)


def names(run: ScheduledRun, fleet: list[Tenant] = FLEET) -> list[str]:
    return [order.tenant_id.value for _, order in due_backups(run, fleet, WINDOW)]


def test_each_tenant_that_has_data_gets_an_order() -> None:
    assert names(RUN) == ["acme", "beta"]


def test_a_run_that_is_delivered_twice_asks_for_the_same_backups() -> None:
    first, second = list(due_backups(RUN, FLEET, WINDOW)), list(due_backups(RUN, FLEET, WINDOW))
    assert first == second
    assert len({order.backup_id for _, order in first}) == 2
    other = list(due_backups(replace(RUN, execution_id="another"), FLEET, WINDOW))
    assert not {order.backup_id for _, order in other} & {order.backup_id for _, order in first}


def test_who_is_not_due_gets_none() -> None:
    fleet = [
        replace(tenant, backups=backups)
        for tenant, backups in zip(FLEET, [BackupFrequency.HOURLY, BackupFrequency.DAILY], strict=False)
    ]
    (beta,) = [tenant for tenant in fleet if tenant.tenant_id.value == "beta"]
    _, hour = WINDOW.slot(beta.tenant_id)
    at_its_hour = replace(RUN, at=RUN.at.replace(hour=hour), everyone=False)
    assert names(at_its_hour, fleet) == ["acme", "beta"]
    later = replace(at_its_hour, at=at_its_hour.at + timedelta(hours=1))
    assert names(later, fleet) == ["acme"]

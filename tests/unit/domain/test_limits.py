from tenantry.domain.limits import LimitChange
from tenantry.domain.tenant import BackupFrequency, Isolation, Limits, Tenant, TenantId, TenantStatus


def test_what_is_left_out_stays() -> None:
    present = Limits(10, 5000, "premium")
    assert LimitChange().limits(present) == present
    assert LimitChange(connections=3).limits(present) == Limits(3, 5000, "premium")
    assert LimitChange(statement_timeout_ms=0, plan="free").limits(present) == Limits(10, 0, "free")


def test_backups_are_changed_with_the_limits() -> None:
    tenant = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.DATABASE, "s1", backups=BackupFrequency.WEEKLY)
    assert LimitChange(connections=3).apply(tenant).backups is BackupFrequency.WEEKLY
    assert LimitChange(backups=BackupFrequency.HOURLY).apply(tenant).backups is BackupFrequency.HOURLY

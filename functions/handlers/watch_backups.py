"""Started every hour by its own schedule: publishes how many tenants lack a backup, independent of other runs."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from handlers.settings.backups import history_settings
from handlers.wiring.backups import backup_histories
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.backups.judging import BackupFault, BackupReport
from tenantry.observability import MetricUnit, count, logger, measure
from tenantry.reports.backups import BackupAudit

_WITHOUT_RECENT = (BackupFault.LATE, BackupFault.NEVER)
_WITHOUT_VERIFIED = (BackupFault.UNVERIFIED, BackupFault.DRILL_FAILED)
_NAMED = 50


@cache
def _audit() -> BackupAudit:
    settings = history_settings()
    registry = Registry(aws_client("dynamodb", settings.region), settings.registry_table)
    return BackupAudit(registry, backup_histories(settings.buckets))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Judge every tenant's backups and publish how many lack one.

    :raises TenantryError: the backups could not be read. Then nothing is published, and the missing metric raises an
        alarm too.
    """
    report = _audit().run(datetime.now(UTC))
    counted = {
        "TenantsWithoutRecentBackup": report.with_fault(*_WITHOUT_RECENT),
        "TenantsWithoutRecentVerification": report.with_fault(*_WITHOUT_VERIFIED),
        "TenantsNearBackupDeadline": report.with_fault(BackupFault.NEAR_DEADLINE),
    }
    for name, tenants in counted.items():
        count(name, len(tenants))
        if tenants:
            logger().error("tenants need attention", extra={"metric": name, "tenants": tenants[:_NAMED]})
    _measure_ages(report)
    return {"tenants": len(report.tenants)} | {name: len(tenants) for name, tenants in counted.items()}


def _measure_ages(report: BackupReport) -> None:
    newest = [line.newest_hours for line in report.tenants if line.newest_hours is not None]
    verified = [line.verified_hours for line in report.tenants if line.verified_hours is not None]
    measure("OldestBackupHours", max(newest, default=0.0), MetricUnit.NoUnit)
    measure("OldestVerificationHours", max(verified, default=0.0), MetricUnit.NoUnit)
    predicted = max((line.predicted_seconds or 0.0 for line in report.tenants), default=0.0)
    measure("LongestBackupPredicted", predicted, MetricUnit.Seconds)

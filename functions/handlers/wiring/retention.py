"""Wires the retention of a tenant's backups, which `perform_operation` and `retain_backups` perform."""

from handlers.settings.backups import RetentionSettings
from handlers.settings.operation import OperationSettings
from handlers.wiring.backups import backup_catalogue, backup_removal
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.backups.retention.records import RetentionRecords
from tenantry.backups.retention.run import KIND, PLAN_KIND, Retention, RetentionRun
from tenantry.operations.leases import Leases
from tenantry.operations.operations import Workflows


def retention_workflows(
    settings: OperationSettings | RetentionSettings, registry: Registry, leases: Leases
) -> Workflows:
    """Wire the workflows of a retention run and of a dry run."""
    run = RetentionRun(
        Retention(registry, backup_catalogue(settings.buckets), settings.retention, leases),
        backup_removal(settings.buckets),
        RetentionRecords(aws_client("s3", settings.region), settings.bucket),
        leases,
    )
    return {KIND: run.steps(), PLAN_KIND: run.dry_steps()}

"""Wires the retention of a tenant's backups, which `perform_operation` performs."""

from handlers.backup_adapters import backup_catalogue, backup_removal
from tenantry.adapters.aws import aws_client
from tenantry.adapters.leases import Leases
from tenantry.adapters.registry import Registry
from tenantry.adapters.retention_records import RetentionRecords
from tenantry.services.operations import Recipes
from tenantry.services.retention import KIND, PLAN_KIND, Retention, RetentionRun
from tenantry.settings import OperationSettings


def retention_recipes(settings: OperationSettings, registry: Registry, leases: Leases) -> Recipes:
    """List the steps of a run, and of one that deletes nothing."""
    run = RetentionRun(
        Retention(registry, backup_catalogue(settings.buckets), settings.retention, leases),
        backup_removal(settings.buckets),
        RetentionRecords(aws_client("s3", settings.region), settings.bucket),
        leases,
    )
    return {KIND: run.steps(), PLAN_KIND: run.dry_steps()}

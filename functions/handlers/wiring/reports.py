"""Wires the operations that make reports, which `perform_operation` performs."""

from datetime import timedelta
from typing import Any

from handlers.settings.operation import OperationSettings
from handlers.wiring.backups import backup_histories
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.backups.inventory import BackupInventory, Bucket
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Workflows
from tenantry.reports import backups as backup_report
from tenantry.reports.backups import BackupAudit
from tenantry.reports.cost import estimate as cost_report
from tenantry.reports.cost.estimate import CostEstimate
from tenantry.reports.cost.price_file import PriceFile
from tenantry.reports.cost.usage_metering import UsageMetering
from tenantry.reports.drift import audit as drift_report
from tenantry.reports.drift.audit import DriftAudit
from tenantry.reports.drift.fleet_inventory import FleetInventory
from tenantry.reports.isolation import audit as isolation_report
from tenantry.reports.isolation.audit import IsolationAudit
from tenantry.reports.isolation.probe import DatedSecrets
from tenantry.reports.report_store import ReportStore
from tenantry.servers.servers import Servers

# The longest that a report may take, so that it can still be stored before the function's timeout.
_SECONDS = 780


def report_workflows(settings: OperationSettings, registry: Registry, operations: OperationStore) -> Workflows:
    """Wire the workflows of the reports."""
    stage, region = settings.stage, settings.region
    secrets, s3 = aws_client("secretsmanager", region), aws_client("s3", region)
    gateway: Any = aws_client("apigateway", region)
    administrators, tenants = ServerSecrets(secrets, stage), SecretStore(secrets, stage)
    inventory = FleetInventory(secrets, gateway, aws_client("cognito-idp", region), stage, settings.user_pool_id)
    buckets = [Bucket(aws_client("s3", bucket.region), bucket.name) for bucket in settings.buckets.all()]
    backups, store = BackupInventory(buckets), ReportStore(s3, settings.bucket)
    isolation = IsolationAudit(
        registry, DatedSecrets(secrets, stage), administrators, timedelta(days=settings.max_secret_age_days)
    )
    drift = DriftAudit(registry, operations, tenants, administrators, inventory, backups, stage)
    cost = CostEstimate(
        registry,
        tenants,
        Servers(registry, administrators),
        inventory,
        backups,
        UsageMetering(gateway, stage),
        PriceFile(s3, settings.bucket, settings.price_file),
        region,
        settings.retention_mode,
    )
    return {
        isolation_report.KIND: isolation_report.steps(isolation, _SECONDS, store),
        drift_report.KIND: drift_report.steps(drift, _SECONDS, store),
        cost_report.KIND: cost_report.steps(cost, _SECONDS, store),
        backup_report.KIND: backup_report.steps(BackupAudit(registry, backup_histories(settings.buckets)), store),
    }

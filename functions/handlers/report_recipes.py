"""The steps of the operations that make reports, wired for perform_operation."""

from datetime import timedelta
from typing import Any

from handlers.backup_adapters import backup_histories
from tenantry.adapters.aws import aws_client
from tenantry.adapters.backup_inventory import BackupInventory, Bucket
from tenantry.adapters.fleet_inventory import FleetInventory
from tenantry.adapters.isolation_probe import DatedSecrets
from tenantry.adapters.operation_store import OperationStore
from tenantry.adapters.price_file import PriceFile
from tenantry.adapters.registry import Registry
from tenantry.adapters.report_store import ReportStore
from tenantry.adapters.secret_store import SecretStore, ServerSecrets
from tenantry.adapters.usage_metering import UsageMetering
from tenantry.services import backup_report, cost_report, drift_report, isolation_report
from tenantry.services.backup_report import BackupAudit
from tenantry.services.cost_report import CostEstimate
from tenantry.services.drift_report import DriftAudit
from tenantry.services.isolation_report import IsolationAudit
from tenantry.services.operations import Recipes
from tenantry.services.servers import Servers
from tenantry.settings import OperationSettings

# What a report may take, so that it can still be stored before the function's time is up.
_SECONDS = 780


def report_recipes(settings: OperationSettings, registry: Registry, operations: OperationStore) -> Recipes:
    """Wire the adapters."""
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
    )
    return {
        isolation_report.KIND: isolation_report.steps(isolation, _SECONDS, store),
        drift_report.KIND: drift_report.steps(drift, _SECONDS, store),
        cost_report.KIND: cost_report.steps(cost, _SECONDS, store),
        backup_report.KIND: backup_report.steps(BackupAudit(registry, backup_histories(settings.buckets)), store),
    }

"""Wires the services behind the operators' API, once per execution environment."""

from functools import cache
from typing import NamedTuple

from handlers.settings.administration import AdministrationSettings, administration_settings
from handlers.wiring.backups import backup_catalogue, backup_holds, own_backups
from handlers.wiring.rollouts import wire_rollouts
from tenantry.access.inspection import Inspections
from tenantry.access.pass_file_store import PassFileStore
from tenantry.aws.clients import aws_client
from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.registry import Registry
from tenantry.aws.registry_lists import RegistryLists
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.aws.timer import Timer
from tenantry.backups.holds import Backups
from tenantry.backups.own_backups import OwnBackups
from tenantry.backups.progress_store import ProgressStore
from tenantry.backups.requests import BackupRequests
from tenantry.backups.retention.run import Retention
from tenantry.domain.patience import Patience
from tenantry.operations.audit_log import AuditLog
from tenantry.operations.audit_trail import AuditTrail
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Operations
from tenantry.relocation.clone_requests import CloneRequests
from tenantry.relocation.requests import Relocations
from tenantry.reports.connections import ConnectionBudget
from tenantry.reports.report_store import ReportStore
from tenantry.restores.requests import Restores
from tenantry.rollouts.report import MigrationReport
from tenantry.rollouts.requests import Rollouts
from tenantry.rollouts.safety import Safety
from tenantry.rollouts.steering import Steering
from tenantry.servers.registrations import Registrations
from tenantry.servers.servers import Servers
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.erasure_requests import ErasureRequests
from tenantry.tenants.exposure import DataApis
from tenantry.tenants.limits import TenantLimits
from tenantry.tenants.rename_requests import RenameRequests
from tenantry.tenants.server_deletion import ServerDeletion
from tenantry.tenants.tenants import Tenants
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory


class Services(NamedTuple):
    """The services behind the routes."""

    lists: RegistryLists
    servers: Servers
    registrations: Registrations
    server_deletion: ServerDeletion
    tenants: Tenants
    limits: TenantLimits
    data_apis: DataApis
    renames: RenameRequests
    relocations: Relocations
    clones: CloneRequests
    trail: AuditTrail
    operations: Operations
    certificates: CertificateStore
    erasures: ErasureRequests
    connections: ConnectionBudget
    reports: ReportStore
    inspections: Inspections
    backups: Backups
    backup_requests: BackupRequests
    own_backups: OwnBackups
    retention: Retention
    restores: Restores
    rollouts: Rollouts
    steering: Steering
    migrations: MigrationReport
    safety: Safety


@cache
def services() -> Services:
    """Wire the adapters.

    :raises InvalidSetting: an environment variable is missing.
    """
    settings = administration_settings()
    dynamodb = aws_client("dynamodb", settings.region)
    secrets = aws_client("secretsmanager", settings.region)
    registry = Registry(dynamodb, settings.registry_table)
    store, administrators = SecretStore(secrets, settings.stage), ServerSecrets(secrets, settings.stage)
    servers = Servers(registry, administrators, Patience(settings.lock_wait_seconds))
    users = UserDirectory(aws_client("cognito-idp", settings.region), settings.user_pool_id)
    leases = Leases(dynamodb, settings.registry_table)
    usage_plans = UsagePlans(aws_client("apigateway", settings.region), settings.stage)
    operations = _operations(settings)
    tenants = Tenants(
        registry, store, servers, leases, users, usage_plans, settings.buckets, settings.rotation_function_arn
    )
    catalogue = backup_catalogue(settings.buckets)
    certificates = CertificateStore(dynamodb, settings.registry_table)
    return Services(
        lists=RegistryLists(dynamodb, settings.registry_table),
        servers=servers,
        registrations=Registrations(registry, administrators, servers),
        server_deletion=ServerDeletion(registry, administrators, servers, operations),
        tenants=tenants,
        limits=TenantLimits(registry, servers, leases, usage_plans),
        data_apis=DataApis(registry, store, servers, leases),
        renames=RenameRequests(registry, store, servers, leases, operations),
        relocations=Relocations(registry, store, servers, leases, operations),
        clones=CloneRequests(registry, store, servers, leases, operations, users.require_free),
        trail=AuditTrail(AuditLog(dynamodb, settings.registry_table, settings.audit_retention_days)),
        operations=operations,
        certificates=certificates,
        erasures=ErasureRequests(registry, tenants, certificates, catalogue, operations),
        reports=ReportStore(aws_client("s3", settings.region), settings.buckets.own.name),
        connections=ConnectionBudget(
            registry, store, administrators, settings.query_concurrency, settings.connections_per_environment
        ),
        backups=Backups(registry, catalogue, backup_holds(settings.buckets), leases),
        backup_requests=BackupRequests(
            registry,
            ProgressStore(dynamodb, settings.registry_table),
            FunctionInvoker(aws_client("lambda", settings.region), settings.backup_function_arn),
        ),
        own_backups=own_backups(registry, settings.reader_role_arn, settings.stage, settings.region, settings.buckets),
        retention=Retention(registry, catalogue, settings.retention, leases),
        restores=Restores(registry, store, servers, leases, operations, catalogue, settings.buckets),
        **wire_rollouts(settings, registry),
        inspections=Inspections(
            registry, store, servers, PassFileStore(secrets, settings.stage), operations, settings.stage
        ),
    )


def _operations(settings: AdministrationSettings) -> Operations:
    return Operations(
        OperationStore(
            aws_client("dynamodb", settings.region), settings.registry_table, settings.operation_retention_days
        ),
        FunctionInvoker(aws_client("lambda", settings.region), settings.operation_function_arn),
        Timer(aws_client("scheduler", settings.region), settings.operation_function_arn, settings.timer_role_arn),
    )

"""Performs an operator's operation that takes longer than a request may, such as an erasure."""

from functools import cache
from typing import Any

from handlers.settings.operation import operation_settings
from handlers.wiring.backups import backup_removal
from handlers.wiring.relocations import Deadline, wire_relocations
from handlers.wiring.renames import rename_workflows
from handlers.wiring.reports import report_workflows
from handlers.wiring.restores import wire_restores
from handlers.wiring.retention import retention_workflows
from tenantry.access import inspection as pgadmin_report
from tenantry.access.pass_file_store import PassFileStore
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.domain.errors import TenantryError
from tenantry.domain.patience import Patience
from tenantry.observability import count, logger
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Performer
from tenantry.servers.servers import Servers
from tenantry.tenants import erased_remains, erasure
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.erased_remains import ErasedRemains
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory

# As long as a function may run: then the lease of a dead worker expires.
_LEASE_SECONDS = 900
_deadline = Deadline()


@cache
def _performer() -> Performer:
    settings = operation_settings()
    dynamodb, table = aws_client("dynamodb", settings.region), settings.registry_table
    secrets = aws_client("secretsmanager", settings.region)
    registry = Registry(dynamodb, table)
    servers = Servers(registry, ServerSecrets(secrets, settings.stage), Patience(settings.lock_wait_seconds))
    erase = erasure.Erasure(
        registry,
        servers,
        SecretStore(secrets, settings.stage),
        backup_removal(settings.buckets),
        UserDirectory(aws_client("cognito-idp", settings.region), settings.user_pool_id),
        CertificateStore(dynamodb, table),
        UsagePlans(aws_client("apigateway", settings.region), settings.stage),
    )
    operations = OperationStore(dynamodb, table, settings.operation_retention_days)
    leases = Leases(dynamodb, table, _LEASE_SECONDS)
    relocations, compensations = wire_relocations(settings, registry, servers, _deadline)
    restores, restore_compensations = wire_restores(settings, registry, servers, _deadline)
    workflows = {
        **relocations,
        **restores,
        erasure.KIND: erase.steps(),
        erased_remains.KIND: ErasedRemains(backup_removal(settings.buckets), CertificateStore(dynamodb, table)).steps(),
        **rename_workflows(settings, registry, servers, leases),
        **retention_workflows(settings, registry, leases),
        **report_workflows(settings, registry, operations),
        pgadmin_report.KIND: pgadmin_report.closing_steps(servers, PassFileStore(secrets, settings.stage)),
    }
    return Performer(operations, leases, workflows, {**compensations, **restore_compensations}, servers.begin)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Perform one operation: `{"operation_id"}`.

    :raises TenantryError: a step failed. Lambda retries the event, and finished steps are not repeated.
    """
    operation_id = str(event.get("operation_id"))
    _deadline.begin(context)
    try:
        operation = _performer().perform(operation_id)
    except TenantryError as error:
        count("OperationsFailed")
        logger().error("operation failed", extra={"code": error.code, "operation_id": operation_id})
        raise error.without_cause() from None
    logger().info("operation performed", extra={"operation_id": operation_id, "kind": operation.kind})
    return {"operation_id": operation_id, "status": operation.status.value}

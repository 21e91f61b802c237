"""Performs an operator's operation that takes longer than a request may, such as an erasure."""

from functools import cache
from typing import Any

from handlers.backup_adapters import backup_removal
from handlers.relocation_recipe import Deadline, wire_relocations
from handlers.rename_recipe import rename_recipes
from handlers.report_recipes import report_recipes
from handlers.restoration_recipe import wire_restores
from handlers.retention_recipe import retention_recipes
from tenantry.adapters.aws import aws_client
from tenantry.adapters.certificate_store import CertificateStore
from tenantry.adapters.leases import Leases
from tenantry.adapters.operation_store import OperationStore
from tenantry.adapters.pass_file_store import PassFileStore
from tenantry.adapters.registry import Registry
from tenantry.adapters.secret_store import SecretStore, ServerSecrets
from tenantry.adapters.usage_plans import UsagePlans
from tenantry.adapters.user_directory import UserDirectory
from tenantry.domain.errors import TenantryError
from tenantry.observability import count, logger
from tenantry.services import erasure, pgadmin_report
from tenantry.services.operations import Performer
from tenantry.services.servers import Servers
from tenantry.settings import operation_settings

# As long as a function may run: a lease that its worker did not give back ends then.
_LEASE_SECONDS = 900
_deadline = Deadline()


@cache
def _performer() -> Performer:
    settings = operation_settings()
    dynamodb, table = aws_client("dynamodb", settings.region), settings.registry_table
    secrets = aws_client("secretsmanager", settings.region)
    registry = Registry(dynamodb, table)
    servers = Servers(registry, ServerSecrets(secrets, settings.stage))
    erase = erasure.Erasure(
        registry,
        servers,
        SecretStore(secrets, settings.stage),
        backup_removal(settings.buckets),
        UserDirectory(aws_client("cognito-idp", settings.region), settings.user_pool_id),
        CertificateStore(dynamodb, table),
        UsagePlans(aws_client("apigateway", settings.region), settings.stage),
    )
    operations, leases = OperationStore(dynamodb, table), Leases(dynamodb, table, _LEASE_SECONDS)
    relocations, remedies = wire_relocations(settings, registry, servers, _deadline)
    restores, restore_remedies = wire_restores(settings, registry, servers, _deadline)
    recipes = {
        **relocations,
        **restores,
        erasure.KIND: erase.steps(),
        **rename_recipes(settings, registry, servers, leases),
        **retention_recipes(settings, registry, leases),
        **report_recipes(settings, registry, operations),
        pgadmin_report.KIND: pgadmin_report.closing_steps(servers, PassFileStore(secrets, settings.stage)),
    }
    return Performer(operations, leases, recipes, {**remedies, **restore_remedies})


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Perform one operation: `{"operation_id"}`.

    :raises TenantryError: a step failed. Lambda repeats the event, and what is done is not done again.
    """
    operation_id = str(event.get("operation_id"))
    _deadline.begin(context)
    try:
        operation = _performer().perform(operation_id)
    except TenantryError as error:
        count("OperationsFailed")
        logger().error("operation failed", extra={"code": error.code, "operation_id": operation_id})
        # The chain of causes may name a host: Lambda prints what is raised here.
        raise type(error)(error.message, code=error.code, details=error.details, hint=error.hint) from None
    logger().info("operation performed", extra={"operation_id": operation_id, "kind": operation.kind})
    return {"operation_id": operation_id, "status": operation.status.value}

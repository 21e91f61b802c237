"""Performs an operator's operation that takes longer than a request may, such as an erasure."""

from datetime import timedelta
from functools import cache
from typing import Any

from tenantry.adapters.aws import aws_client
from tenantry.adapters.backup_removal import BackupRemoval
from tenantry.adapters.certificate_store import CertificateStore
from tenantry.adapters.isolation_probe import DatedSecrets
from tenantry.adapters.leases import Leases
from tenantry.adapters.operation_store import OperationStore
from tenantry.adapters.registry import Registry
from tenantry.adapters.secret_store import SecretStore, ServerSecrets
from tenantry.adapters.user_directory import UserDirectory
from tenantry.domain.errors import TenantryError
from tenantry.observability import count, logger
from tenantry.services import erasure, isolation_report
from tenantry.services.isolation_report import IsolationAudit
from tenantry.services.operations import Performer
from tenantry.services.servers import Servers
from tenantry.settings import operation_settings

# What an audit may take, so that it can still be stored before the function's time is up.
_AUDIT_SECONDS = 780
# As long as a function may run: a lease that its worker did not give back ends then.
_LEASE_SECONDS = 900


@cache
def _performer() -> Performer:
    settings = operation_settings()
    dynamodb, table = aws_client("dynamodb", settings.region), settings.registry_table
    secrets = aws_client("secretsmanager", settings.region)
    registry = Registry(dynamodb, table)
    erase = erasure.Erasure(
        registry,
        Servers(registry, ServerSecrets(secrets, settings.stage)),
        SecretStore(secrets, settings.stage),
        BackupRemoval(aws_client("s3", settings.region), settings.bucket),
        UserDirectory(aws_client("cognito-idp", settings.region), settings.user_pool_id),
        CertificateStore(dynamodb, table),
    )
    audit = IsolationAudit(
        registry,
        DatedSecrets(secrets, settings.stage),
        ServerSecrets(secrets, settings.stage),
        timedelta(days=settings.max_secret_age_days),
    )
    recipes = {erasure.KIND: erase.steps(), isolation_report.KIND: isolation_report.steps(audit, _AUDIT_SECONDS)}
    return Performer(OperationStore(dynamodb, table), Leases(dynamodb, table, _LEASE_SECONDS), recipes)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Perform one operation: `{"operation_id"}`.

    :raises TenantryError: a step failed. Lambda repeats the event, and what is done is not done again.
    """
    operation_id = str(event.get("operation_id"))
    try:
        operation = _performer().perform(operation_id)
    except TenantryError as error:
        count("OperationsFailed")
        logger().error("operation failed", extra={"code": error.code, "operation_id": operation_id})
        # The chain of causes may name a host: Lambda prints what is raised here.
        raise type(error)(error.message, code=error.code, details=error.details, hint=error.hint) from None
    logger().info("operation performed", extra={"operation_id": operation_id, "kind": operation.kind})
    return {"operation_id": operation_id, "status": operation.status.value}

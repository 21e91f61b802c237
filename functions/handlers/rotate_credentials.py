"""Rotates one tenant's credentials, in Secrets Manager's four steps."""

from functools import cache
from typing import Any

from botocore.config import Config

from handlers.settings.rotation import rotation_settings
from tenantry.access.rotation import Rotated, RotationOrder, RotationTools, rotate
from tenantry.access.secret_versions import SecretVersions
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.errors import BadRequest, TenantryError
from tenantry.observability import count, log_unexpected, logger

_CONFIG = Config(read_timeout=10)


@cache
def _tools() -> RotationTools:
    settings = rotation_settings()
    secrets = aws_client("secretsmanager", settings.region, config=_CONFIG)
    return RotationTools(
        SecretVersions(secrets, settings.stage),
        Registry(aws_client("dynamodb", settings.region, config=_CONFIG), settings.registry_table),
        # What it may not read any more is not used any more.
        ServerSecrets(secrets, settings.stage, kept_seconds=0),
        ConnectSettings(settings.connect_timeout, application_name="tenantry-rotation"),
        SecretStore(secrets, settings.stage),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run one step of a rotation.

    :param event: `{"SecretId", "ClientRequestToken", "Step"}`, from Secrets Manager.
    :raises TenantryError: the step failed; Secrets Manager retries the rotation with the same token.
    """
    try:
        order = _order(event)
        rotated = rotate(order, _tools())
    except TenantryError as error:
        _report_failure(event, error)
        raise error.without_cause() from None
    except Exception as exc:  # noqa: BLE001 - whatever it is, its text may hold a host or a password
        log_unexpected(exc)
        unexpected = TenantryError("The rotation's step failed.")
        _report_failure(event, unexpected)
        raise unexpected from None
    _report(order, rotated)
    return {"tenant_id": rotated.tenant_id.value, "step": order.step, "already_current": rotated.already_current}


def _order(event: dict[str, Any]) -> RotationOrder:
    values = [event.get(name) for name in ("SecretId", "ClientRequestToken", "Step")]
    if not all(isinstance(value, str) and value for value in values):
        raise BadRequest(
            "SecretId, ClientRequestToken and Step are required.",
            code="invalid_event",
            hint="Let Secrets Manager call it: RotateSecret starts a rotation.",
        )
    return RotationOrder(*map(str, values))


def _report(order: RotationOrder, rotated: Rotated) -> None:
    facts = {"tenant_id": rotated.tenant_id.value, "step": order.step, "version": order.token}
    if rotated.already_current:
        logger().info("version is in use already", extra=facts)
        return
    logger().info("rotation step done", extra=facts)
    if order.step == "finishSecret":
        count("CredentialsRotated")


def _report_failure(event: dict[str, Any], error: TenantryError) -> None:
    count("RotationStepsFailed")
    names = {"secret": event.get("SecretId"), "step": event.get("Step"), "version": event.get("ClientRequestToken")}
    logger().error("rotation step failed", extra={"code": error.code, "reason": error.message, **names})

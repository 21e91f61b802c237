"""`/rest/v1/{table}`: a data request, run in the database of the caller's own tenant."""

from functools import cache
from typing import Any

from tenantry.adapters.api_gateway import answer, body_of, caller_of, error_answer, header
from tenantry.adapters.aws import aws_client
from tenantry.adapters.connections import ConnectionCache
from tenantry.adapters.postgres import ConnectSettings
from tenantry.adapters.secrets import TenantSecrets
from tenantry.adapters.tenant_session import TenantSession, TenantSessions
from tenantry.domain.errors import IdentityMismatch, TenantryError
from tenantry.domain.tenant import Caller
from tenantry.observability import count, log_unexpected, logger
from tenantry.postgrest import Limits, Request
from tenantry.services.data_request import DataRequests
from tenantry.settings import QuerySettings, query_settings


@cache
def _data_requests() -> DataRequests:
    """Wire the adapters, once an execution environment. What they keep is keyed by tenant."""
    settings = query_settings()

    def new_client(session: TenantSession) -> Any:
        return aws_client("secretsmanager", settings.region, session)

    sts = aws_client("sts", settings.region)
    sessions = TenantSessions(sts, settings.tenant_role_arn, settings.stage, settings.region)
    return DataRequests(
        TenantSecrets(sessions, new_client, settings.stage, max_age=settings.secret_age),
        ConnectionCache(settings.max_connections, settings.connection_age),
        ConnectSettings(settings.connect_timeout, settings.statement_timeout_ms, application_name="tenantry-query"),
        Limits(max_rows=settings.max_rows, max_body_bytes=settings.max_body_bytes),
        max_answer_bytes=settings.max_answer_bytes,
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of API Gateway."""
    settings = query_settings()
    try:
        caller = caller_of(event)
        _check_compute(caller, context, settings)
        result = _data_requests().run(caller, _request(event, settings))
        return answer(result.status, result.body, settings.cors_origin, result.headers)
    except TenantryError as error:
        return _refuse(error, event, context, settings)
    except Exception as exc:  # noqa: BLE001 - whatever it is, its text may hold a value, a host or a password
        log_unexpected(exc)
        return _refuse(TenantryError("The request could not be served."), event, context, settings)


def _check_compute(caller: Caller, context: Any, settings: QuerySettings) -> None:
    """Compare the caller with the tenant that this execution environment belongs to, where it belongs to one."""
    if settings.per_tenant_compute and getattr(context, "tenant_id", None) != caller.tenant_id.value:
        raise IdentityMismatch()


def _request(event: dict[str, Any], settings: QuerySettings) -> Request:
    return Request(
        method=event["httpMethod"],
        table=event["pathParameters"]["table"],
        query=event.get("multiValueQueryStringParameters") or {},
        prefer=header(event, "prefer"),
        body=body_of(event, settings.max_body_bytes),
    )


def _refuse(error: TenantryError, event: dict[str, Any], context: Any, settings: QuerySettings) -> dict[str, Any]:
    refusal = error_answer(error, settings.cors_origin)
    if refusal["statusCode"] >= 500:
        authorizer = event.get("requestContext", {}).get("authorizer") or {}
        logger().error(
            "request failed",
            code=error.code,
            status=refusal["statusCode"],
            tenant_id=authorizer.get("tenantId"),
            request_id=getattr(context, "aws_request_id", None),
        )
        count("RequestsFailed")
    return refusal

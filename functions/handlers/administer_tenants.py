"""`/admin/v1`: the operators' API. Every call that changes something stands in the audit trail."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from tenantry.adapters.api_gateway import answer, body_of, error_answer, operator_of
from tenantry.adapters.audit_log import AuditLog
from tenantry.adapters.aws import aws_client
from tenantry.adapters.certificate_store import CertificateStore
from tenantry.adapters.function_invocation import FunctionInvoker
from tenantry.adapters.leases import Leases
from tenantry.adapters.operation_store import OperationStore
from tenantry.adapters.operator_api import (
    AdoptionBody,
    ErasureBody,
    ServerBody,
    TenantBody,
    parse_body,
    show_entry,
    show_operation,
    show_server,
    show_tenant,
)
from tenantry.adapters.registry import Registry
from tenantry.adapters.secret_store import SecretStore, ServerSecrets
from tenantry.adapters.timer import Timer
from tenantry.adapters.user_directory import UserDirectory
from tenantry.domain.errors import BadRequest, NotFound, TenantryError
from tenantry.domain.tenant import TenantId
from tenantry.observability import log_unexpected, logger
from tenantry.services.adoption import AdoptionRequest
from tenantry.services.audit_trail import AuditTrail
from tenantry.services.connection_report import ConnectionBudget
from tenantry.services.erasure import KIND as ERASE
from tenantry.services.isolation_report import KIND as AUDIT
from tenantry.services.isolation_report import TARGET as AUDITED
from tenantry.services.operations import Operations
from tenantry.services.servers import ServerReport, Servers
from tenantry.services.tenants import Adoption, NewTenant, Tenants
from tenantry.settings import administration_settings

_MAX_ENTRIES = 500
_MAX_OPERATIONS = 100

app = APIGatewayRestResolver()


class _Services(NamedTuple):
    servers: Servers
    tenants: Tenants
    trail: AuditTrail
    operations: Operations
    certificates: CertificateStore
    connections: ConnectionBudget


@cache
def _services() -> _Services:
    settings = administration_settings()
    dynamodb = aws_client("dynamodb", settings.region)
    secrets = aws_client("secretsmanager", settings.region)
    registry = Registry(dynamodb, settings.registry_table)
    servers = Servers(registry, ServerSecrets(secrets, settings.stage))
    users = UserDirectory(aws_client("cognito-idp", settings.region), settings.user_pool_id)
    leases = Leases(dynamodb, settings.registry_table)
    tenants = Tenants(
        registry, SecretStore(secrets, settings.stage), servers, leases, users, settings.rotation_function_arn
    )
    timer = Timer(aws_client("scheduler", settings.region), settings.operation_function_arn, settings.timer_role_arn)
    invoker = FunctionInvoker(aws_client("lambda", settings.region), settings.operation_function_arn)
    return _Services(
        servers,
        tenants,
        AuditTrail(AuditLog(dynamodb, settings.registry_table)),
        Operations(OperationStore(dynamodb, settings.registry_table), invoker, timer),
        CertificateStore(dynamodb, settings.registry_table),
        ConnectionBudget(
            registry,
            SecretStore(secrets, settings.stage),
            ServerSecrets(secrets, settings.stage),
            settings.query_concurrency,
            settings.connections_per_environment,
        ),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an operator's request."""
    try:
        operator_of(event)
        return app.resolve(event, context)
    except TenantryError as error:
        return _refuse(error)
    except Exception as exc:  # noqa: BLE001 - whatever it is, its text may hold a value, a host or a password
        log_unexpected(exc)
        return _refuse(TenantryError("The request could not be served."))


def _refuse(error: TenantryError) -> dict[str, Any]:
    refusal = error_answer(error, administration_settings().cors_origin)
    if refusal["statusCode"] >= 500:
        logger().error("request failed", extra={"code": error.code})
    return refusal


@app.exception_handler(TenantryError)  # type: ignore[untyped-decorator]
def _answer_refusal(error: TenantryError) -> Response[str]:
    refusal = _refuse(error)
    return Response(refusal["statusCode"], "application/json", refusal["body"], refusal["headers"])


@app.not_found
def _answer_unknown(_: NotFoundError) -> Response[str]:
    refusal = _refuse(NotFound("There is no such route."))
    return Response(404, "application/json", refusal["body"], refusal["headers"])


@app.put("/admin/v1/servers/<server_id>")
def register_server(server_id: str) -> Response[str]:
    """Register a server, or change what is known of it."""
    with _record("register_server", f"server/{server_id}"):
        body = parse_body(ServerBody, _body())
        server = body.to_server(server_id)
        report = _services().servers.register(server, body.admin.username, body.admin.password.get_secret_value())
    return _answer(200, _show_report(report))


@app.get("/admin/v1/servers/<server_id>")
def check_server(server_id: str) -> Response[str]:
    """Check a server as it is now."""
    return _answer(200, _show_report(_services().servers.check(server_id)))


@app.get("/admin/v1/servers")
def list_servers() -> Response[str]:
    """List the servers."""
    return _answer(200, [show_server(server) for server in _services().servers.all()])


@app.post("/admin/v1/servers/<server_id>/drain")
def drain_server(server_id: str) -> Response[str]:
    """Place no new tenants on a server."""
    with _record("drain_server", f"server/{server_id}"):
        server = _services().servers.drain(server_id)
    return _answer(200, show_server(server))


@app.put("/admin/v1/tenants/<tenant_id>")
def create_tenant(tenant_id: str) -> Response[str]:
    """Make a tenant, or finish one."""
    with _record("create_tenant", f"tenant/{tenant_id}"):
        body = parse_body(TenantBody, _body())
        new = NewTenant(TenantId(tenant_id), body.wanted, body.connection_limit, body.admin_email)
        tenant, is_new = _services().tenants.create(new)
    return _answer(201 if is_new else 200, show_tenant(tenant))


@app.get("/admin/v1/tenants/<tenant_id>")
def show_one_tenant(tenant_id: str) -> Response[str]:
    """Show a tenant."""
    return _answer(200, show_tenant(_services().tenants.get(TenantId(tenant_id))))


@app.get("/admin/v1/tenants")
def list_tenants() -> Response[str]:
    """List the tenants."""
    return _answer(200, [show_tenant(tenant) for tenant in _services().tenants.all()])


@app.post("/admin/v1/tenants/<tenant_id>/suspend")
def suspend_tenant(tenant_id: str) -> Response[str]:
    """Serve a tenant no more."""
    with _record("suspend_tenant", f"tenant/{tenant_id}"):
        tenant = _services().tenants.suspend(TenantId(tenant_id))
    return _answer(200, show_tenant(tenant))


@app.post("/admin/v1/tenants/<tenant_id>/resume")
def resume_tenant(tenant_id: str) -> Response[str]:
    """Serve a tenant again."""
    with _record("resume_tenant", f"tenant/{tenant_id}"):
        tenant = _services().tenants.resume(TenantId(tenant_id))
    return _answer(200, show_tenant(tenant))


@app.post("/admin/v1/tenants/<tenant_id>/adopt")
def adopt_tenant(tenant_id: str) -> Response[str]:
    """Make a tenant of a database that is in use."""
    with _record("adopt_tenant", f"tenant/{tenant_id}"):
        tenant = _services().tenants.adopt(_adoption(TenantId(tenant_id), parse_body(AdoptionBody, _body())))
    return _answer(200, show_tenant(tenant))


@app.delete("/admin/v1/tenants/<tenant_id>")
def erase_tenant(tenant_id: str) -> Response[str]:
    """Erase a tenant once the time to undo it is over; it is served no more from now on."""
    with _record("erase_tenant", f"tenant/{tenant_id}"):
        body = parse_body(ErasureBody, _body())
        if body.tenant_id != tenant_id:
            raise BadRequest(
                "The body does not repeat the tenant's id.", code="not_confirmed", hint='Send {"tenant_id": "…"}.'
            )
        _services().tenants.condemn(TenantId(tenant_id))
        at = datetime.now(UTC) + timedelta(hours=body.undo_hours) if body.undo_hours else None
        operation = _services().operations.start(ERASE, f"tenant/{tenant_id}", _operator(), at)
    return _answer(202, show_operation(operation))


@app.post("/admin/v1/tenants/<tenant_id>/keep")
def keep_tenant(tenant_id: str) -> Response[str]:
    """Do not erase a tenant after all; it is suspended then."""
    with _record("keep_tenant", f"tenant/{tenant_id}"):
        _services().operations.require_untouched(ERASE, f"tenant/{tenant_id}")
        tenant = _services().tenants.spare(TenantId(tenant_id))
        _services().operations.undo(ERASE, f"tenant/{tenant_id}")
    return _answer(200, show_tenant(tenant))


@app.get("/admin/v1/tenants/<tenant_id>/certificates")
def list_certificates(tenant_id: str) -> Response[str]:
    """Show the certificates of a tenant's erasures, also when it is gone."""
    return _answer(200, list(_services().certificates.of(TenantId(tenant_id))))


@app.get("/admin/v1/operations")
def list_operations() -> Response[str]:
    """List the newest operations."""
    return _answer(200, [show_operation(operation) for operation in _services().operations.newest(_MAX_OPERATIONS)])


@app.get("/admin/v1/operations/<operation_id>")
def show_one_operation(operation_id: str) -> Response[str]:
    """Show how far an operation is."""
    return _answer(200, show_operation(_services().operations.get(operation_id)))


@app.post("/admin/v1/reports/isolation")
def start_isolation_report() -> Response[str]:
    """Log in as every tenant and try every other's database; the report is there when the operation has ended."""
    with _record("report_isolation", AUDITED):
        operation = _services().operations.start(AUDIT, AUDITED, _operator())
    return _answer(202, show_operation(operation))


@app.get("/admin/v1/reports/isolation")
def read_isolation_report() -> Response[str]:
    """Show the newest isolation report."""
    done = (operation for operation in _services().operations.newest(_MAX_OPERATIONS, AUDIT) if operation.facts)
    operation = next(done, None)
    if operation is None:
        raise NotFound(
            "There is no isolation report yet.",
            code="report_unknown",
            hint="POST /admin/v1/reports/isolation makes one.",
        )
    return _answer(200, operation.facts["report"] | {"operation_id": operation.operation_id})


@app.get("/admin/v1/reports/connections")
def read_connection_report() -> Response[str]:
    """Compare what the functions could open with what the servers have, now."""
    return _answer(200, _services().connections.run().to_json())


@app.get("/admin/v1/audit")
def read_audit_trail() -> Response[str]:
    """Show the newest entries of a month (`month=2026-11`), of one thing (`target=tenant/acme`)."""
    query = app.current_event
    month = query.get_query_string_value("month", datetime.now(UTC).strftime("%Y-%m"))
    try:
        first = datetime.strptime(str(month), "%Y-%m").replace(tzinfo=UTC)
    except ValueError as exc:
        raise BadRequest("That is no month.", code="invalid_month", hint="Write it as 2026-11.") from exc
    entries = _services().trail.read(first, query.get_query_string_value("target"), _MAX_ENTRIES)
    return _answer(200, [show_entry(entry) for entry in entries])


def _body() -> str | None:
    return body_of(app.current_event.raw_event, administration_settings().max_body_bytes)


def _record(action: str, target: str) -> Any:
    return _services().trail.record(_operator(), action, target)


def _operator() -> str:
    return operator_of(app.current_event.raw_event)


def _adoption(tenant_id: TenantId, body: AdoptionBody) -> Adoption:
    region = body.region or ""
    if body.secret is None:
        return Adoption(tenant_id, body.server_id, None, body.connection_limit, region)
    secret = body.secret
    request = AdoptionRequest(
        tenant_id,
        secret.database,
        secret.user,
        secret.password.get_secret_value(),
        secret.host,
        secret.port,
        body.schema_name,
        body.connection_limit,
        region,
    )
    return Adoption(tenant_id, body.server_id, request, body.connection_limit, region)


def _show_report(report: ServerReport) -> dict[str, Any]:
    found = asdict(report)
    del found["server"]
    return show_server(report.server) | {"check": found}


def _answer(status: int, content: Any) -> Response[str]:
    made = answer(status, json.dumps(content), administration_settings().cors_origin)
    return Response(status, "application/json", made["body"], made["headers"])

"""`/backups/v1`: a tenant's own admin lists, downloads and requests that tenant's backups."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from handlers.settings.backups import manage_settings
from handlers.wiring.backups import own_backups
from tenantry.aws.api_gateway import caller_of
from tenantry.aws.clients import aws_client
from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.gateway_answers import answer, error_answer
from tenantry.aws.registry import Registry
from tenantry.backups.own_backups import OwnBackups
from tenantry.backups.progress_store import ProgressStore
from tenantry.backups.requests import TENANT, BackupRequests
from tenantry.domain.backup import BackupId, Manifest
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.errors import AccessDenied, NotFound, TenantryError
from tenantry.domain.tenant import Caller, Role
from tenantry.observability import count, log_unexpected, logger
from tenantry.operations.audit_log import AuditLog
from tenantry.operations.audit_trail import AuditTrail

# Fields for the operator only: legal holds and locks are not the tenant's business.
_OPERATORS_FIELDS = frozenset({"hold", "locked_until", "tenant_id"})


class _Services(NamedTuple):
    """The use cases."""

    backups: OwnBackups
    requests: BackupRequests
    trail: AuditTrail


@cache
def _services() -> _Services:
    settings = manage_settings()
    dynamodb, region = aws_client("dynamodb", settings.region), settings.region
    registry = Registry(dynamodb, settings.registry_table)
    invoker = FunctionInvoker(aws_client("lambda", region), settings.backup_function_arn)
    return _Services(
        own_backups(registry, settings.reader_role_arn, settings.stage, region, settings.buckets),
        BackupRequests(registry, ProgressStore(dynamodb, settings.registry_table), invoker),
        AuditTrail(AuditLog(dynamodb, settings.registry_table, settings.audit_retention_days)),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of API Gateway. The tenant comes from the token: no path and no body names one."""
    origin = manage_settings().cors_origin
    try:
        status, content = _serve(event, _admin_of(event))
        return answer(status, json.dumps(content), origin)
    except TenantryError as error:
        return _refuse(error, origin, context)
    except Exception as exc:  # noqa: BLE001 - whatever it is, its text may hold a value, a host or a password
        log_unexpected(exc)
        return _refuse(TenantryError("The request could not be served."), origin, context)


def _admin_of(event: dict[str, Any]) -> Caller:
    caller = caller_of(event)
    if caller.role is not Role.ADMIN:
        raise AccessDenied("Only an admin of the tenant may do this.", hint="Sign in as an admin of the tenant.")
    return caller


def _serve(event: dict[str, Any], caller: Caller) -> tuple[int, Any]:
    named = (event.get("pathParameters") or {}).get("backup_id")
    is_download = str(event.get("path", "")).rstrip("/").endswith("/download")
    routes: dict[tuple[str, bool, bool], Callable[[], tuple[int, Any]]] = {
        ("GET", False, False): lambda: (200, _list(caller)),
        ("POST", False, False): lambda: (202, _back_up(caller)),
        ("GET", True, False): lambda: (200, _show(caller, BackupId(str(named)))),
        ("POST", True, True): lambda: (200, _download(caller, BackupId(str(named)))),
    }
    route = routes.get((event["httpMethod"], bool(named), is_download))
    if route is None:
        raise NotFound("There is no such route.", hint="docs/backups-api.md lists the routes.")
    return route()


def _list(caller: Caller) -> dict[str, Any]:
    found = _services().backups.all(caller.tenant_id)
    pending = _services().requests.pending(caller.tenant_id, found)
    return {"backups": [_describe(backup) for backup in found], "pending": pending}


def _back_up(caller: Caller) -> dict[str, Any]:
    with _services().trail.record(caller.user_id, "back_up_now", f"tenant/{caller.tenant_id}"):
        return _services().requests.ask(caller.tenant_id, TENANT)


def _show(caller: Caller, backup_id: BackupId) -> dict[str, Any]:
    backup = _services().backups.find(caller.tenant_id, backup_id)
    progress = _services().requests.progress(caller.tenant_id, backup_id, backup)
    if backup is None and progress is None:
        raise NotFound(
            "The tenant has no such backup.", code="backup_unknown", hint="GET /backups/v1 lists the tenant's backups."
        )
    if backup is None:
        return {"backup_id": backup_id.value, "progress": progress}
    manifest = backup.manifest
    tables = [
        {"schema": table.schema_name, "table": table.table, "rows": table.rows, "copied": table.copied}
        for table in (manifest.tables if manifest else ())
    ]
    return _describe(backup) | {"progress": progress, "contents": tables, "omissions": _omissions(manifest)}


def _omissions(manifest: Manifest | None) -> list[dict[str, str]] | None:
    """List what a restore does not bring back; None: it was not looked for."""
    if manifest is None or manifest.omissions is None:
        return None
    return [{"kind": gone.kind, "name": gone.name, "reason": gone.reason} for gone in manifest.omissions]


def _download(caller: Caller, backup_id: BackupId) -> dict[str, Any]:
    with _services().trail.record(caller.user_id, f"download_backup/{backup_id}", f"tenant/{caller.tenant_id}"):
        return _services().backups.link(caller.tenant_id, backup_id)


def _describe(backup: CataloguedBackup) -> dict[str, Any]:
    return {name: value for name, value in backup.to_json().items() if name not in _OPERATORS_FIELDS}


def _refuse(error: TenantryError, origin: str, context: Any) -> dict[str, Any]:
    refusal = error_answer(error, origin)
    if refusal["statusCode"] >= 500:
        request_id = getattr(context, "aws_request_id", None)
        logger().error("request failed", code=error.code, status=refusal["statusCode"], request_id=request_id)
        count("RequestsFailed")
    return refusal

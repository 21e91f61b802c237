"""`/admin/v1/tenants/{tenant_id}/backups` and `…/retention`: takes, lists and holds backups, and applies policies."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import HoldBody, PolicyBody, RetentionBody, show_operation, show_tenant
from handlers.routes.exchange import (
    new_routes,
    operator,
    parameters_of,
    read_body,
    record,
    reply,
    reply_with_page,
)
from handlers.routes.parameters import PAGING, takes
from handlers.wiring.services import services
from tenantry.backups.requests import OPERATOR
from tenantry.backups.retention.run import KIND
from tenantry.domain.backup import BackupId
from tenantry.domain.errors import NotFound
from tenantry.domain.tenant import TenantId
from tenantry.domain.ulid import is_ulid

routes = new_routes()

# Settings and comments may hold a secret that an application has put there; rights and definitions are long.
_NOT_SHOWN: dict[str, Any] = dict.fromkeys(("settings", "grants", "rights", "fingerprint", "comment", "casts"), True)
_NOT_SHOWN["database"] = {"comment"}


@routes.get("/admin/v1/tenants/<tenant_id>/backups")
@takes(*PAGING)
def list_backups(tenant_id: str) -> Response[str]:
    """List a tenant's backups, oldest first, page by page, including broken ones."""
    asked, tenant = parameters_of(routes, list_backups), TenantId(tenant_id)
    page = services().backups.page(tenant, asked.page(is_ulid))
    return reply_with_page(asked, page, lambda backup: backup.to_json())


@routes.post("/admin/v1/tenants/<tenant_id>/backups")
def back_up_now(tenant_id: str) -> Response[str]:
    """Start a backup."""
    with record(routes, "back_up_now", f"tenant/{tenant_id}"):
        asked = services().backup_requests.ask(TenantId(tenant_id), OPERATOR)
    return reply(202, asked)


@routes.post("/admin/v1/tenants/<tenant_id>/backups/<backup_id>/download")
def download_backup(tenant_id: str, backup_id: str) -> Response[str]:
    """Make a link to a backup's dump, which expires soon."""
    with record(routes, f"download_backup/{backup_id}", f"tenant/{tenant_id}"):
        link = services().own_backups.link(TenantId(tenant_id), BackupId(backup_id))
    return reply(200, link)


@routes.get("/admin/v1/tenants/<tenant_id>/backups/<backup_id>")
def show_one_backup(tenant_id: str, backup_id: str) -> Response[str]:
    """Show a backup with its manifest and verification, or the progress of a backup that is under way."""
    tenant, named = TenantId(tenant_id), BackupId(backup_id)
    requests = services().backup_requests
    try:
        backup = services().backups.get(tenant, named)
    except NotFound:
        progress = requests.progress(tenant, named, None)
        if progress is None:
            raise
        return reply(200, {"tenant_id": tenant_id, "backup_id": backup_id, "progress": progress})
    manifest, verification = backup.manifest, backup.verification
    details = {
        "progress": requests.progress(tenant, named, backup),
        "manifest": manifest.model_dump(mode="json", by_alias=True, exclude=_NOT_SHOWN) if manifest else None,
        "verification": verification.model_dump(mode="json", by_alias=True) if verification else None,
    }
    return reply(200, backup.to_json() | details)


@routes.put("/admin/v1/tenants/<tenant_id>/backups/<backup_id>/hold")
def hold_backup(tenant_id: str, backup_id: str) -> Response[str]:
    """Put a legal hold on a backup: neither retention nor an erasure deletes a held backup."""
    with record(routes, "hold_backup", f"tenant/{tenant_id}"):
        body = read_body(routes, HoldBody)
        backup = services().backups.hold(TenantId(tenant_id), BackupId(backup_id), body.reason)
    return reply(200, backup.to_json())


@routes.delete("/admin/v1/tenants/<tenant_id>/backups/<backup_id>/hold")
def free_backup(tenant_id: str, backup_id: str) -> Response[str]:
    """Lift the legal hold on a backup."""
    with record(routes, "free_backup", f"tenant/{tenant_id}"):
        backup = services().backups.lift(TenantId(tenant_id), BackupId(backup_id))
    return reply(200, backup.to_json())


@routes.post("/admin/v1/tenants/<tenant_id>/retention")
def apply_retention(tenant_id: str) -> Response[str]:
    """Delete the backups that the tenant's policy no longer keeps, or list them in a dry run."""
    with record(routes, "apply_retention", f"tenant/{tenant_id}"):
        dry_run = read_body(routes, RetentionBody).dry_run
        plan = services().retention.show(TenantId(tenant_id))
        if not dry_run:
            operation = services().operations.start(KIND, f"tenant/{tenant_id}", operator(routes))
            return reply(202, show_operation(operation))
    return reply(200, plan)


@routes.put("/admin/v1/tenants/<tenant_id>/retention")
def set_retention(tenant_id: str) -> Response[str]:
    """Set a tenant's own policy, or go back to the stack's."""
    with record(routes, "set_retention", f"tenant/{tenant_id}"):
        policy = read_body(routes, PolicyBody).policy
        tenant = services().retention.set_policy(TenantId(tenant_id), policy)
    return reply(200, show_tenant(tenant))

"""`/admin/v1/tenants/{tenant_id}/backups/{backup_id}/restore`."""

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import RestoreBody, show_operation
from handlers.routes.exchange import new_routes, operator, read_body, record, reply
from handlers.wiring.services import services
from tenantry.domain.backup import BackupId
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import TenantId
from tenantry.restores.requests import RestoreRequest

routes = new_routes()


@routes.post("/admin/v1/tenants/<tenant_id>/backups/<backup_id>/restore")
def restore_backup(tenant_id: str, backup_id: str) -> Response[str]:
    """Restore a backup, in place or into a new tenant."""
    with record(routes, "restore_backup", f"tenant/{tenant_id}"):
        body = read_body(routes, RestoreBody)
        _require_one_meaning(body, tenant_id)
        request = RestoreRequest(
            TenantId(tenant_id),
            BackupId(backup_id),
            TenantId(body.into) if body.into else None,
            body.server_id,
            body.rights == "archived",
            body.admin_email,
            tuple(body.tables),
            body.mode,
        )
        operation = services().restores.start(request, operator(routes))
    return reply(202, show_operation(operation))


def _require_one_meaning(body: RestoreBody, tenant_id: str) -> None:
    """Refuse a body that could mean another restore than the one that its sender has in mind.

    :raises BadRequest: it names single tables and none, or two places, or does not confirm the tenant's.
    """
    wants_tables = bool({"tables", "mode"} & body.model_fields_set)
    if body.into and wants_tables:
        raise BadRequest(
            "Single tables can't become a tenant.",
            code="tables_elsewhere",
            hint="Leave `into` out, or `tables` and `mode`.",
        )
    if wants_tables and not body.tables:
        raise BadRequest(
            "The body asks for single tables and names none.",
            code="no_tables",
            hint='Name them, as "tables": ["public.candidates"]; leave `tables` and `mode` out to restore everything.',
        )
    if body.into and body.tenant_id:
        raise BadRequest(
            "The body names two places.",
            code="two_places",
            hint="Send `tenant_id` to put the backup in the place of what is there, or `into` for a new tenant.",
        )
    if body.into is None and body.tenant_id != tenant_id:
        raise BadRequest(
            "The body does not repeat the tenant's id.",
            code="not_confirmed",
            hint='Send {"tenant_id": "…"} to put the backup in the place of what is there.',
        )

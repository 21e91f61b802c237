"""`/admin/v1/tenants/{tenant_id}/rename`."""

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import RenameBody, show_operation
from handlers.routes.exchange import new_routes, operator, read_body, record, reply
from handlers.wiring.services import services
from tenantry.domain.tenant import TenantId

routes = new_routes()


@routes.post("/admin/v1/tenants/<tenant_id>/rename")
def rename_tenant(tenant_id: str) -> Response[str]:
    """Rename a tenant, with everything that is named after its id."""
    with record(routes, "rename_tenant", f"tenant/{tenant_id}"):
        new = TenantId(read_body(routes, RenameBody).tenant_id)
        operation = services().renames.start(TenantId(tenant_id), new, operator(routes))
    return reply(202, show_operation(operation))

"""`/admin/v1/tenants/{tenant_id}/limits`."""

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import LimitsBody, show_tenant
from handlers.routes.exchange import new_routes, read_body, record, reply
from handlers.wiring.services import services
from tenantry.domain.tenant import TenantId

routes = new_routes()


@routes.put("/admin/v1/tenants/<tenant_id>/limits")
def set_limits(tenant_id: str) -> Response[str]:
    """Change a tenant's limits, and how often it is backed up."""
    with record(routes, "set_limits", f"tenant/{tenant_id}"):
        body = read_body(routes, LimitsBody)
        tenant = services().limits.set(TenantId(tenant_id), body.change)
    return reply(200, show_tenant(tenant))

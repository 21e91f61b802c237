"""`/admin/v1/tenants/{tenant_id}/data-api`."""

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import DataApiBody, show_tenant
from handlers.routes.exchange import new_routes, read_body, record, reply
from handlers.wiring.services import services
from tenantry.domain.tenant import TenantId

routes = new_routes()


@routes.put("/admin/v1/tenants/<tenant_id>/data-api")
def set_data_api(tenant_id: str) -> Response[str]:
    """Change the settings of a tenant's data API."""
    with record(routes, "set_data_api", f"tenant/{tenant_id}"):
        body = read_body(routes, DataApiBody)
        tenant = services().data_apis.set(TenantId(tenant_id), body.change)
    return reply(200, show_tenant(tenant))

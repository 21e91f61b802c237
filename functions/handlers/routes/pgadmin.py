"""`/admin/v1/reports/pgadmin`: makes a `servers.json` for pgAdmin 4, with read-only logins that expire."""

from contextlib import ExitStack

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import PgAdminBody
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
from tenantry.access.inspection import InspectionRequest
from tenantry.domain.pgadmin import DeskFiles
from tenantry.domain.tenant import TenantId
from tenantry.domain.ulid import is_ulid

routes = new_routes()


@routes.post("/admin/v1/reports/pgadmin")
def open_inspection() -> Response[str]:
    """Let an operator read tenants' databases for some hours."""
    body = read_body(routes, PgAdminBody)
    tenants = tuple(dict.fromkeys(map(TenantId, body.tenants)))
    request = InspectionRequest(tenants, body.hours, DeskFiles(body.passfile, body.sslrootcert))
    with ExitStack() as entries:
        # One entry per tenant, so that each tenant's own trail has it.
        for tenant_id in tenants:
            entries.enter_context(record(routes, "look_into_tenant", f"tenant/{tenant_id}"))
        inspection = services().inspections.open(request, operator(routes))
    return reply(201, inspection.to_json())


@routes.get("/admin/v1/reports/pgadmin")
@takes(*PAGING)
def list_inspections() -> Response[str]:
    """Show who may read which tenant's database, and until when, newest first, page by page."""
    asked = parameters_of(routes, list_inspections)
    return reply_with_page(asked, services().inspections.page(asked.page(is_ulid)), dict)

"""`/admin/v1/tenants/{tenant_id}`: starts and cancels erasures, and shows their certificates."""

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import ErasureBody, show_operation, show_tenant
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
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import TenantId
from tenantry.tenants.certificate_store import certificates_of
from tenantry.tenants.erasure import KIND as ERASE

routes = new_routes()


@routes.delete("/admin/v1/tenants/<tenant_id>")
def erase_tenant(tenant_id: str) -> Response[str]:
    """Erase a tenant after the time to undo is over. The tenant is not served from now on.

    Of one that was erased, delete at once what had to be kept then.
    """
    with record(routes, "erase_tenant", f"tenant/{tenant_id}"):
        body = read_body(routes, ErasureBody)
        if body.tenant_id != tenant_id:
            raise BadRequest(
                "The body does not repeat the tenant's id.", code="not_confirmed", hint='Send {"tenant_id": "…"}.'
            )
        operation = services().erasures.start(TenantId(tenant_id), body.undo_hours, operator(routes))
    return reply(202, show_operation(operation))


@routes.post("/admin/v1/tenants/<tenant_id>/keep")
def keep_tenant(tenant_id: str) -> Response[str]:
    """Cancel a tenant's erasure; the tenant is suspended then."""
    with record(routes, "keep_tenant", f"tenant/{tenant_id}"):
        services().operations.require_untouched(ERASE, f"tenant/{tenant_id}")
        tenant = services().tenants.spare(TenantId(tenant_id))
        services().operations.undo(ERASE, f"tenant/{tenant_id}")
    return reply(200, show_tenant(tenant))


@routes.get("/admin/v1/tenants/<tenant_id>/certificates")
@takes(*PAGING)
def list_certificates(tenant_id: str) -> Response[str]:
    """Show the certificates of a tenant's erasures, oldest first, page by page, even after it is gone."""
    asked, tenant = parameters_of(routes, list_certificates), TenantId(tenant_id)
    page = services().certificates.page(tenant, asked.page(certificates_of(tenant).has))
    return reply_with_page(asked, page, dict)

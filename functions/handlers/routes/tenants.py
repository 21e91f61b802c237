"""`/admin/v1/tenants`: makes, shows, adopts, suspends and resumes tenants."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import AdoptionBody, TenantBody, show_tenant
from handlers.routes.exchange import new_routes, parameters_of, read_body, record, reply, reply_with_page
from handlers.routes.parameters import PAGING, takes
from handlers.wiring.services import services
from tenantry.aws.registry_lists import TenantFilter
from tenantry.domain.limits import PLANS
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tenantry.tenants.adoption import AdoptionRequest
from tenantry.tenants.adoption_requests import Adoption
from tenantry.tenants.tenants import NewTenant

# Some seconds, as it is found to take; a minute is on the safe side.
_USAGE_KEY_KNOWN_WITHIN: Final = timedelta(minutes=1)

routes = new_routes()


@routes.put("/admin/v1/tenants/<tenant_id>")
def create_tenant(tenant_id: str) -> Response[str]:
    """Make a tenant, or finish one that is incomplete."""
    with record(routes, "create_tenant", f"tenant/{tenant_id}"):
        body = read_body(routes, TenantBody)
        new = NewTenant(
            TenantId(tenant_id), body.wanted, body.change, body.admin_email, body.isolation, body.empty_home
        )
        tenant, is_new = services().tenants.create(new)
    return reply(201, _show_new_tenant(tenant)) if is_new else reply(200, show_tenant(tenant))


@routes.get("/admin/v1/tenants/<tenant_id>")
def show_one_tenant(tenant_id: str) -> Response[str]:
    """Show a tenant."""
    return reply(200, show_tenant(services().tenants.get(TenantId(tenant_id))))


@routes.get("/admin/v1/tenants")
@takes("prefix", "status", "server", "plan", "region", "isolation", *PAGING)
def list_tenants() -> Response[str]:
    """List the tenants by id, page by page."""
    asked = parameters_of(routes, list_tenants)
    wanted = TenantFilter(
        asked.text("prefix"),
        asked.member("status", TenantStatus),
        asked.text("server"),
        asked.choice("plan", PLANS),
        asked.text("region"),
        asked.member("isolation", Isolation),
    )
    page = services().lists.tenants(wanted, asked.page(wanted.span.has))
    return reply_with_page(asked, page, show_tenant)


@routes.post("/admin/v1/tenants/<tenant_id>/suspend")
def suspend_tenant(tenant_id: str) -> Response[str]:
    """Suspend a tenant: it is not served."""
    with record(routes, "suspend_tenant", f"tenant/{tenant_id}"):
        tenant = services().tenants.suspend(TenantId(tenant_id))
    return reply(200, show_tenant(tenant))


@routes.post("/admin/v1/tenants/<tenant_id>/resume")
def resume_tenant(tenant_id: str) -> Response[str]:
    """Resume a suspended tenant: it is served again."""
    with record(routes, "resume_tenant", f"tenant/{tenant_id}"):
        tenant = services().tenants.resume(TenantId(tenant_id))
    return reply(200, show_tenant(tenant))


@routes.post("/admin/v1/tenants/<tenant_id>/adopt")
def adopt_tenant(tenant_id: str) -> Response[str]:
    """Make a tenant of an existing database that is in use."""
    with record(routes, "adopt_tenant", f"tenant/{tenant_id}"):
        tenant = services().tenants.adopt(_adoption(TenantId(tenant_id), read_body(routes, AdoptionBody)))
    return reply(200, _show_new_tenant(tenant))


def _show_new_tenant(tenant: Tenant) -> dict[str, Any]:
    """Show a tenant that may have got its usage key just now: its users get 403 until API Gateway knows that key."""
    usable_after = datetime.now(UTC) + _USAGE_KEY_KNOWN_WITHIN
    return show_tenant(tenant) | {"usable_after": usable_after.isoformat(timespec="seconds")}


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

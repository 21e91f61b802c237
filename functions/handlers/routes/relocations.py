"""`/admin/v1/tenants/{tenant_id}`: moves, promotes and clones tenants, and confirms or undoes a move."""

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import CloneBody, MoveBody, PromoteBody, show_operation
from handlers.routes.exchange import new_routes, operator, read_body, record, reply
from handlers.wiring.services import services
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder

routes = new_routes()


@routes.post("/admin/v1/tenants/<tenant_id>/move")
def move_tenant(tenant_id: str) -> Response[str]:
    """Move a tenant to another server."""
    with record(routes, "move_tenant", f"tenant/{tenant_id}"):
        body = read_body(routes, MoveBody)
        operation = services().relocations.move(TenantId(tenant_id), body.server_id, operator(routes))
    return reply(202, show_operation(operation))


@routes.post("/admin/v1/tenants/<tenant_id>/promote")
def promote_tenant(tenant_id: str) -> Response[str]:
    """Promote a tenant to a schema or a database of its own."""
    with record(routes, "promote_tenant", f"tenant/{tenant_id}"):
        isolation = Isolation(read_body(routes, PromoteBody).isolation)
        operation = services().relocations.promote(TenantId(tenant_id), isolation, operator(routes))
    return reply(202, show_operation(operation))


@routes.post("/admin/v1/tenants/<tenant_id>/confirm")
def confirm_move(tenant_id: str) -> Response[str]:
    """Confirm a move: drop the tenant's former home."""
    with record(routes, "confirm_move", f"tenant/{tenant_id}"):
        operation = services().relocations.confirm(TenantId(tenant_id), operator(routes))
    return reply(202, show_operation(operation))


@routes.post("/admin/v1/tenants/<tenant_id>/undo")
def undo_move(tenant_id: str) -> Response[str]:
    """Undo a move: bring the tenant back to its former home, or abandon an unfinished move."""
    with record(routes, "undo_move", f"tenant/{tenant_id}"):
        operation = services().relocations.undo(TenantId(tenant_id), operator(routes))
    return reply(202, show_operation(operation))


@routes.post("/admin/v1/tenants/<tenant_id>/clone")
def clone_tenant(tenant_id: str) -> Response[str]:
    """Make a tenant with a copy of another tenant's data."""
    with record(routes, "clone_tenant", f"tenant/{tenant_id}"):
        body = read_body(routes, CloneBody)
        order = CloneOrder(TenantId(tenant_id), TenantId(body.tenant_id), body.server_id, body.admin_email)
        operation = services().clones.start(order, operator(routes))
    return reply(202, show_operation(operation))

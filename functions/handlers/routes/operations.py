"""`/admin/v1/operations`, and the audit trail."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import show_entry
from handlers.routes.exchange import new_routes, reply
from handlers.routes.next_steps import registered, show_with_next
from handlers.wiring.services import services
from tenantry.domain.errors import BadRequest

MAX_OPERATIONS = 100
_MAX_ENTRIES = 500

routes = new_routes()


@routes.get("/admin/v1/operations")
def list_operations() -> Response[str]:
    """List the newest operations; `target=tenant/acme` narrows the list to one thing."""
    target = _target()
    found, known = services().operations.newest(MAX_OPERATIONS, target=target), registered()
    return reply(200, [show_with_next(operation, known) for operation in found])


@routes.get("/admin/v1/operations/<operation_id>")
def show_one_operation(operation_id: str) -> Response[str]:
    """Show an operation, its progress, and what can be called next."""
    return reply(200, show_with_next(services().operations.get(operation_id)))


@routes.get("/admin/v1/audit")
def read_audit_trail() -> Response[str]:
    """Show the newest entries of a month (`month=2026-11`); `target=tenant/acme` narrows them to one thing."""
    query = routes.current_event
    month = query.get_query_string_value("month", datetime.now(UTC).strftime("%Y-%m"))
    try:
        first = datetime.strptime(str(month), "%Y-%m").replace(tzinfo=UTC)
    except ValueError as exc:
        raise BadRequest("That is no month.", code="invalid_month", hint="Write it as 2026-11.") from exc
    entries = services().trail.read(first, _target(), _MAX_ENTRIES)
    return reply(200, [show_entry(entry) for entry in entries])


def _target() -> str | None:
    """Read which thing is asked for. :raises BadRequest: an id alone names none."""
    target = routes.current_event.get_query_string_value("target")
    if target and "/" not in target:
        raise BadRequest(
            "That is no target.", code="invalid_target", hint="Write the kind first: tenant/acme, server/first."
        )
    return target

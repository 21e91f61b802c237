"""`/admin/v1/operations`, and the audit trail."""

from datetime import UTC, datetime, timedelta

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import show_entry
from handlers.routes.exchange import new_routes, parameters_of, reply, reply_with_page
from handlers.routes.next_steps import registered, show_with_next
from handlers.routes.parameters import PAGING, Parameters, invalid, takes
from handlers.wiring.services import services
from tenantry.domain.errors import BadRequest
from tenantry.domain.operation import OperationStatus
from tenantry.domain.ulid import is_ulid, ulid_time
from tenantry.operations.audit_log import AuditFilter
from tenantry.operations.operation_store import OperationFilter

routes = new_routes()


@routes.get("/admin/v1/operations")
@takes("target", "kind", "status", "since", "until", *PAGING)
def list_operations() -> Response[str]:
    """List operations, newest first, page by page; `target=tenant/acme` narrows the list to one thing."""
    asked = parameters_of(routes, list_operations)
    wanted = OperationFilter(
        _target(asked),
        asked.text("kind"),
        asked.member("status", OperationStatus),
        asked.moment("since"),
        asked.moment("until"),
    )
    span = wanted.span
    page = services().operations.page(wanted, asked.page(lambda position: is_ulid(position) and span.has(position)))
    known = registered(page.items)
    return reply_with_page(asked, page, lambda operation: show_with_next(operation, known))


@routes.get("/admin/v1/operations/<operation_id>")
def show_one_operation(operation_id: str) -> Response[str]:
    """Show an operation, its progress, and what can be called next."""
    return reply(200, show_with_next(services().operations.get(operation_id)))


@routes.get("/admin/v1/audit")
@takes("month", "target", "since", "until", *PAGING)
def read_audit_trail() -> Response[str]:
    """Show entries, newest first, page by page: a month's, or those of a time; `target=tenant/acme` narrows them."""
    asked = parameters_of(routes, read_audit_trail)
    since, until = _time(asked)
    wanted = AuditFilter(since, until, _target(asked))
    page = services().trail.page(wanted, asked.page(wanted.has))
    return reply_with_page(asked, page, show_entry)


def _time(asked: Parameters) -> tuple[datetime, datetime]:
    """Read from when until when entries are asked for: without a word about it, those of the present month."""
    since, until, month = asked.moment("since"), asked.moment("until"), asked.text("month")
    if since is None and until is None:
        first = _month(month) if month else _first_of_month(_begun(asked))
        return first, _next_month(first)
    if month:
        raise invalid("month", "Send month, or since and until.")
    last = until or _next_month(_first_of_month(datetime.now(UTC)))
    return since or _first_of_month(last - timedelta(milliseconds=1)), last


def _begun(asked: Parameters) -> datetime:
    """Tell in which month the list was begun: the first page may have been read last month."""
    position = asked.position()
    return ulid_time(position) if is_ulid(position) else datetime.now(UTC)


def _month(text: str) -> datetime:
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        _next_month(first)
    except (ValueError, OverflowError) as exc:
        raise BadRequest("That is no month.", code="invalid_month", hint="Write it as 2026-11.") from exc
    return first


def _first_of_month(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(first: datetime) -> datetime:
    return _first_of_month(first + timedelta(days=31))


def _target(asked: Parameters) -> str:
    """Read which thing is asked for. :raises BadRequest: an id alone names none."""
    target = asked.text("target")
    if target and "/" not in target:
        raise BadRequest(
            "That is no target.", code="invalid_target", hint="Write the kind first: tenant/acme, server/first."
        )
    return target

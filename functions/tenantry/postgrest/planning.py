"""From a request to its plan: which statement, and which answer a success gets."""

from tenantry.domain.errors import BadRequest, GrammarError
from tenantry.postgrest.parameters import Parameters, parse_parameters
from tenantry.postgrest.payload import read_payload
from tenantry.postgrest.preferences import Preferences, parse_preferences
from tenantry.postgrest.refusals import unsupported
from tenantry.postgrest.request import Limits, Plan, Request
from tenantry.postgrest.statements import Statement
from tenantry.postgrest.syntax import SelectItem

_DEFAULT_LIMITS = Limits()


def plan(request: Request, limits: Limits = _DEFAULT_LIMITS) -> Plan:
    """Plan one request of the data API. Raises BadRequest, mostly as GrammarError, or PayloadTooLarge."""
    planner = _PLANNERS.get(request.method)
    if planner is None:
        raise BadRequest(f"the method {request.method[:20]} is not supported here", code="PGRST117")
    return planner(request, limits)


def _plan_read(request: Request, limits: Limits) -> Plan:
    given = parse_parameters(request, limits)
    _refuse_columns(given, request.method)
    preferences = parse_preferences(request.prefer, writes=False)
    offset = given.offset or 0
    limit = limits.max_rows if given.limit is None else min(given.limit, limits.max_rows)
    statement = Statement(request.schema, request.table)
    text = statement.read(given.select, given.filters, given.order, limit, offset)
    return Plan(text, tuple(statement.values), True, 200, offset, True, preferences.applied)


def _plan_insert(request: Request, limits: Limits) -> Plan:
    given = parse_parameters(request, limits)
    _refuse_window(given)
    if given.filters:
        raise GrammarError("a filter has no meaning for POST", details=f"found {given.filters[0].column!r}")
    preferences = parse_preferences(request.prefer, writes=True)
    payload = read_payload(request.body, given.columns, limits)
    statement = Statement(request.schema, request.table)
    text = statement.insert(payload.columns, payload.text, _returning(given, preferences))
    return _written(statement, text, preferences, status=201)


def _plan_update(request: Request, limits: Limits) -> Plan:
    given = parse_parameters(request, limits)
    _refuse_window(given)
    _require_filter(given, "UPDATE")
    preferences = parse_preferences(request.prefer, writes=True)
    payload = read_payload(request.body, given.columns, limits)
    if payload.rows > 1:
        raise GrammarError("PATCH takes one object, not several", code="PGRST102")
    statement = Statement(request.schema, request.table)
    returning = _returning(given, preferences)
    if not payload.columns or not payload.rows:
        return _written(statement, statement.read_nothing(returning), preferences, reads_only=True)
    text = statement.update(payload.columns, payload.text, given.filters, returning)
    return _written(statement, text, preferences)


def _plan_delete(request: Request, limits: Limits) -> Plan:
    given = parse_parameters(request, limits)
    _refuse_window(given)
    _refuse_columns(given, request.method)
    _require_filter(given, "DELETE")
    preferences = parse_preferences(request.prefer, writes=True)
    statement = Statement(request.schema, request.table)
    text = statement.delete(given.filters, _returning(given, preferences))
    return _written(statement, text, preferences)


_PLANNERS = {"GET": _plan_read, "POST": _plan_insert, "PATCH": _plan_update, "DELETE": _plan_delete}


def _returning(given: Parameters, preferences: Preferences) -> tuple[SelectItem, ...] | None:
    return given.select if preferences.returning == "representation" else None


def _written(
    statement: Statement,
    text: str,
    preferences: Preferences,
    *,
    status: int | None = None,
    reads_only: bool = False,
) -> Plan:
    """Plan a write; without a status of its own it gets 200 with a body and 204 without."""
    has_body = preferences.returning == "representation"
    success = status or (200 if has_body else 204)
    return Plan(text, tuple(statement.values), reads_only, success, 0, has_body, preferences.applied)


def _refuse_window(given: Parameters) -> None:
    """Refuse to cut or sort what a write touches: ignoring `limit` would change more than was asked for."""
    for name in ("order", "limit", "offset"):
        if getattr(given, name) not in (None, ()):
            raise unsupported(f"{name} on a write", name)


def _refuse_columns(given: Parameters, method: str) -> None:
    if given.columns is not None:
        raise GrammarError(f"columns has no meaning for {method}", hint="Choose what is returned with select.")


def _require_filter(given: Parameters, command: str) -> None:
    if not given.filters:
        raise BadRequest(
            f"{command} requires a WHERE clause",
            code="21000",
            details="The request has no filter, so it would change every row.",
            hint="Add a filter, such as ?id=eq.1, or one that matches every row if that is what you want.",
        )

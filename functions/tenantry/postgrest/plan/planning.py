"""From a request to its plan: which statement, and which answer a success gets."""

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.catalogue.model import Catalogue, Name
from tenantry.postgrest.plan.call_planner import plan_call
from tenantry.postgrest.plan.read_planner import plan_read
from tenantry.postgrest.plan.write_planner import plan_delete, plan_insert, plan_replace, plan_update
from tenantry.postgrest.refusals import not_callable_by, unsupported
from tenantry.postgrest.request import Kind, Plan, Request, RequestLimits

_DEFAULT_LIMITS = RequestLimits()
_WRITERS = {"POST": plan_insert, "PATCH": plan_update, "PUT": plan_replace, "DELETE": plan_delete}
_READERS = ("GET", "HEAD")


def plan(request: Request, limits: RequestLimits = _DEFAULT_LIMITS, catalogue: Catalogue | None = None) -> Plan:
    """Plan one request of the data API.

    :param catalogue: what the tenant's database holds; without it, only requests that need none can be planned.
    :raises CatalogueNeeded: it needs one.
    :raises BadRequest: mostly as GrammarError or RequestRefused, which carries PostgREST's code.
    :raises PayloadTooLarge: the body is over the limit.
    """
    name = Name(schema_of(request), request.name)
    if request.kind is Kind.ROUTINE:
        if request.method not in (*_READERS, "POST"):
            raise not_callable_by(request.method)
        return plan_call(request, limits, catalogue, name)
    if request.method in _READERS:
        return plan_read(request, limits, catalogue, name)
    writer = _WRITERS.get(request.method)
    if writer is None:
        raise unsupported(request.method, (*_READERS, *_WRITERS))
    return writer(request, limits, catalogue, name)


def _as_sent(profile: str) -> str:
    """Read a header's bytes as UTF-8, where they came as Latin-1, in which HTTP once had them."""
    try:
        return profile.encode("latin-1").decode()
    except UnicodeError:
        return profile


def schema_of(request: Request) -> str:
    """Choose the schema: the one that a profile names, or the default one.

    :raises RequestRefused: with PGRST106, it is not exposed.
    """
    default = request.schemas[0]
    if not request.profile or request.profile in request.schemas:
        return request.profile or default
    if (sent := _as_sent(request.profile)) in request.schemas:
        return sent
    if request.profile == "public" and len(request.schemas) == 1:
        # A home whose one schema has another name: clients are set up with the usual one.
        return default
    raise RequestRefused(
        f"Invalid schema: {request.profile[:100]}",
        code="PGRST106",
        hint=f"Only the following schemas are exposed: {', '.join(request.schemas)}",
    )

"""Plans GET and HEAD of a table or view."""

import re
from urllib.parse import quote

from tenantry.postgrest.catalogue.model import Catalogue, Name
from tenantry.postgrest.grammar.parameters import parse_parameters
from tenantry.postgrest.grammar.ranges import narrow
from tenantry.postgrest.plan.forms import form_of_rows
from tenantry.postgrest.plan.needs import CatalogueNeeded, reads_catalogue
from tenantry.postgrest.preferences import Preferences, parse_preferences
from tenantry.postgrest.request import Action, Plan, Request, RequestLimits
from tenantry.postgrest.sql.bounding import check_selection
from tenantry.postgrest.sql.envelope import read_statement
from tenantry.postgrest.sql.gate import gate_sql
from tenantry.postgrest.sql.gathering import Bound
from tenantry.postgrest.sql.own_bodies import watch
from tenantry.postgrest.sql.select_writer import SelectWriter
from tenantry.postgrest.sql.tree import ReadNode, grow
from tenantry.postgrest.sql.values import Values

# It is left out, too, where a function of the tenant's says so much that there is no place for it.
_MAX_ADDRESS = 1_000

_is_plain = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch

Counted = tuple[str, tuple[str | None, ...]]


def plan_read(request: Request, limits: RequestLimits, catalogue: Catalogue | None, name: Name) -> Plan:
    """Plan a read. Raises the errors of `plan`."""
    given = parse_parameters(request, limits)
    preferences = parse_preferences(request.prefer)
    media, made = form_of_rows(request.accept, limits, catalogue, name, given.select)
    if catalogue is None and reads_catalogue(given):
        raise CatalogueNeeded()
    if request.method == "GET":
        given.root.window = narrow(given.root.window, request.range)
    root = grow(name, given, catalogue, limits)
    check_selection(root, limits)
    values, bound = Values(), Bound(limits.max_answer_bytes, exact=limits.exact)
    reading = SelectWriter(values, limits.max_rows, bound, as_stored=made is not None and made.takes_table)
    rows = reading.select(root)
    total = reading.count(root) + _first(preferences, limits) if _is_counted(preferences) else None
    head, most = request.method == "HEAD", reading.limit_of(root)
    watch(made, values)
    gate = gate_sql(values, limits.at_once, own_database=limits.own_database, prepared=limits.prepared)
    return Plan(
        read_statement(rows, media, made=made, total=total, head=head, bound=bound, max_rows=most, gate=gate),
        tuple(values.all),
        True,
        200,
        media,
        name.name,
        Action.READ,
        offset=given.root.window.offset,
        returns_body=not head,
        preferences=preferences,
        applied=preferences.applied("resolution", "return", "missing", "max-affected"),
        profile=profile_of(request, name),
        counted=estimated(root, preferences, limits),
        max_rows=limits.max_rows,
        address=_address(request),
        is_binary=made is not None and made.is_binary,
    )


def _address(request: Request) -> str:
    """Write the address of what is read, its parameters sorted by name; empty if it is too long for a header."""
    pairs = [(key, text) for key in sorted(request.query) for text in request.query[key]]
    query = "&".join([f"{_written(key)}={_written(text)}" for key, text in pairs])
    address = f"/{_written(request.name)}{'?' if query else ''}{query}"
    return address if len(address) <= _MAX_ADDRESS else ""


def _written(text: str) -> str:
    # Most of what a URL has needs no look at each of its characters.
    return text if _is_plain(text) else quote(text, safe="")


def _is_counted(preferences: Preferences) -> bool:
    return preferences.count in ("exact", "estimated")


def _first(preferences: Preferences, limits: RequestLimits) -> str:
    """Limit the count for an estimate: it only has to show whether there are more rows than an answer may hold."""
    return f" LIMIT {limits.max_rows + 1:d}" if preferences.count == "estimated" else ""


def counting(
    root: ReadNode, preferences: Preferences, values: Values, limits: RequestLimits, source: str | None
) -> str | None:
    """Write the statement whose rows are counted; None if no count was asked for."""
    if not _is_counted(preferences):
        return None
    bound = Bound(limits.max_answer_bytes, exact=True, encoded=True)
    return SelectWriter(values, limits.max_rows, bound, typed=False).count(root, source)


def estimated(root: ReadNode, preferences: Preferences, limits: RequestLimits) -> Counted | None:
    """Write the statement whose number of rows PostgreSQL estimates; None if no estimate was asked for."""
    if preferences.count not in ("planned", "estimated"):
        return None
    values = Values()
    text = SelectWriter(values, limits.max_rows, Bound(0)).count(root)
    return text, tuple(values.all)


def profile_of(request: Request, name: Name) -> str:
    """Return the schema for Content-Profile; empty if there is only one schema and none was asked for."""
    return name.schema if request.profile or len(request.schemas) > 1 else ""

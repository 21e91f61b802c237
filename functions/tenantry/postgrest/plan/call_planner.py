"""Plans `/rpc/{function}`: by GET, which only reads, or by POST."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.catalogue.finding import find_routine
from tenantry.postgrest.catalogue.model import Catalogue, Column, Name, Routine, Table, Volatility
from tenantry.postgrest.grammar.parameters import Parameters, parse_parameters
from tenantry.postgrest.grammar.payload import RAW, as_parameter, is_json, media_type, read_form, read_payload, read_raw
from tenantry.postgrest.grammar.ranges import narrow
from tenantry.postgrest.media import Form, Media
from tenantry.postgrest.names import quote
from tenantry.postgrest.plan.forms import form_of_call
from tenantry.postgrest.plan.needs import CatalogueNeeded
from tenantry.postgrest.plan.read_planner import counting, profile_of
from tenantry.postgrest.preferences import Preferences, parse_preferences
from tenantry.postgrest.request import Action, Guard, Plan, Request, RequestLimits
from tenantry.postgrest.sql.bounding import check_selection
from tenantry.postgrest.sql.call_writer import call_by_body, call_by_object, call_by_values, call_without
from tenantry.postgrest.sql.envelope import SOURCE, call_statement
from tenantry.postgrest.sql.gate import gate_sql
from tenantry.postgrest.sql.gathering import Bound
from tenantry.postgrest.sql.own_bodies import VALUE, Made, watch
from tenantry.postgrest.sql.select_writer import SelectWriter
from tenantry.postgrest.sql.tree import ReadNode, Rows, grow_from
from tenantry.postgrest.sql.values import Values

_FORM = "application/x-www-form-urlencoded"

type _Writer = Callable[[Routine, Values], str]


def plan_call(request: Request, limits: RequestLimits, catalogue: Catalogue | None, name: Name) -> Plan:
    """Plan a call. Raises the errors of `plan`."""
    by_get = request.method != "POST"
    given = parse_parameters(request, limits, calls_by_get=by_get)
    preferences = parse_preferences(request.prefer)
    if catalogue is None:
        raise CatalogueNeeded()
    values = Values()
    routine, write = _call(request, limits, catalogue, name, given)
    media, made = form_of_call(
        request.accept, limits, catalogue, routine, _rows_of(routine, catalogue).relation, given.select
    )
    if made is not None and made.is_whole:
        # Also of an OUT parameter or a row, of which there would be columns.
        routine = replace(routine, composite=False)
    call = write(routine, values)
    guards = _guards(routine, preferences, media)
    if request.method == "GET":
        given.root.window = narrow(given.root.window, request.range)
    root = grow_from(_rows_of(routine, catalogue), name.schema, given, catalogue, limits)
    check_selection(root, limits)
    values.note_routine(routine.oid, routine.name)
    values.note_returned(routine.rows_of)
    watch(made, values)
    return Plan(
        _statement(catalogue, routine, call, root, values, limits, (media, made), preferences, guards),
        tuple(values.all),
        by_get or routine.volatility is not Volatility.VOLATILE,
        200,
        media,
        name.name,
        Action.CALL,
        offset=given.root.window.offset,
        returns_body=request.method != "HEAD" and not routine.returns_void,
        preferences=preferences,
        applied=preferences.applied("resolution", "return", "missing"),
        guards=guards,
        profile=profile_of(request, name),
        is_void=routine.returns_void,
        settings=routine.settings,
        is_binary=made is not None and made.is_binary,
    )


def _rows_of(routine: Routine, catalogue: Catalogue) -> Rows:
    """Say what the rows of a call are: those of the relation whose type they have, so that others can be embedded."""
    if not routine.composite:
        # A plain value has the one column that its statement gives it.
        return Rows(routine.name, Table(routine.name, {VALUE: Column(VALUE, "")}), None)
    relation = routine.returns
    table = catalogue.tables.get(relation) or catalogue.returned.get(relation)
    return Rows(relation, table, relation if table else None)


def _statement(
    catalogue: Catalogue,
    routine: Routine,
    call: str,
    root: ReadNode,
    values: Values,
    limits: RequestLimits,
    form: tuple[Media, Made | None],
    preferences: Preferences,
    guards: tuple[tuple[Guard, int], ...],
) -> str:
    source = f"{SOURCE} {quote(root.alias)}"
    bound = Bound(limits.max_answer_bytes, exact=True, encoded=True)
    media, made = form
    rows = SelectWriter(
        values,
        limits.max_rows,
        bound,
        typed=routine.composite and root.name in catalogue.tables,
        as_stored=made is not None and made.takes_table,
    ).select(root, source)
    total = counting(root, preferences, values, limits, source)
    return call_statement(
        call,
        rows,
        media,
        made=made,
        value=not routine.composite,
        single=not routine.returns_set,
        total=total,
        guards=guards,
        bound=bound,
        gate=gate_sql(values, limits.at_once, own_database=limits.own_database, prepared=limits.prepared),
    )


def _guards(routine: Routine, preferences: Preferences, media: Media) -> tuple[tuple[Guard, int], ...]:
    guards = [(Guard.ONE_ROW, 1)] if media.form is Form.OBJECT and routine.returns_set else []
    if preferences.is_strict and preferences.max_affected is not None:
        if not routine.returns_set:
            raise RequestRefused(
                "Function must return SETOF or TABLE when max-affected preference is used with handling=strict",
                code="PGRST128",
            )
        guards.append((Guard.MAX_AFFECTED, preferences.max_affected))
    return tuple(guards)


def _call(
    request: Request, limits: RequestLimits, catalogue: Catalogue, name: Name, given: Parameters
) -> tuple[Routine, _Writer]:
    if request.method != "POST":
        return _call_by_pairs(catalogue, name, given.arguments)
    kind = media_type(request.content_type)
    if kind == _FORM:
        return _call_by_pairs(catalogue, name, read_form(request.body, limits))
    if kind in RAW:
        text = read_raw(request.body, kind, limits)
        routine = find_routine(catalogue, name, (), raw=RAW[kind], posts=True)
        return routine, partial(call_by_body, text=text) if routine.takes_whole else call_without
    payload = read_payload(request.body, request.content_type, given.columns, limits, calls=True)
    routine = find_routine(catalogue, name, payload.columns, posts=is_json(kind))
    if routine.takes_whole:
        return routine, _call_whole(routine, payload.text)
    if not payload.columns:
        return routine, call_without
    return routine, partial(call_by_object, keys=payload.columns, text=payload.text, is_object=payload.is_object)


def _call_by_pairs(catalogue: Catalogue, name: Name, pairs: list[tuple[str, str]]) -> tuple[Routine, _Writer]:
    """Call with the arguments of a URL or a form; a form's without a name is taken whole, as the object that it is."""
    routine = find_routine(catalogue, name, {key for key, _ in pairs})
    if routine.takes_whole and pairs:
        return routine, _call_whole(routine, json.dumps(dict(pairs), ensure_ascii=False, separators=(",", ":")))
    return routine, partial(call_by_values, given=pairs)


def _call_whole(routine: Routine, text: str) -> _Writer:
    return partial(call_by_body, text=as_parameter(text, routine.parameters[0].type))

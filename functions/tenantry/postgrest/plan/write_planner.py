"""Plans POST, PATCH, PUT and DELETE of a table or view."""

from collections.abc import Sequence
from dataclasses import replace

from tenantry.domain.errors import BadRequest, GrammarError, RequestRefused
from tenantry.postgrest.catalogue.model import Catalogue, Name
from tenantry.postgrest.grammar.parameters import Parameters, parse_parameters
from tenantry.postgrest.grammar.payload import Payload, read_payload
from tenantry.postgrest.grammar.syntax import Condition, Filter, Node
from tenantry.postgrest.media import Form, Media
from tenantry.postgrest.names import quote
from tenantry.postgrest.plan.embedded_in_changes import (
    has_inner_filter,
    joined_left,
    refuse_bounding_windows,
    refuse_idle_filters,
)
from tenantry.postgrest.plan.forms import form_of_rows
from tenantry.postgrest.plan.needs import CatalogueNeeded, reads_catalogue, writes_catalogue
from tenantry.postgrest.plan.read_planner import profile_of
from tenantry.postgrest.preferences import Preferences, parse_preferences
from tenantry.postgrest.refusals import meaningless
from tenantry.postgrest.request import Action, Guard, Plan, Request, RequestLimits
from tenantry.postgrest.sql.bounding import check_selection
from tenantry.postgrest.sql.change_writer import MERGED, ChangeWriter, columns_needed
from tenantry.postgrest.sql.envelope import SOURCE, SOURCE_ROWS, write_statement
from tenantry.postgrest.sql.gate import gate_sql
from tenantry.postgrest.sql.gathering import Bound
from tenantry.postgrest.sql.own_bodies import Made, watch
from tenantry.postgrest.sql.representing import written
from tenantry.postgrest.sql.select_writer import SelectWriter
from tenantry.postgrest.sql.spreading import is_grouped
from tenantry.postgrest.sql.tree import ReadNode, grow
from tenantry.postgrest.sql.values import Values


class _Write:
    """What every write has: its parameters, preferences, media type, and the tree of tables in its answer."""

    def __init__(
        self, request: Request, limits: RequestLimits, catalogue: Catalogue | None, name: Name, *, inserts: bool
    ) -> None:
        self.request, self.limits, self.name = request, limits, name
        self.given: Parameters = parse_parameters(request, limits)
        self.preferences: Preferences = parse_preferences(request.prefer)
        form = form_of_rows(request.accept, limits, catalogue, name, self.given.select)
        self.media: Media = form[0]
        self.own: Made | None = form[1]
        self.conditions: list[Condition] = self.given.root.conditions
        if catalogue is None and self._needs_catalogue(inserts):
            raise CatalogueNeeded()
        self.window = self.given.root.window
        self.root: ReadNode = grow(name, self.given, catalogue, limits)
        check_selection(self.root, limits)
        self.values = Values()
        # What was changed can't be sent once more, so the answer's size is added up at once.
        self.bound = Bound(limits.max_answer_bytes, exact=True, encoded=True)
        refuse_idle_filters(self.root, shown=self.answers or self.media.form is Form.PLAN)

    def _needs_catalogue(self, inserts: bool) -> bool:
        return reads_catalogue(self.given) or writes_catalogue(self.given, self.preferences, inserts=inserts)

    @property
    def answers(self) -> bool:
        """Whether the changed rows are to be returned."""
        return self.preferences.returning == "representation"

    @property
    def fills(self) -> bool:
        """Whether a key that a row leaves out gets the column's default."""
        return self.preferences.missing == "default"

    @property
    def changed(self) -> str:
        """SQL for the number of changed rows, of which aggregates may show less."""
        return SOURCE_ROWS if self.answers and is_grouped(self.root) else "count(*)"

    @property
    def made(self) -> str:
        """SQL for the number of rows that an upsert has added."""
        return f"{self.changed} - {MERGED}"

    def returning(self, key: Sequence[str] = ()) -> tuple[str, ...] | None:
        """List the columns that the change has to return; None if only the number of rows is needed."""
        if self.answers:
            return columns_needed(self.root)
        return tuple(key) or None

    def where(self) -> list[str]:
        """Write the conditions of the rows to change: also that tables that are embedded with `!inner` have some."""
        return SelectWriter(self.values, None, self.bound).restrictions(self.root)

    def writing(self, key: Sequence[str] = ()) -> ChangeWriter:
        """Return a writer for the statement of the change."""
        return ChangeWriter(self.root, self.values, self.returning(key))

    def conflict(self) -> tuple[str, ...]:
        """List the columns of the unique key that `on_conflict` names."""
        columns, partition = self.given.on_conflict or (), self.request.partition
        return (partition, *columns) if columns and partition and partition not in columns else columns

    def payload(self) -> Payload:
        """Read the body."""
        return read_payload(self.request.body, self.request.content_type, self.given.columns, self.limits)

    def refuse_offset(self, command: str) -> None:
        """Refuse to pass over the first rows of a change: which they are nobody has said."""
        if self.window.offset:
            raise meaningless("offset", command, "A limit bounds how many rows may change.")

    def guards(self, *, affects: bool) -> tuple[tuple[Guard, int], ...]:
        """List the guards. A `limit` on a change is one: ignoring it would change more rows than were asked for.

        :param affects: rows that are there already are changed, so `max-affected` counts them.
        """
        single = self.media.form is Form.OBJECT
        guards = [(Guard.ONE_ROW, 1)] if single else []
        if affects and self.preferences.is_strict and self.preferences.max_affected is not None:
            guards.append((Guard.MAX_AFFECTED, self.preferences.max_affected))
        if self.window.limit is not None:
            guards.append((Guard.MAX_AFFECTED, self.window.limit))
        return tuple(guards)

    def rows(self) -> str | None:
        """Write the statement that selects the answer's rows from the changed ones; None if none are to be returned."""
        if not self.answers:
            return None
        # All of them, in the order that was asked for: a change that was made is told whole, and is counted by it. So
        # the conditions are not asked again of what has been changed since.
        shown = replace(self.root, asked=Node(order=self.root.asked.order), children=joined_left(self.root.children))
        reading = SelectWriter(self.values, None, self.bound, as_stored=self.own is not None and self.own.takes_table)
        return reading.select(shown, f"{SOURCE} {quote(shown.alias)}")

    def _key(self, names: Sequence[str]) -> dict[str, str]:
        """Write the values of a key's columns as a filter of the next request would have them."""
        return {name: written(f"{SOURCE}.{quote(name)}", name, self.root.table, self.values) for name in names}

    def plan(
        self,
        change: str,
        action: Action,
        *leaving_out: str,
        status: int = 0,
        key: Sequence[str] = (),
        made: str = "NULL",
        guards: tuple[tuple[Guard, int], ...] = (),
        reads_only: bool = False,
    ) -> Plan:
        """Put the plan together; without a status of its own it gets 200 with a body and 204 without."""
        rows, named = self.rows(), self._key(key)
        watch(self.own, self.values)
        gate = gate_sql(
            self.values, self.limits.at_once, own_database=self.limits.own_database, prepared=self.limits.prepared
        )
        text = write_statement(
            change,
            rows,
            self.media,
            own=self.own,
            key=named,
            changed=self.changed,
            made=made,
            guards=guards,
            bound=self.bound,
            gate=gate,
        )
        has_body = self.answers or self.media.form is Form.PLAN
        return Plan(
            text,
            tuple(self.values.all),
            reads_only,
            status or (200 if self.answers else 204),
            self.media,
            self.name.name,
            action,
            returns_body=has_body,
            preferences=self.preferences,
            applied=self.preferences.applied(*leaving_out),
            guards=guards,
            profile=profile_of(self.request, self.name) if has_body else "",
            is_binary=self.answers and self.own is not None and self.own.is_binary,
        )


def plan_insert(request: Request, limits: RequestLimits, catalogue: Catalogue | None, name: Name) -> Plan:
    """Plan POST: insert or upsert. Raises the errors of `plan`."""
    write = _Write(request, limits, catalogue, name, inserts=True)
    if write.conditions or has_inner_filter(write.root):
        raise meaningless("a filter", "POST", "PATCH changes rows that are there.")
    write.refuse_offset("POST")
    resolution = write.preferences.resolution
    primary = write.root.table.primary_key if write.root.table else ()
    conflict = (write.conflict() or primary) if resolution else None
    merge = resolution == "merge-duplicates"
    key = primary if write.preferences.returning == "headers-only" else ()
    change = write.writing(key).insert(write.payload(), defaults=write.fills, conflict=conflict, merge=merge)
    upserts = bool(conflict) and merge
    return write.plan(
        change,
        Action.UPSERT if upserts else Action.INSERT,
        "max-affected",
        *([] if conflict else ["resolution"]),
        status=201,
        key=key,
        made=write.made if upserts else "NULL",
        guards=write.guards(affects=False),
    )


def plan_update(request: Request, limits: RequestLimits, catalogue: Catalogue | None, name: Name) -> Plan:
    """Plan PATCH. Raises the errors of `plan`."""
    write = _Write(request, limits, catalogue, name, inserts=False)
    _require_filter(write, "UPDATE")
    payload = write.payload()
    if payload.rows > 1:
        raise GrammarError("PATCH takes one object, not several", code="PGRST102")
    writing, guards = write.writing(), write.guards(affects=True)
    if not payload.columns or not payload.rows:
        return write.plan(
            writing.nothing(write.returning()), Action.UPDATE, "resolution", guards=guards, reads_only=True
        )
    change = writing.update(payload, write.where(), defaults=write.fills)
    return write.plan(change, Action.UPDATE, "resolution", guards=guards)


def plan_delete(request: Request, limits: RequestLimits, catalogue: Catalogue | None, name: Name) -> Plan:
    """Plan DELETE. Raises the errors of `plan`."""
    write = _Write(request, limits, catalogue, name, inserts=False)
    _require_filter(write, "DELETE")
    change = write.writing().delete(write.where())
    return write.plan(change, Action.DELETE, "resolution", "missing", guards=write.guards(affects=True))


def plan_replace(request: Request, limits: RequestLimits, catalogue: Catalogue | None, name: Name) -> Plan:
    """Plan PUT, which inserts or replaces the row whose key is in the URL. Raises the errors of `plan`."""
    if catalogue is None:
        raise CatalogueNeeded()
    write = _Write(request, limits, catalogue, name, inserts=True)
    if write.given.has_window:
        raise BadRequest("limit/offset querystring parameters are not allowed for PUT", code="PGRST114")
    key = write.root.table.primary_key if write.root.table else ()
    if has_inner_filter(write.root):
        raise meaningless("a filter of an embedded table", "PUT", "PUT names its row by its key.")
    _require_key(write.conditions, [column for column in key if column != request.partition])
    payload = write.payload()
    change = write.writing().insert(payload, defaults=False, conflict=key, merge=True, only=write.conditions)
    return write.plan(
        change,
        Action.REPLACE,
        "resolution",
        "missing",
        "max-affected",
        made=write.made,
        guards=((Guard.AS_NAMED, 1),),
    )


def _require_key(conditions: Sequence[Condition], key: Sequence[str]) -> None:
    plain = [each for each in conditions if isinstance(each, Filter) and each.comparison == "= %s" and not each.negated]
    names = [each.field.name for each in plain if not each.field.path]
    if not key or len(names) < len(conditions) or set(names) != set(key):
        raise RequestRefused(
            "Filters must include all and only primary key columns with 'eq' operators", code="PGRST105"
        )


def _require_filter(write: _Write, command: str) -> None:
    write.refuse_offset(command)
    refuse_bounding_windows(write.root)
    if not (write.conditions or has_inner_filter(write.root)):
        raise BadRequest(
            f"{command} requires a WHERE clause",
            code="21000",
            details="The request has no filter, so it would change every row.",
            hint="Add a filter, such as ?id=eq.1, or one that matches every row if that is what you want.",
        )

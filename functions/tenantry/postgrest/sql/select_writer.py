"""The SELECT of a tree of tables: embedded ones are joined laterally, each as one JSON value or as columns."""

from collections.abc import Sequence

from tenantry.postgrest.catalogue.model import Relationship
from tenantry.postgrest.grammar.selection import hides
from tenantry.postgrest.grammar.syntax import Filter, OrderTerm, SelectItem
from tenantry.postgrest.names import quote
from tenantry.postgrest.refusals import not_aggregated
from tenantry.postgrest.sql.expressions import (
    column_sql,
    condition_sql,
    item_sql,
    order_sql,
    output_name,
)
from tenantry.postgrest.sql.gathering import Bound, checked_rows, fits, gathered
from tenantry.postgrest.sql.having_rows import is_more_than_filtered, null_filters
from tenantry.postgrest.sql.representing import qualified, shows_json
from tenantry.postgrest.sql.spreading import (
    Output,
    cast_positions,
    expanded,
    gives_aggregate,
    is_grouped,
    joined_sql,
    orders_inside,
    own_name,
    passed_on,
    sort_name,
    spread,
    spread_name,
)
from tenantry.postgrest.sql.tree import ReadNode, everything
from tenantry.postgrest.sql.values import Values


class SelectWriter:
    """Writes the statement of a tree, and the one that counts its rows."""

    def __init__(
        self, values: Values, max_rows: int | None, bound: Bound, *, typed: bool = True, as_stored: bool = False
    ) -> None:
        """Cut each table's rows off at `max_rows`; None cuts off nothing.

        :param typed: the root's rows have the types of its table's columns.
        :param as_stored: all of the root's columns are selected, and none is shown by a function.
        """
        self._values = values
        self._max_rows = max_rows
        self._bound = bound
        self._typed = typed
        self._as_stored = as_stored

    def select(self, node: ReadNode, source: str | None = None, *, comparable: bool = False) -> str:
        """Write the statement of a node.

        :param source: what the rows are taken from, in place of the node's table.
        :param comparable: the table into which the node is spread groups by what the node gives it.
        """
        grouped = is_grouped(node)
        shown = self._shown(node, grouped=grouped)
        rows = self._rows(node, shown, source, grouped=grouped, comparable=grouped or comparable)
        order = "" if orders_inside(node) else self._order_by(node, shown.items if grouped else ())
        return f"{rows}{order}{self._window(node)}"

    def count(self, node: ReadNode, source: str | None = None) -> str:
        """Write the statement that has a row for each that matches, whatever the window."""
        if is_grouped(node):
            return self._rows(node, self._shown(node, grouped=True), source, grouped=True, comparable=True)
        conditions = self.restrictions(node)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT 1 FROM {source or self._source(node)}{where}"

    def restrictions(self, node: ReadNode) -> list[str]:
        """Write the conditions for a node's rows where nothing is joined: also that embedded tables have some."""
        conditions = self._conditions(node, self._existence(node))
        return conditions + [self._has_rows(child) for child in node.children if child.is_inner]

    def _has_rows(self, child: ReadNode) -> str:
        """Write the condition that an embedded table has rows, as many as a read would show."""
        rows = self.select(child) if is_more_than_filtered(child) else self.count(child)
        return f"EXISTS ({rows})"

    def _shown(self, node: ReadNode, *, grouped: bool) -> ReadNode:
        """Name all columns one by one where each is written in its own way."""
        is_shown = not self._as_stored and node.table is not None and node.table.is_represented
        return expanded(node) if grouped or is_shown else node

    def _rows(self, node: ReadNode, shown: ReadNode, source: str | None, *, grouped: bool, comparable: bool) -> str:
        """Write the statement of a node without order and window; `shown` has its columns."""
        outputs = self._outputs(shown, jsonb=comparable)
        # What is embedded without a column is joined all the same, and has to be told from no row. The answer's rows
        # have as many columns as were selected: perhaps none.
        columns = ", ".join([output.text for output in outputs]) or ("1" if node.embed else "")
        joins = "".join([self._join(child, comparable=comparable and child.is_spread) for child in node.children])
        where = self._where(node, self._replacement(node), self._arrays_fit(node))
        groups = [output.stored or str(place) for place, output in enumerate(outputs, 1) if not output.aggregated]
        group_by = f" GROUP BY {', '.join(groups)}" if grouped and groups else ""
        return f"SELECT {columns} FROM {source or self._source(node)}{joins}{where}{group_by}"

    def _outputs(self, node: ReadNode, *, jsonb: bool = False) -> list[Output]:
        outputs = [self._item(node, item, jsonb=jsonb and node.is_spread) for item in everything(node)]
        outputs += self._sort_columns(node)
        for child in node.children:
            outputs += self._embedded(node, child, jsonb=jsonb)
        return outputs

    def _item(self, node: ReadNode, item: SelectItem, *, jsonb: bool) -> Output:
        """Write a column; an aggregate of a table that is spread is left to the table into which it is."""
        if item.aggregate is None:
            name, stored = output_name(item), ""
            if not item.field.path and shows_json(node.table, item.field.name):
                # PostgreSQL would call it after the function that shows it.
                name = name or item.field.name
                stored = column_sql(node.alias, item.field.name, node.table)
            value = item_sql(node.alias, item, node.table, self._values, jsonb=jsonb)
            return Output(value, name, stored=stored)
        if not node.is_spread:
            return Output(item_sql(node.alias, item, node.table, self._values), item.alias, aggregated=True)
        if not node.is_to_one:
            raise not_aggregated()
        if item.field.name == "*":
            return Output("1", spread_name(item))
        return Output(item_sql(node.alias, item, node.table, self._values, aggregate=False), spread_name(item))

    def _embedded(self, node: ReadNode, child: ReadNode, *, jsonb: bool) -> list[Output]:
        if child.is_silent:
            return []
        if child.is_spread:
            if orders_inside(node) and gives_aggregate(child):
                raise not_aggregated()
            return passed_on(child) if node.is_spread else spread(child, child.joined)
        joined = quote(child.joined)
        cast = "::jsonb" if jsonb else ""
        if child.is_to_one:
            return [Output(f"row_to_json({joined}.*){cast}", child.key)]
        return [Output(f"coalesce({joined}.{joined}, '[]'){cast}", child.key)]

    def _join(self, child: ReadNode, *, comparable: bool) -> str:
        inner = child.is_inner
        joined, kind = quote(child.joined), "INNER" if inner else "LEFT"
        rows = self.select(child, comparable=comparable)
        if child.is_to_one:
            return f" {kind} JOIN LATERAL ({rows}) {joined} ON true"
        most = self.limit_of(child)
        if child.is_spread:
            columns = ["count(*) AS " + quote(own_name(child, "rows")), *self._arrays(child, jsonb=comparable)]
            summed = quote(own_name(child, "sum"))
            checked = checked_rows(rows, joined, self._bound, summed, max_rows=most, depth=child.depth)
            rows = f"SELECT {', '.join(columns)} FROM ({checked}) {joined}"
            condition = f"{joined}.{quote(own_name(child, 'rows'))} > 0" if inner else "true"
        else:
            array, origin = gathered(rows, joined, self._bound, max_rows=most, depth=child.depth)
            rows = f"SELECT {array} AS {joined} FROM {origin}"
            condition = f"{joined}.{joined} IS NOT NULL" if inner else "true"
        return f" {kind} JOIN LATERAL ({rows}) {joined} ON {condition}"

    def _arrays(self, child: ReadNode, *, jsonb: bool) -> list[str]:
        """Gather each column of a to-many table that is spread, all in the same order."""
        cast = "::jsonb" if jsonb else ""
        keys = [
            f"{quote(child.joined)}.{quote(sort_name(child, position))}{term.direction}"
            for position, term in enumerate(child.asked.order)
        ]
        order = f" ORDER BY {', '.join(keys)}" if keys else ""
        return [
            f"coalesce(json_agg({output.sql}{order}), '[]'){cast} AS {quote(output.column)}"
            for output in spread(expanded(child), child.joined)
        ]

    def _sort_columns(self, node: ReadNode) -> list[Output]:
        if not orders_inside(node):
            return []
        return [
            Output(self._sort_key(node, term), sort_name(node, position))
            for position, term in enumerate(node.asked.order)
        ]

    def _source(self, node: ReadNode) -> str:
        relationship, alias = node.relationship, quote(node.alias)
        if relationship and relationship.function:
            # The row of the parent goes in; its type is said, for functions of one name can take different ones.
            self._values.note_returned(relationship.target_oid)
            row = f"({quote(node.parent)}.*)::{qualified(relationship.origin)}"
            return f"{qualified(relationship.function)}({row}) {alias}"
        table = qualified(node.name)
        named = table if node.alias == node.name.name else f"{table} {alias}"
        if relationship and relationship.junction:
            return f"{named}, {qualified(relationship.junction.table)} {quote(_junction_alias(node))}"
        return named

    def _arrays_fit(self, node: ReadNode) -> list[str]:
        """Bound what all arrays of a row have together, before the row is made of them."""
        arrays = [child for child in node.children if not (child.is_to_one or child.is_spread or child.is_silent)]
        if len(arrays) < 2:
            return []
        return [fits([f"{quote(child.joined)}.{quote(child.joined)}" for child in arrays], self._bound, node.depth)]

    def _where(self, node: ReadNode, replace: dict[int, str], more: Sequence[str] = ()) -> str:
        conditions = [*self._conditions(node, replace), *more]
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def _conditions(self, node: ReadNode, replace: dict[int, str]) -> list[str]:
        def own(condition: Filter) -> str | None:
            return replace.get(id(condition))

        typed = node.name if self._typed or node.relationship else None
        conditions = [
            condition_sql(node.alias, condition, node.table, self._values, own, typed=typed)
            for condition in node.asked.conditions
        ]
        return conditions + self._keys(node)

    def _keys(self, node: ReadNode) -> list[str]:
        """Tie a node's rows to its parent's."""
        relationship = node.relationship
        if relationship is None or relationship.function:
            return []
        parent, alias = quote(node.parent), quote(node.alias)
        if relationship.junction is None:
            return [f"{alias}.{quote(far)} = {parent}.{quote(near)}" for near, far in relationship.columns]
        return _junction_keys(relationship, parent, alias, quote(_junction_alias(node)))

    def _replacement(self, node: ReadNode) -> dict[int, str]:
        """Give the filters for whether an embedded table has rows, by what was joined."""
        found = {}
        for filter_, child, negated in null_filters(node):
            joined = quote(child.joined)
            if child.is_to_one:
                found[id(filter_)] = f"{joined}.* IS {'' if negated else 'NOT '}DISTINCT FROM NULL"
            elif child.is_spread:
                found[id(filter_)] = f"{joined}.{quote(own_name(child, 'rows'))} {'> 0' if negated else '= 0'}"
            else:
                found[id(filter_)] = f"{joined}.{joined} IS {'NOT ' if negated else ''}NULL"
        return found

    def _existence(self, node: ReadNode) -> dict[int, str]:
        """Give the same filters where nothing is joined."""
        return {
            id(filter_): f"{'' if negated else 'NOT '}{self._has_rows(child)}"
            for filter_, child, negated in null_filters(node)
        }

    def _order_by(self, node: ReadNode, grouped_by: Sequence[SelectItem]) -> str:
        keys = [
            key + term.direction
            for term in node.asked.order
            for key in cast_positions(grouped_by, term) or [self._sort_key(node, term)]
        ]
        return f" ORDER BY {', '.join(keys)}" if keys else ""

    def _sort_key(self, node: ReadNode, term: OrderTerm) -> str:
        if term.relation is None:
            # Without a catalogue, where this is so is none of the requests that need none.
            hidden = not self._typed and hides(node.items, term.field)
            return order_sql(node.alias, OrderTerm(term.field, ""), node.table, self._values, hidden=hidden)
        child = node.child(term.relation)
        assert child is not None  # noqa: S101 - it was looked for when the tree was made
        return joined_sql(child, term.field, self._values)

    def _window(self, node: ReadNode) -> str:
        """Cut off rows.

        The limit is written out, for it is a number of ours by now and the planner needs to see it: with a
        placeholder PostgreSQL never settles for a prepared plan and plans each call anew. An offset stays a
        placeholder, or each page would be a statement of its own; OFFSET takes a bigint only, so it needs no cast.
        A table of which there is one row at most is not cut, so that PostgreSQL may join it as it likes; what a
        function returns is, for that there is one row of it is no more than its owner's word.
        """
        window = node.asked.window
        if node.is_to_one and not node.is_computed and window.limit is None and not window.offset:
            return ""
        limit = self.limit_of(node)
        return (f" LIMIT {limit:d}" if limit is not None else "") + (
            f" OFFSET {self._values.bind(str(window.offset))}" if window.offset else ""
        )

    def limit_of(self, node: ReadNode) -> int | None:
        """Say how many rows a node has at most."""
        most = 1 if node.is_to_one and node.is_computed else self._max_rows
        limits = [limit for limit in (node.asked.window.limit, most) if limit is not None]
        return min(limits) if limits else None


def _junction_alias(node: ReadNode) -> str:
    return f"{node.joined}_j"


def _junction_keys(relationship: Relationship, parent: str, alias: str, junction: str) -> list[str]:
    way = relationship.junction
    assert way is not None  # noqa: S101 - the caller looked
    near = [f"{junction}.{quote(link)} = {parent}.{quote(column)}" for column, link in way.origin_columns]
    return near + [f"{alias}.{quote(column)} = {junction}.{quote(link)}" for column, link in way.target_columns]

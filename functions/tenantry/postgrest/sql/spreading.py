"""Spreads an embedded table's columns into its parent: under their own names, as arrays, or aggregated over rows."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from tenantry.postgrest.grammar.syntax import Field, OrderTerm, SelectItem
from tenantry.postgrest.names import quote
from tenantry.postgrest.refusals import not_selected
from tenantry.postgrest.sql.expressions import aggregate_sql, output_name, path_sql
from tenantry.postgrest.sql.representing import shows_json
from tenantry.postgrest.sql.tree import ReadNode, everything
from tenantry.postgrest.sql.values import Values


@dataclass(frozen=True, slots=True)
class Output:
    """One column of a node's statement: its SQL, its alias if it needs one, and whether it is an aggregate.

    `column` is the unquoted name that the column has without an alias, if it is known; `*` means all of the row's.
    `stored` is what rows are grouped by in place of it, where that is shown by a function.
    """

    sql: str
    name: str | None = None
    aggregated: bool = False
    column: str = ""
    stored: str = ""

    @property
    def text(self) -> str:
        """The column as it is written in a select list."""
        return f"{self.sql} AS {quote(self.name)}" if self.name is not None else self.sql


def spread(child: ReadNode, joined: str) -> list[Output]:
    """List the columns that a spread table gives its parent, by their names in the child's statement.

    Each by its name, also where all are selected: the parent may group by it, and the statement may have columns of
    tables that are spread or embedded in turn.
    """
    outputs = [_item(item, joined) for item in everything(expanded(child))]
    for inner in child.children:
        outputs += _inner(inner, joined)
    return outputs


def _item(item: SelectItem, joined: str) -> Output:
    if item.aggregate:
        name = spread_name(item)
        summed = aggregate_sql(item.aggregate, _column(joined, name).sql, item.aggregate_cast)
        return Output(summed, item.alias, aggregated=True, column=name)
    return _column(joined, output_name(item) or item.field.name)


def passed_on(child: ReadNode) -> list[Output]:
    """List the columns that a spread table gives a table that is spread itself: what is aggregated comes as it is."""
    return [
        _column(child.joined, output.column) if output.aggregated else output for output in spread(child, child.joined)
    ]


def joined_sql(child: ReadNode, field: Field, values: Values) -> str:
    """Give the SQL for a field of a table that was joined, as its parent's statement sees it.

    :raises RequestRefused: what was joined has no column of that name, so PostgreSQL might look for a function.
    """
    if field.name not in output_names(child):
        raise not_selected(child.name_in_url, field.name)
    value = f"{quote(child.joined)}.{quote(field.name)}"
    # What a domain's function shows is json, which has no order.
    is_json = not field.path and shows_json(child.table, field.name)
    return f"{value}::jsonb" if is_json else path_sql(value, field, None, values)


def output_names(node: ReadNode) -> list[str]:
    """List the names that a node's statement gives its columns, one that comes twice twice."""
    names: list[str] = []
    for item in everything(node):
        if item.field.name == "*" and item.aggregate is None:
            names += node.table.columns if node.table else ()
        else:
            names.append(spread_name(item))
    for child in node.children:
        if not child.is_silent:
            names += output_names(child) if child.is_spread else [child.key]
    return names


def _column(joined: str, name: str) -> Output:
    return Output(f"{quote(joined)}.*" if name == "*" else f"{quote(joined)}.{quote(name)}", column=name)


def _inner(inner: ReadNode, joined: str) -> list[Output]:
    if inner.is_silent:
        return []
    if not inner.is_spread:
        return [_column(joined, inner.key)]
    # The table into which a nested table is spread has these columns under their own names.
    found = spread(inner, joined)
    return [output if output.aggregated else _column(joined, output.column) for output in found]


def spread_name(item: SelectItem) -> str:
    """Return the name of an item's column in the statement of a spread table."""
    return output_name(item) or item.aggregate or item.field.name


def orders_inside(node: ReadNode) -> bool:
    """Whether a node's rows are sorted inside the aggregate of each column, because they become arrays."""
    return node.is_spread and not node.is_to_one


def sort_name(node: ReadNode, position: int) -> str:
    """Return the name of the column by which those arrays are sorted."""
    return own_name(node, str(position))


def own_name(node: ReadNode, what: str) -> str:
    """Name a column of ours in a node's statement as none is called that was asked for."""
    taken = output_names(node)
    name, number = f"{node.joined} {what}", 0
    while name in taken:
        number += 1
        name = f"{node.joined} {what} {number}"
    return name


def expanded(node: ReadNode) -> ReadNode:
    """Replace `*` by the names of all columns, because rows are grouped, or made into arrays, by each.

    Where nothing of a table was selected that has children, nothing is.
    """
    if node.table is None:
        return node
    items: list[SelectItem] = []
    for item in everything(node):
        if item.field.name == "*" and item.aggregate is None:
            items += [SelectItem(Field(column)) for column in node.table.columns]
        else:
            items.append(item)
    return dataclasses.replace(node, items=tuple(items))


def cast_positions(items: Sequence[SelectItem], term: OrderTerm) -> list[str]:
    """List where a field is selected by which rows are grouped with a cast only: its own value is not known any more.

    :return: positions in the select list, which ORDER BY takes for what stands there.
    """
    found = [
        (position, item)
        for position, item in enumerate(items, 1)
        if term.relation is None and item.field == term.field and item.aggregate is None
    ]
    is_whole = any(item.cast is None for _, item in found)
    return [] if is_whole else [str(position) for position, _ in found]


def is_grouped(node: ReadNode) -> bool:
    """Whether a node's rows are aggregated: by an item of its own, or of a table that is spread into it."""
    if node.is_spread:
        return False
    return any(item.aggregate for item in node.items) or any(gives_aggregate(child) for child in node.children)


def gives_aggregate(child: ReadNode) -> bool:
    """Whether the table into which a child is spread has to aggregate something of it."""
    if not (child.is_spread and child.is_to_one):
        return False
    return any(item.aggregate for item in child.items) or any(gives_aggregate(inner) for inner in child.children)

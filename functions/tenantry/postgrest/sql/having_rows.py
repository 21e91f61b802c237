"""Finds what decides whether rows are meant by whether an embedded table has some for them."""

from tenantry.postgrest.grammar.parameters import filters_of
from tenantry.postgrest.grammar.syntax import Filter
from tenantry.postgrest.sql.spreading import gives_aggregate, is_grouped
from tenantry.postgrest.sql.tree import ReadNode

_IS_NULL = "IS NULL"
_IS_NOT_NULL = "IS NOT NULL"


def null_filters(node: ReadNode) -> list[tuple[Filter, ReadNode, bool]]:
    """Find the filters that ask whether an embedded table has rows; the last says whether they ask for some."""
    found = []
    for filter_ in filters_of(node.asked.conditions) if node.children else ():
        child = None if filter_.field.path else next((c for c in node.children if c.key == filter_.field.name), None)
        if child and filter_.comparison in (_IS_NULL, _IS_NOT_NULL) and filter_.value is None:
            found.append((filter_, child, filter_.negated ^ (filter_.comparison == _IS_NOT_NULL)))
    return found


def deciding(node: ReadNode) -> list[ReadNode]:
    """List the embedded tables whose having rows decides which of the node's rows are meant."""
    asked_for = [id(child) for _, child, _ in null_filters(node)]
    return [child for child in node.children if child.is_inner or id(child) in asked_for]


def is_more_than_filtered(node: ReadNode) -> bool:
    """Whether a node has rows or not by other things than its conditions: a window, or aggregates."""
    window = node.asked.window
    return window.offset > 0 or window.limit == 0 or is_grouped(node) or gives_aggregate(node)

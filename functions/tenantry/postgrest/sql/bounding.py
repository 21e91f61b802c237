"""Refuses a `select` that asks for one key twice, one column too often, or more padding than a row may have."""

from collections import Counter
from collections.abc import Iterable

from tenantry.postgrest.grammar.casts import padding_of
from tenantry.postgrest.grammar.parameters import filters_of
from tenantry.postgrest.grammar.syntax import SelectItem
from tenantry.postgrest.refusals import beyond, key_twice
from tenantry.postgrest.request import RequestLimits
from tenantry.postgrest.sql.spreading import output_names, spread_name
from tenantry.postgrest.sql.tree import ReadNode, everything

# Values of these types have no parts: a path into one only converts it to JSON.
_TEXTS = frozenset({"text", "character varying", "character", "bytea", "xml", "name"})


def check_selection(root: ReadNode, limits: RequestLimits) -> None:
    """Refuse a selection whose answer would be ambiguous, or far larger than the stored data.

    :raises BadRequest: mostly as GrammarError or RequestRefused.
    """
    for node in _all(root):
        _check_paths(node, limits)
    if not root.children and _is_plain(root):
        return
    padding = 0
    for node in _all(root):
        _check_keys(node)
        _check_repeats(node, limits)
        padding += sum(padding_of(cast) for item in node.items for cast in (item.cast, item.aggregate_cast) if cast)
    if padding > limits.max_padding:
        raise beyond("characters that casts fill up", limits.max_padding)


def _is_plain(node: ReadNode) -> bool:
    """Whether each column is named once and none is cast, as in nearly every request; this check is cheap."""
    names = {item.field.name for item in node.items}
    return len(names) == len(node.items) and not any(item.cast or item.aggregate_cast for item in node.items)


def _all(node: ReadNode) -> list[ReadNode]:
    return [node, *(each for child in node.children for each in _all(child))]


def _check_keys(node: ReadNode) -> None:
    """Check the keys that embedded tables add to their parent. A column selected twice is the caller's choice."""
    if not node.children:
        return
    tables = [child.key for child in node.children if not child.is_spread]
    for key, times in Counter(tables).items():
        if times > 1:
            raise key_twice(key, is_table=True)
    own = {_name for item in everything(node) for _name in _names(node, item)}
    added = [child.key for child in node.children if not (child.is_spread or child.is_silent)]
    for child in node.children:
        if child.is_spread and not child.is_silent:
            added += output_names(child)
    for key, times in Counter(added).items():
        if times > 1 or key in own:
            raise key_twice(key, is_table=False)


def _names(node: ReadNode, item: SelectItem) -> Iterable[str]:
    if item.field.name == "*" and item.aggregate is None:
        return node.table.columns if node.table else ()
    return (spread_name(item),)


def _check_repeats(node: ReadNode, limits: RequestLimits) -> None:
    """Limit how often one column is named: each time, the whole value is in memory once more, however long it is."""
    fields = Counter((item.field, item.aggregate is None) for item in node.items if not _counts(item))
    if any(times > limits.max_repeats for times in fields.values()):
        raise beyond("repetitions of one column", limits.max_repeats)


def _check_paths(node: ReadNode, limits: RequestLimits) -> None:
    """Limit the paths into one column, also in filters and sort keys: each one has the whole value in memory again."""
    fields = [item.field for item in node.items]
    fields += [filter_.field for filter_ in filters_of(node.asked.conditions)]
    fields += [term.field for term in node.asked.order if term.relation is None]
    within = [field.name for field in fields if field.path]
    for name, times in Counter(within).items() if within else ():
        column = node.table.columns.get(name) if node.table else None
        is_text = column is not None and (column.base_type or column.type) in _TEXTS
        most = limits.max_repeats if is_text else limits.max_paths
        if times > most:
            raise beyond("paths into one column", most)


def _counts(item: SelectItem) -> bool:
    return item.aggregate is not None and item.field.name == "*"

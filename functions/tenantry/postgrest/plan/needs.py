"""Decides which requests need the catalogue: those whose SQL depends on keys, types, defaults or functions."""

from collections.abc import Sequence

from tenantry.postgrest.grammar.parameters import Parameters, filters_of
from tenantry.postgrest.grammar.syntax import Condition, Embed, SelectItem
from tenantry.postgrest.preferences import Preferences


class CatalogueNeeded(Exception):
    """The request can't be planned without the catalogue."""


def reads_catalogue(given: Parameters) -> bool:
    """Whether reading needs types or keys: for the selected columns, the filters or the order."""
    if any(isinstance(item, Embed) or item.field.path or item.aggregate for item in given.select):
        return True
    # What is selected under another name, or as another type, hides a column of that name from ORDER BY.
    hiding = {item.alias or item.field.name for item in given.select if not isinstance(item, Embed) and _is_other(item)}
    if hiding and any(term.field.name in hiding for term in given.root.order):
        return True
    return any(
        _needs_types(node.conditions) or any(term.field.path for term in node.order) for node in given.nodes.values()
    )


def _is_other(item: SelectItem) -> bool:
    return item.alias is not None or item.cast is not None


def _needs_types(conditions: Sequence[Condition]) -> bool:
    return any(each.field.path or each.is_search for each in filters_of(conditions))


def writes_catalogue(given: Parameters, preferences: Preferences, *, inserts: bool) -> bool:
    """Whether a write needs the defaults of columns, or the primary key of its table."""
    if preferences.missing == "default" and given.columns:
        # Otherwise all rows have the same keys, and PostgreSQL fills the other columns.
        return True
    if not inserts:
        return False
    return preferences.returning == "headers-only" or (preferences.resolution is not None and given.on_conflict is None)

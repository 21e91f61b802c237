"""Finds the columns of views that show a table's columns, also through views on views."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tenantry.postgrest.catalogue.model import Name


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view that shows a column of a table, or of another view, unchanged."""

    view: Name
    column: str
    origin: Name
    origin_column: str


# For each relation and each view on it: the columns of the view that show each column of the relation.
Shown = Mapping[Name, Mapping[Name, Mapping[str, Sequence[str]]]]

_Source = tuple[Name, str]


def shown_columns(view_columns: Iterable[ViewColumn]) -> Shown:
    """Trace each view's columns down to the relations that they come from; a view's columns keep the given order."""
    origins = {(each.view, each.column): (each.origin, each.origin_column) for each in view_columns}
    shown: dict[Name, dict[Name, dict[str, list[str]]]] = {}
    for view, column in origins:
        for relation, base in _way_down((view, column), origins):
            shown.setdefault(relation, {}).setdefault(view, defaultdict(list))[base].append(column)
    return shown


def _way_down(place: _Source, origins: Mapping[_Source, _Source]) -> Iterator[_Source]:
    """Yield one origin after another. Replaced views can refer to each other in a circle, so it stops at a repeat."""
    passed = {place}
    while (origin := origins.get(place)) and origin not in passed:
        yield origin
        passed.add(origin)
        place = origin

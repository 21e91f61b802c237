"""Which columns of views show a table's columns, through views on views."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tenantry.postgrest.catalogue.model import Name


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view that shows a column of a table, or of another view, as it is."""

    view: Name
    column: str
    origin: Name
    origin_column: str


# Of each relation, and of each view on it: which columns of the view show a column of the relation.
Shown = Mapping[Name, Mapping[Name, Mapping[str, Sequence[str]]]]

_Source = tuple[Name, str]


def shown_columns(view_columns: Iterable[ViewColumn]) -> Shown:
    """Follow each view's columns down to where they come from; a view's columns stay in the order that is given."""
    origins = {(each.view, each.column): (each.origin, each.origin_column) for each in view_columns}
    shown: dict[Name, dict[Name, dict[str, list[str]]]] = {}
    for view, column in origins:
        for relation, base in _way_down((view, column), origins):
            shown.setdefault(relation, {}).setdefault(view, defaultdict(list))[base].append(column)
    return shown


def _way_down(place: _Source, origins: Mapping[_Source, _Source]) -> Iterator[_Source]:
    """Go from origin to origin; views that were replaced can stand on each other in a ring."""
    passed = {place}
    while (origin := origins.get(place)) and origin not in passed:
        yield origin
        passed.add(origin)
        place = origin

"""From keys to relationships: both ways, through views, over junctions, and those that a function makes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from tenantry.postgrest.catalogue import Cardinality, Junction, Name, Relationship

Pairs = tuple[tuple[str, str], ...]

_PRIMARY, _UNIQUE, _FOREIGN = "p", "u", "f"
# A view of a view of a view…: a chain longer than this is none that anybody wrote.
_MAX_CHAIN = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A constraint of a table; a foreign one points at `target`'s columns, in the same order."""

    kind: str
    name: str
    table: Name
    columns: tuple[str, ...]
    target: Name | None = None
    target_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view that shows a column of a table or of another view as it is."""

    view: Name
    column: str
    origin: Name
    origin_column: str


@dataclass(frozen=True, slots=True)
class ComputedWay:
    """A function that takes a row of `origin` and gives rows of `target`."""

    function: Name
    origin: Name
    target: Name
    single: bool


# For each table, for each of its columns, the columns that show it, by view.
Shown = Mapping[Name, Mapping[Name, Mapping[str, Sequence[str]]]]


def primary_keys(keys: Iterable[Key], view_columns: Sequence[ViewColumn]) -> dict[Name, tuple[str, ...]]:
    """Give each table its primary key; a view has that of a table whose key it shows whole, by its first columns."""
    found: dict[Name, tuple[str, ...]] = {}
    shown = _shown(view_columns)
    for key in keys:
        if key.kind != _PRIMARY:
            continue
        found[key.table] = key.columns
        for view, columns in shown.get(key.table, {}).items():
            if all(column in columns for column in key.columns):
                found[view] = found.get(view, ()) + tuple(columns[column][0] for column in key.columns)
    return found


def relationships(
    keys: Sequence[Key], view_columns: Sequence[ViewColumn], computed: Iterable[ComputedWay], schemas: frozenset[str]
) -> dict[Name, tuple[Relationship, ...]]:
    """Derive every relationship between exposed tables, by its origin, in a fixed order."""
    forward = list(_forward(keys, _shown(view_columns)))
    primary = primary_keys(keys, view_columns)
    every = [*forward, *map(_inverse, forward), *_over_junctions(forward, primary, schemas)]
    found: dict[Name, list[Relationship]] = defaultdict(list)
    for each in every:
        if each.origin.schema in schemas and each.target.schema in schemas:
            found[each.origin].append(each)
    for way in computed:
        if way.origin.schema in schemas and way.target.schema in schemas:
            # It takes the place of what leads to a table of its own name.
            found[way.origin] = [each for each in found[way.origin] if each.target.name != way.function.name]
            cardinality = Cardinality.MANY_TO_ONE if way.single else Cardinality.ONE_TO_MANY
            found[way.origin].append(Relationship(way.origin, way.target, cardinality, function=way.function))
    return {origin: tuple(sorted(ways, key=_order)) for origin, ways in found.items() if ways}


def _order(each: Relationship) -> tuple[str, ...]:
    way = each.junction
    junction = (str(way.table), way.origin_constraint, way.target_constraint) if way else ("", "", "")
    return (str(each.target), each.constraint, str(each.columns), *junction)


def _shown(view_columns: Sequence[ViewColumn]) -> Shown:
    """Follow views over views down, so that every column of a view is known by every relation that it comes from."""
    origins: dict[tuple[Name, str], list[tuple[Name, str]]] = defaultdict(list)
    for each in view_columns:
        origins[(each.view, each.column)].append((each.origin, each.origin_column))
    shown: dict[Name, dict[Name, dict[str, list[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for view, column in origins:
        reached, layer = set(), [(view, column)]
        for _ in range(_MAX_CHAIN):
            layer = [origin for place in layer for origin in origins.get(place, ()) if origin not in reached]
            reached.update(layer)
            for table, name in layer:
                shown[table][view][name].append(column)
    return {table: {view: dict(columns) for view, columns in views.items()} for table, views in shown.items()}


def _forward(keys: Sequence[Key], shown: Shown) -> Iterator[Relationship]:
    """Give each foreign key from its table to its target, and between all views that show one of its ends whole."""
    uniques = {(key.table, frozenset(key.columns)) for key in keys if key.kind in (_PRIMARY, _UNIQUE)}
    for key in keys:
        if key.kind != _FOREIGN or key.target is None:
            continue
        one = (key.table, frozenset(key.columns)) in uniques
        cardinality = Cardinality.ONE_TO_ONE if one else Cardinality.MANY_TO_ONE
        near = [(key.table, key.columns, False), *_seen(key.table, key.columns, shown)]
        far = [(key.target, key.target_columns, False), *_seen(key.target, key.target_columns, shown)]
        for (origin, columns, from_view), (target, targets, to_view) in product(near, far):
            pairs: Pairs = tuple(zip(columns, targets, strict=True))
            yield Relationship(
                origin, target, cardinality, key.name, pairs, origin_is_view=from_view, target_is_view=to_view
            )


def _seen(table: Name, columns: tuple[str, ...], shown: Shown) -> Iterator[tuple[Name, tuple[str, ...], bool]]:
    """List the views that show all of these columns; one that shows a column twice counts for each."""
    for view, seen in shown.get(table, {}).items():
        if all(column in seen for column in columns):
            for choice in product(*(seen[column] for column in columns)):
                yield view, choice, True


def _inverse(each: Relationship) -> Relationship:
    one = each.cardinality is Cardinality.ONE_TO_ONE
    return Relationship(
        each.target,
        each.origin,
        Cardinality.ONE_TO_ONE if one else Cardinality.ONE_TO_MANY,
        each.constraint,
        tuple((far, near) for near, far in each.columns),
        origin_is_view=each.target_is_view,
        target_is_view=each.origin_is_view,
    )


def _over_junctions(
    forward: Sequence[Relationship], primary: Mapping[Name, tuple[str, ...]], schemas: frozenset[str]
) -> Iterator[Relationship]:
    """Join two keys of a table whose primary key holds them both."""
    by_junction: dict[Name, list[Relationship]] = defaultdict(list)
    for each in forward:
        if each.cardinality is Cardinality.MANY_TO_ONE and each.origin.schema in schemas:
            by_junction[each.origin].append(each)
    for junction, ways in by_junction.items():
        key = set(primary.get(junction, ()))
        for first, second in product(ways, ways):
            linked = {column for column, _ in (*first.columns, *second.columns)}
            if first.constraint == second.constraint or not linked <= key:
                continue
            way = Junction(
                junction,
                first.constraint,
                second.constraint,
                tuple((column, link) for link, column in first.columns),
                tuple((column, link) for link, column in second.columns),
            )
            yield Relationship(
                first.target,
                second.target,
                Cardinality.MANY_TO_MANY,
                junction=way,
                origin_is_view=first.target_is_view,
                target_is_view=second.target_is_view,
            )

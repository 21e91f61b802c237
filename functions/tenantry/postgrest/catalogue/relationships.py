"""Derives relationships from keys, in both directions, through views and junctions, and from functions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice, permutations, product

from tenantry.postgrest.catalogue.model import Cardinality, Junction, Name, Relationship
from tenantry.postgrest.catalogue.view_columns import Shown, ViewColumn, shown_columns

_PRIMARY, _FOREIGN = "p", "f"
# A view that shows a column twice doubles the ways of each of its keys. Nobody names one of so many, so they are cut.
_MAX_CHOICES = 16

_ORDER = (Cardinality.ONE_TO_MANY, Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_ONE, Cardinality.MANY_TO_MANY)

__all__ = ["Computed", "Key", "ViewColumn", "primary_keys", "relationships"]


@dataclass(frozen=True, slots=True)
class Key:
    """A constraint, with its kind in `pg_constraint`'s letter; a foreign key's target columns are in the same order."""

    kind: str
    constraint: str
    table: Name
    columns: tuple[str, ...]
    target: Name | None = None
    target_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed:
    """A function that takes a row of `origin` and returns one or many rows of `target`."""

    function: Name
    origin: Name
    target: Name
    to_one: bool
    # Of pg_class, of the target; 0 is not known.
    target_oid: int = 0


@dataclass(frozen=True, slots=True)
class _Way:
    """A foreign key as seen from its own table or from a view that shows it; `key` identifies the constraint."""

    key: tuple[Name, str]
    relationship: Relationship


def primary_keys(keys: Iterable[Key], view_columns: Iterable[ViewColumn]) -> dict[Name, tuple[str, ...]]:
    """Find each table's primary key; a view has that of every table whose key it shows whole, by its first columns.

    A table's key is sorted by name, a view's is in the key's order, as PostgREST writes them in a Location.
    """
    shown = shown_columns(view_columns)
    found: dict[Name, tuple[str, ...]] = {}
    for key in keys:
        if key.kind == _PRIMARY:
            found[key.table] = tuple(sorted(key.columns))
            for view, seen in _whole(key.table, key.columns, shown):
                found[view] = found.get(view, ()) + tuple(first for first, *_ in seen)
    return found


def relationships(
    keys: Sequence[Key],
    view_columns: Sequence[ViewColumn],
    computed: Iterable[Computed],
    schemas: AbstractSet[str],
    returned: AbstractSet[Name] = frozenset(),
) -> dict[Name, tuple[Relationship, ...]]:
    """Derive every relationship between tables of these schemas, keyed by origin, in a fixed order.

    Keys of tables in other schemas count only where a view in these schemas shows them, or a function returns the
    table's rows: `returned` names such tables.
    """
    ways = list(_ways(keys, shown_columns(view_columns), schemas, returned))
    near = [way.relationship for way in ways]
    joining = [way for way in ways if way.relationship.origin.schema in schemas]
    found: dict[Name, set[Relationship]] = defaultdict(set)
    for each in (*near, *map(_inverse, near), *_by_junctions(joining, primary_keys(keys, view_columns))):
        if each.target.schema in schemas and (each.origin.schema in schemas or each.origin in returned):
            found[each.origin].add(each)
    for function in computed:
        if {function.function.schema, function.origin.schema, function.target.schema} <= schemas:
            _override(found, function)
    return {origin: tuple(sorted(found[origin], key=_sort_key)) for origin in sorted(found) if found[origin]}


def _ways(keys: Sequence[Key], shown: Shown, schemas: AbstractSet[str], returned: AbstractSet[Name]) -> Iterator[_Way]:
    """Yield each foreign key between its own tables, and between all views that show one of its ends.

    Only such are seen whose rows are shown somewhere: those of these schemas, and those that functions return.
    """
    unique = {(key.table, frozenset(key.columns)) for key in keys if key.kind != _FOREIGN}
    for key in keys:
        if key.target is None:
            continue
        one = (key.table, frozenset(key.columns)) in unique
        cardinality = Cardinality.ONE_TO_ONE if one else Cardinality.MANY_TO_ONE
        ends = product(_ends(key.table, key.columns, shown), _ends(key.target, key.target_columns, shown))
        for (origin, columns), (target, target_columns) in ends:
            if origin.schema not in schemas and origin not in returned:
                continue
            pairs = tuple(zip(columns, target_columns, strict=True))
            by_views = (origin != key.table, target != key.target)
            relationship = Relationship(origin, target, cardinality, key.constraint, pairs, None, None, *by_views)
            yield _Way((key.table, key.constraint), relationship)


def _ends(table: Name, columns: tuple[str, ...], shown: Shown) -> list[tuple[Name, tuple[str, ...]]]:
    """List where an end of a key is visible: its table, and the views that show all its columns, once per way."""
    views = _whole(table, columns, shown)
    return [(table, columns), *((view, each) for view, seen in views for each in islice(product(*seen), _MAX_CHOICES))]


def _whole(table: Name, columns: tuple[str, ...], shown: Shown) -> Iterator[tuple[Name, list[Sequence[str]]]]:
    """Yield the views that show all of these columns; for each column, with the view's columns that show it."""
    for view, seen in shown.get(table, {}).items():
        if seen.keys() >= set(columns):
            yield view, [seen[column] for column in columns]


def _inverse(each: Relationship) -> Relationship:
    one = each.cardinality is Cardinality.ONE_TO_ONE
    return Relationship(
        each.target,
        each.origin,
        Cardinality.ONE_TO_ONE if one else Cardinality.ONE_TO_MANY,
        each.constraint,
        _swapped(each.columns),
        origin_is_view=each.target_is_view,
        target_is_view=each.origin_is_view,
    )


def _swapped(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((far, near) for near, far in pairs)


def _by_junctions(ways: Iterable[_Way], primary: Mapping[Name, tuple[str, ...]]) -> Iterator[Relationship]:
    """Join two foreign keys of a table if the columns of both are part of its primary key."""
    of_junction: dict[Name, list[_Way]] = defaultdict(list)
    for way in ways:
        each = way.relationship
        key = set(primary.get(each.origin, ()))
        if each.cardinality is Cardinality.MANY_TO_ONE and {column for column, _ in each.columns} <= key:
            of_junction[each.origin].append(way)
    for candidates in of_junction.values():
        for first, second in permutations(candidates, 2):
            if first.key != second.key:
                yield _joined(first.relationship, second.relationship)


def _joined(first: Relationship, second: Relationship) -> Relationship:
    return Relationship(
        first.target,
        second.target,
        Cardinality.MANY_TO_MANY,
        junction=Junction(
            first.origin, first.constraint, second.constraint, _swapped(first.columns), _swapped(second.columns)
        ),
        origin_is_view=first.target_is_view,
        target_is_view=second.target_is_view,
    )


def _override(found: dict[Name, set[Relationship]], computed: Computed) -> None:
    """Put a function in the place of every relationship to a table that has the function's name."""
    others = {each for each in found[computed.origin] if each.function or each.target != computed.function}
    cardinality = Cardinality.MANY_TO_ONE if computed.to_one else Cardinality.ONE_TO_MANY
    way = Relationship(
        computed.origin, computed.target, cardinality, function=computed.function, target_oid=computed.target_oid
    )
    found[computed.origin] = others | {way}


def _sort_key(each: Relationship) -> tuple[object, ...]:
    junction = each.junction
    by = (junction.table, junction.origin_constraint, junction.target_constraint) if junction else ()
    links = (junction.origin_columns, junction.target_columns) if junction else ()
    function = (each.function,) if each.function else ()
    return (each.target, _ORDER.index(each.cardinality), each.constraint, each.columns, by, links, function)

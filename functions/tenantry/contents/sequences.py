"""Lets the sequences of tables whose rows were exchanged go on so that no value that is in use comes again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg2 import sql

from tenantry.database.sql_files import load_sql
from tenantry.domain.content import Place

# Others may take values between a look at a sequence and its change; then it is looked at again.
_ATTEMPTS = 100


class State(NamedTuple):
    """Where a sequence stands: its last value, and whether that was given out."""

    value: int
    called: bool


@dataclass(frozen=True, slots=True)
class NumberSource:
    """A sequence with its parameters, and the columns (schema, table and name) that it fills."""

    place: Place
    step: int
    lowest: int
    highest: int
    cycles: bool
    columns: Sequence[tuple[str, str, str]]

    def following(self, state: State) -> int | None:
        """Return the value that comes next; None: there is no more."""
        if not state.called:
            return state.value
        value = state.value + self.step
        if self.lowest <= value <= self.highest:
            return value
        if not self.cycles:
            return None
        return self.lowest if self.step > 0 else self.highest

    def is_ahead(self, one: State, other: State) -> bool:
        """Whether the one state comes after the other, where the sequence does not begin anew."""
        way = 1 if self.step > 0 else -1
        return (way * one.value, one.called) > (way * other.value, other.called)

    def has(self, state: State) -> bool:
        """Whether the sequence may stand there: its bounds may have changed since."""
        return self.lowest <= state.value <= self.highest


def go_on(cursor: Any, tables: Collection[Place], restored: Mapping[Place, State]) -> None:
    """Set the sequences that fill these tables, as far as they would give out a value that is in a row, and never back.

    Where a sequence stands now or stood in the backup, what is further is taken; of a sequence that begins anew at its
    end nobody can say what that is, so there it is a place whose next value is free.

    :param cursor: in a transaction, as the sequences' owner, with only `pg_catalog` in search_path.
    :param restored: the states in the backup.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    schemas, names = zip(*tables, strict=True) if tables else ((), ())
    cursor.execute(load_sql("contents/filled_columns"), {"schemas": list(schemas), "tables": list(names)})
    for schema, name, step, lowest, highest, cycles, columns in cursor.fetchall():
        source = NumberSource((schema, name), step, lowest, highest, cycles, [tuple(column) for column in columns])
        for _ in range(_ATTEMPTS):
            present = _read(cursor, source)
            wanted = _choose(cursor, source, present, restored.get(source.place))
            if wanted == present or _set(cursor, source, present, wanted):
                break


def _choose(cursor: Any, source: NumberSource, present: State, restored: State | None) -> State:
    chosen = present
    if restored and source.has(restored):
        if not source.cycles:
            chosen = restored if source.is_ahead(restored, present) else present
        elif _is_used(cursor, source, present) and not _is_used(cursor, source, restored):
            chosen = restored
    if source.cycles or not _is_used(cursor, source, chosen):
        return chosen
    # The backup knew no such sequence, or it began elsewhere then: after the rows.
    furthest = _furthest(cursor, source)
    return State(furthest, True) if furthest is not None else chosen


def _read(cursor: Any, source: NumberSource) -> State:
    cursor.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(*source.place)))
    return State(*cursor.fetchone())


def _set(cursor: Any, source: NumberSource, present: State, wanted: State) -> bool:
    """Set a sequence that still stands where it stood; returns whether it did."""
    name = sql.Identifier(*source.place)
    change = sql.SQL(
        "SELECT setval(CAST({} AS regclass), CAST({} AS bigint), {}) FROM {} WHERE (last_value, is_called) = ({}, {})"
    )
    literals = map(sql.Literal, (name.as_string(cursor), str(wanted.value), wanted.called))
    cursor.execute(change.format(*literals, name, *map(sql.Literal, present)))
    return cursor.fetchone() is not None


def _is_used(cursor: Any, source: NumberSource, state: State) -> bool:
    value = source.following(state)
    if value is None:
        return False
    for schema, table, column in source.columns:
        look = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {} WHERE {} = {})")
        cursor.execute(look.format(sql.Identifier(schema, table), sql.Identifier(column), sql.Literal(value)))
        if cursor.fetchone()[0]:
            return True
    return False


def _furthest(cursor: Any, source: NumberSource) -> int | None:
    """Find the furthest value in the first half of the range: whoever has used the last value still gets new ones."""
    middle = (source.lowest + source.highest) // 2
    low, high = (source.lowest, middle) if source.step > 0 else (middle, source.highest)
    found = []
    for schema, table, column in source.columns:
        furthest = sql.SQL("SELECT {}({})::bigint FROM ONLY {} WHERE {} BETWEEN {} AND {}")
        names = sql.Identifier(column), sql.Identifier(schema, table), sql.Identifier(column)
        end = sql.SQL("max" if source.step > 0 else "min")
        cursor.execute(furthest.format(end, *names, sql.Literal(low), sql.Literal(high)))
        found += [value for (value,) in cursor.fetchall() if value is not None]
    return (max if source.step > 0 else min)(found, default=None)

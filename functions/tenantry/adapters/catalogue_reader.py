"""Reads what a tenant's database holds, in one round trip."""

from collections import defaultdict
from typing import Any, Protocol

from tenantry.adapters.sql_files import load_sql
from tenantry.postgrest.catalogue import Catalogue, Column, Name, Parameter, Routine, Table, Volatility
from tenantry.postgrest.relationships import ComputedWay, Key, ViewColumn, primary_keys, relationships

_INSERTS, _UPDATES, _DELETES = 8, 4, 16
# A single argument without a name, which takes a whole body.
_WHOLE_BODY = frozenset({"json", "jsonb", "text", "xml", "bytea"})


class Session(Protocol):
    """A connection that reads one JSON value."""

    def read_json(self, statement: str, values: Any) -> Any:
        """Read it."""


def read_catalogue(session: Session, schemas: tuple[str, ...]) -> Catalogue:
    """Read the catalogue of these schemas as the login, which sees every name; a schema that is not there is empty.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    # One message is one transaction, so the path is empty for this query alone.
    statement = f"SET LOCAL search_path = ''; {load_sql('catalogue').string}"
    content = session.read_json(statement, {"schemas": list(schemas)})
    keys = [_key(row) for row in content["keys"]]
    view_columns = [_view_column(row) for row in content["view_columns"]]
    primary = primary_keys(keys, view_columns)
    tables = {table.name: table for table in (_table(row, primary) for row in content["tables"])}
    computed = [_computed(row) for row in content["computed"]]
    return Catalogue(
        schemas,
        tables,
        relationships(keys, view_columns, computed, frozenset(schemas)),
        _routines(content["functions"]),
    )


def _key(row: list[Any]) -> Key:
    kind, name, schema, table, columns, target_schema, target, target_columns = row
    other = Name(target_schema, target) if target else None
    return Key(kind, name, Name(schema, table), tuple(columns or ()), other, tuple(target_columns or ()))


def _view_column(row: list[Any]) -> ViewColumn:
    schema, view, column, base_schema, base, origin = row
    return ViewColumn(Name(schema, view), column, Name(base_schema, base), origin)


def _computed(row: list[Any]) -> ComputedWay:
    schema, function, origin_schema, origin, target_schema, target, single = row
    return ComputedWay(Name(schema, function), Name(origin_schema, origin), Name(target_schema, target), single)


def _table(row: list[Any], primary: dict[Name, tuple[str, ...]]) -> Table:
    schema, name, is_view, events, comment, columns = row
    known = {column.name: column for column in map(_column, columns)}
    return Table(
        Name(schema, name),
        known,
        primary.get(Name(schema, name), ()),
        is_view,
        bool(events & _INSERTS),
        bool(events & _UPDATES),
        bool(events & _DELETES),
        comment,
    )


def _column(row: list[Any]) -> Column:
    name, type_, base, nullable, default, length, enum, comment = row
    return Column(name, type_, base, nullable, default, length, tuple(enum or ()), comment)


def _routines(rows: list[list[Any]]) -> dict[Name, tuple[Routine, ...]]:
    found: dict[Name, list[Routine]] = defaultdict(list)
    for row in rows:
        routine = _routine(row)
        if _is_callable(routine):
            found[routine.name].append(routine)
    return {name: tuple(overloads) for name, overloads in found.items()}


def _routine(row: list[Any]) -> Routine:
    schema, name, arguments, type_schema, type_name, returns_set, composite, volatility, comment = row
    parameters = tuple(Parameter(*argument) for argument in arguments)
    returns = Name(type_schema, type_name)
    return Routine(Name(schema, name), parameters, returns, returns_set, composite, Volatility(volatility), comment)


def _is_callable(routine: Routine) -> bool:
    """Whether a request can name its arguments, or give the only one as its body."""
    unnamed = [each for each in routine.parameters if not each.name]
    if not unnamed:
        return True
    return len(routine.parameters) == 1 and unnamed[0].type in _WHOLE_BODY

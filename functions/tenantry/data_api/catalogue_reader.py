"""Reads a tenant's catalogue from its database, in one round trip."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, Protocol

from tenantry.database.sql_files import load_sql
from tenantry.postgrest.catalogue.model import (
    Catalogue,
    Column,
    Conversion,
    Handler,
    Name,
    Parameter,
    Representation,
    Routine,
    Table,
    Volatility,
)
from tenantry.postgrest.catalogue.relationships import Computed, Key, ViewColumn, primary_keys, relationships

_PARTS = (
    "relations",
    "tables",
    "types",
    "keys",
    "view_columns",
    "routines",
    "returned",
    "computed",
    "fields",
    "conversions",
    "handlers",
    "geojson",
)
# For this message's transaction alone: only the system's own types are written without their schema, and values in
# defaults so that any session reads them alike, whatever the tenant has set. A query over so many catalogues
# looks expensive to the planner, and compiling it costs more than it takes.
_SETTINGS = (
    "SET LOCAL search_path=pg_catalog,pg_temp;SET LOCAL jit=off;"
    "SET LOCAL datestyle=ISO;SET LOCAL intervalstyle=postgres;SET LOCAL extra_float_digits=3;"
)
# The bits of pg_relation_is_updatable.
_UPDATES, _INSERTS, _DELETES = 4, 8, 16


class Session(Protocol):
    """A connection in autocommit mode, such as `TenantConnection`."""

    def read_json(self, statement: str, values: Any) -> Any:
        """Send one message and return the single value of its last statement."""


def read_catalogue(session: Session, schemas: tuple[str, ...]) -> Catalogue:
    """Read the catalogue of these schemas as the login, which sees every name; a missing schema counts as empty.

    :raises psycopg2.Error: PostgreSQL's error.
    """
    found = session.read_json(_statement(), {"schemas": list(schemas)})
    names = {number: Name(*row) for number, row in found["relations"].items()}
    keys = [key for key in (_key(row, names) for row in found["keys"]) if key]
    view_columns = [_view_column(row, names) for row in found["view_columns"] if row[2] in names]
    computed = [_computed(row) for row in found["computed"]]
    shown = _representations(found["conversions"])
    types = {number: _type(row, shown.get(number)) for number, row in found["types"].items()}
    tables = _tables(found["tables"], types, primary_keys(keys, view_columns), found["fields"])
    routines = _routines(found["routines"], types)
    returned = {name: Table(name, columns) for name, columns in map(_returned, found["returned"])}
    ways = relationships(keys, view_columns, computed, frozenset(schemas), returned.keys())
    geojson = Name(*found["geojson"]) if found["geojson"] else None
    return Catalogue(schemas, tables, ways, routines, _handlers(found["handlers"]), geojson, returned)


@cache
def _statement() -> str:
    parts = {part: load_sql(f"data_api/catalogue_{part}").string for part in _PARTS}
    return _SETTINGS + load_sql("data_api/catalogue").string.format(**parts)


class _Type(NamedTuple):
    name: str
    base: str
    enum: tuple[str, ...]
    representation: Representation | None


def _type(row: list[Any], representation: Representation | None) -> _Type:
    name, base, enum = row
    return _Type(name, base, tuple(enum or ()), representation)


def _representations(rows: Iterable[list[Any]]) -> dict[str, Representation]:
    """Read how domains are shown and read, by their OIDs as the keys of JSON objects have them."""
    found: dict[str, dict[str, Conversion]] = defaultdict(dict)
    for domain, form, schema, function, takes in rows:
        found[str(domain)][form] = Conversion(Name(schema, function), takes)
    return {domain: Representation(**forms) for domain, forms in found.items()}


def _key(row: list[Any], names: Mapping[str, Name]) -> Key | None:
    """Read a key; None for a foreign key whose target was not reached."""
    kind, constraint, table, columns, target, target_columns = row
    if target and target not in names:
        return None
    return Key(kind, constraint, names[table], tuple(columns), names.get(target), tuple(target_columns))


def _view_column(row: list[Any], names: Mapping[str, Name]) -> ViewColumn:
    view, column, origin, origin_column = row
    return ViewColumn(names[view], column, names[origin], origin_column)


def _computed(row: list[Any]) -> Computed:
    schema, function, origin_schema, origin, target_schema, target, to_one, oid = row
    names = Name(schema, function), Name(origin_schema, origin), Name(target_schema, target)
    return Computed(*names, to_one, int(oid))


def _tables(
    rows: Iterable[list[Any]],
    types: Mapping[str, _Type],
    primary: Mapping[Name, tuple[str, ...]],
    fields: Iterable[list[Any]],
) -> dict[Name, Table]:
    computed = {Name(schema, name): frozenset(functions) for schema, name, functions in fields}
    tables = {}
    for schema, name, is_view, events, comment, columns in rows:
        key = Name(schema, name)
        tables[key] = Table(
            key,
            {row[0]: _column(row, types) for row in columns},
            primary.get(key, ()),
            is_view,
            insertable=bool(events & _INSERTS),
            updatable=bool(events & _UPDATES),
            deletable=bool(events & _DELETES),
            comment=comment,
            computed=computed.get(key, frozenset()),
        )
    return tables


def _returned(row: list[Any]) -> tuple[Name, dict[str, Column]]:
    schema, name, columns = row
    return Name(schema, name), {column: Column(column, "") for column in columns}


def _column(row: list[Any], types: Mapping[str, _Type]) -> Column:
    name, number, nullable, default, max_length, comment, version = row
    its = types[number]
    return Column(
        name, its.name, its.base, nullable, default, max_length, its.enum, comment, its.representation, version
    )


def _handlers(rows: Iterable[list[Any]]) -> dict[Name | None, dict[str, Handler]]:
    found: dict[Name | None, dict[str, Handler]] = defaultdict(dict)
    for schema, function, table_schema, table, media, is_binary, oid in rows:
        takes = Name(table_schema, table) if table else None
        found[takes][media] = Handler(Name(schema, function), takes, is_binary, int(oid))
    return dict(found)


def _routines(rows: Iterable[list[Any]], types: Mapping[str, _Type]) -> dict[Name, tuple[Routine, ...]]:
    found: dict[Name, list[Routine]] = defaultdict(list)
    for row in rows:
        routine = _routine(row, types)
        found[routine.name].append(routine)
    return {name: tuple(overloads) for name, overloads in found.items()}


def _routine(row: list[Any], types: Mapping[str, _Type]) -> Routine:
    (
        schema,
        name,
        arguments,
        type_schema,
        type_name,
        returns_set,
        composite,
        volatility,
        comment,
        oid,
        settings,
        media,
        rows_of,
    ) = row
    return Routine(
        Name(schema, name),
        tuple(Parameter(given, types[number].name, *rest) for given, number, *rest in arguments),
        Name(type_schema, type_name),
        returns_set,
        composite,
        Volatility(volatility),
        comment,
        tuple((setting, value) for setting, _, value in (each.partition("=") for each in settings)),
        media or "",
        int(oid),
        int(rows_of),
    )

"""Moves single tables of a scratch database into a schema of their own, with all that they need, and cuts them off.

What is copied from that schema depends on nothing outside of it, and does nothing there: it joins no parent, counts on
no type, function or sequence that may have changed or gone, and nothing that is dropped later takes it along.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg2 import sql

from tenantry.database.admin_sql import execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, StatementFailed
from tenantry.domain.restore import WantedTable
from tenantry.restores.speaking import find_speaking

_NAMED = 10
_FUNCTIONS = frozenset({"function", "procedure"})
# SQLSTATEs of a name that is there already: of a table, index, sequence or type, of other things, of a function.
_DUPLICATES = frozenset({"42P07", "42710", "42723"})
_DROPS = {
    "CONSTRAINT": "ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
    "TRIGGER": "DROP TRIGGER IF EXISTS {name} ON {table}",
    "RULE": "DROP RULE IF EXISTS {name} ON {table}",
    "POLICY": "DROP POLICY IF EXISTS {name} ON {table}",
    "FORCE": "ALTER TABLE ONLY {table} NO FORCE ROW LEVEL SECURITY",
}
# How ALTER … SET SCHEMA calls what pg_identify_object calls otherwise.
_MOVABLE = {
    "table": "TABLE",
    "type": "TYPE",
    "sequence": "SEQUENCE",
    "function": "FUNCTION",
    "procedure": "PROCEDURE",
    "aggregate": "AGGREGATE",
    "operator": "OPERATOR",
    "operator class": "OPERATOR CLASS",
    "operator family": "OPERATOR FAMILY",
    "collation": "COLLATION",
    "conversion": "CONVERSION",
    "statistics object": "STATISTICS",
    "text search parser": "TEXT SEARCH PARSER",
    "text search dictionary": "TEXT SEARCH DICTIONARY",
    "text search template": "TEXT SEARCH TEMPLATE",
    "text search configuration": "TEXT SEARCH CONFIGURATION",
}


# An object as `pg_depend` has it: the catalogue's oid, and its own.
type Address = tuple[int, int]


class Needed(NamedTuple):
    """An object that wanted tables need, or a part of one; see `restores/needed_objects`."""

    kind: str
    names: list[str]
    arguments: list[str]
    identity: str
    extension: str
    extension_schema: str
    goes_along: bool
    generated: str
    is_inherited: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """The wanted tables with all that is part of them and all that they need, to the end.

    `unwanted` are the tables and views among these that are not wanted, `speaking` the functions whose text names what
    is live; `foreign` is all that needs one of them, itself or through others.
    """

    objects: Mapping[Address, Needed]
    foreign: Sequence[Needed]
    unwanted: Sequence[Needed]
    speaking: Sequence[Needed]


class SetApart(NamedTuple):
    """What is left of the tables: the extensions that they need, each with its schema, and what they came without."""

    extensions: set[tuple[str, str]]
    left_out: list[str]


def set_apart(cursor: Any, wanted: Iterable[WantedTable], schema: str) -> SetApart:
    """Make a schema and move the wanted tables into it, with what they need.

    Foreign keys, triggers, rules and policies are dropped, and what of a table needs another one that is not wanted, or
    a function whose text names what is live; the latter two are told.

    :param cursor: in a transaction, as the role that owns everything, with only `pg_catalog` in search_path.
    :raises Conflict: two things that are moved have the same name (`names_collide`), or columns of a table are of the
        row type of another one that is not wanted (`tables_needed`), or made by a function whose text names what is
        live (`live_named`).
    :raises StatementFailed: the server refused.
    """
    pairs = list(wanted)
    values = {"schemas": [one.schema for one in pairs], "tables": [one.name for one in pairs]}
    execute(cursor, load_sql("restores/wanted_relations"), values)
    tables = {"tables": [oid for oid, *_ in cursor.fetchall()]}
    _drop_acting_parts(cursor, tables)
    _leave_parents(cursor, tables)
    found, left_out = _read(cursor, tables), list[str]()
    if found.foreign:
        left_out = _cut_off(cursor, found.foreign)
        found = _read(cursor, tables)
    if found.foreign:
        raise _needed(found.unwanted) if found.unwanted else _speaking(found.speaking)
    execute(cursor, sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for one in found.objects.values():
        _move(cursor, one, schema)
    return SetApart({(o.extension, o.extension_schema) for o in found.objects.values() if o.extension}, left_out)


def _leave_parents(cursor: Any, tables: dict[str, Any]) -> None:
    execute(cursor, load_sql("restores/outward_parents"), tables)
    for is_partition, *names in cursor.fetchall():
        parent, child = sql.Identifier(*names[:2]), sql.Identifier(*names[2:])
        if is_partition:
            execute(cursor, sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, child))
        else:
            execute(cursor, sql.SQL("ALTER TABLE {} NO INHERIT {}").format(child, parent))


def _drop_acting_parts(cursor: Any, tables: dict[str, Any]) -> None:
    execute(cursor, load_sql("restores/acting_parts"), tables)
    for kind, schema, table, name in cursor.fetchall():
        names = {"table": sql.Identifier(schema, table), "name": sql.Identifier(name)}
        execute(cursor, sql.SQL(_DROPS[kind]).format(**names))


def _read(cursor: Any, tables: dict[str, Any]) -> Needs:
    ends, needed_by = _follow(cursor, tables)
    objects = _describe(cursor, tables, list(ends))
    unwanted = [key for key, is_end in ends.items() if is_end and not objects[key].extension]
    functions = [key[1] for key, one in objects.items() if one.kind in _FUNCTIONS and not one.extension]
    speaking = [key for key in find_speaking(cursor, functions) if key in objects]
    foreign: set[Address] = set()
    left = [*unwanted, *speaking]
    while left:
        key = left.pop()
        if key not in foreign:
            foreign.add(key)
            left += needed_by.get(key, ())
    return Needs(
        objects,
        [objects[key] for key in objects if key in foreign],
        [objects[key] for key in unwanted],
        [objects[key] for key in speaking],
    )


def _follow(cursor: Any, tables: dict[str, Any]) -> tuple[dict[Address, bool], dict[Address, list[Address]]]:
    """Follow the links from the tables to the end.

    :returns: all objects, with whether one is where it stopped; and, by object, those that need it.
    """
    execute(cursor, "SELECT 'pg_class'::regclass::oid")
    ((relations,),) = cursor.fetchall()
    found = {(relations, oid): False for oid in tables["tables"]}
    needed_by: dict[Address, list[Address]] = {}
    asked = list(found)
    while asked:
        execute(cursor, load_sql("restores/links"), tables | _split(asked))
        asked = []
        for one_class, one, other_class, other, is_need, is_end in cursor.fetchall():
            if is_need:
                needed_by.setdefault((other_class, other), []).append((one_class, one))
            if (other_class, other) not in found:
                found[other_class, other] = is_end
                asked += [] if is_end else [(other_class, other)]
    return found, needed_by


def _describe(cursor: Any, tables: dict[str, Any], keys: Sequence[Address]) -> dict[Address, Needed]:
    execute(cursor, load_sql("restores/needed_objects"), tables | _split(keys))
    return {(row[0], row[1]): Needed(*row[2:]) for row in cursor.fetchall()}


def _split(keys: Iterable[Address]) -> dict[str, list[int]]:
    pairs = list(keys)
    return {"classes": [key[0] for key in pairs], "objects": [key[1] for key in pairs]}


def _cut_off(cursor: Any, foreign: Sequence[Needed]) -> list[str]:
    """Drop those parts of the tables that need others; returns what they are."""
    dropped = []
    # Of two tables the parent's part goes first, and takes along what the child has from it.
    for one in sorted(foreign, key=lambda one: (one.kind == "index", one.is_inherited)):
        if (drop := _drop(one)) is not None:
            execute(cursor, drop)
            dropped.append(f"{one.kind} {one.identity}")
    return sorted(dropped)


def _drop(one: Needed) -> sql.Composable | None:
    """Build the statement that drops a part, if it can be dropped, or loses its expression and keeps its values."""
    match one.kind:
        case "default value" if one.generated == "":
            change = "ALTER TABLE {whole} ALTER {part} DROP DEFAULT"
        case "default value" if one.generated == "s" and not one.is_inherited:
            change = "ALTER TABLE {whole} ALTER {part} DROP EXPRESSION"
        case "table constraint" if not one.is_inherited:
            change = "ALTER TABLE {whole} DROP CONSTRAINT IF EXISTS {part} CASCADE"
        case "domain constraint":
            change = "ALTER DOMAIN {whole} DROP CONSTRAINT {part}"
        case "index":
            change = "DROP INDEX IF EXISTS {whole} CASCADE"
        case "statistics object":
            change = "DROP STATISTICS IF EXISTS {whole}"
        case _:
            return None
    # Of a domain PostgreSQL gives the name as it is spelt, of all others each name by itself.
    whole = sql.SQL(one.names[0]) if one.arguments else sql.Identifier(*one.names[:2])
    return sql.SQL(change).format(whole=whole, part=sql.Identifier([*one.names, *one.arguments][-1]))


def _move(cursor: Any, one: Needed, schema: str) -> None:
    if one.extension or one.goes_along or one.kind not in _MOVABLE:
        return
    if one.kind == "sequence":
        execute(cursor, sql.SQL("ALTER SEQUENCE {} OWNED BY NONE").format(sql.SQL(one.identity)))
    # PostgreSQL itself has spelt the identity, with quotes and the schema.
    move = sql.SQL(f"ALTER {_MOVABLE[one.kind]} {{}} SET SCHEMA {{}}")
    try:
        execute(cursor, move.format(sql.SQL(one.identity), sql.Identifier(schema)))
    except StatementFailed as exc:
        if exc.code not in _DUPLICATES:
            raise
        raise collision(one.identity) from exc


def _speaking(functions: Iterable[Needed]) -> Conflict:
    return Conflict(
        "Columns or types of the tables are made by functions whose text names what is live, which a copy would read.",
        code="live_named",
        details=", ".join(sorted(one.identity for one in functions)[:_NAMED]),
        hint="Write them with BEGIN ATOMIC, or restore the backup into a new tenant.",
    )


def collision(name: str) -> Conflict:
    """Build the error for things of one name in two schemas, which can't lie in one."""
    return Conflict(
        "Two of the tables, or things that they need, have the same name in different schemas.",
        code="names_collide",
        details=name,
        hint="Restore the tables of each schema by a call of its own.",
    )


def _needed(unwanted: Iterable[Needed]) -> Conflict:
    return Conflict(
        "The tables can't be restored without others, whose row types or rows they are defined by.",
        code="tables_needed",
        details=", ".join(sorted(one.identity for one in unwanted)[:_NAMED]),
        hint="Name these too, or restore the backup into a new tenant.",
    )

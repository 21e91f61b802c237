"""Reads the JSON of a body as rows with the types that the table's columns have by now."""

import json
from collections.abc import Collection

from tenantry.postgrest.catalogue.model import Column, Conversion, Table
from tenantry.postgrest.grammar.payload import Payload
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.representing import converted
from tenantry.postgrest.sql.values import Values

BODY = '"_body"'
_RAW, _EACH, _FILLED = '"_raw"', '"_each"', '"_filled"'
# PostgreSQL's functions take a hundred arguments at most: a name and a value for each column.
_MOST_PAIRS = 50


def body_rows(payload: Payload, relation: str, table: Table | None, values: Values, *, fills: bool) -> str:
    """Write the FROM item `BODY`, whose rows have the payload's columns, and perhaps others.

    :param fills: whether a key that a row leaves out gets the column's default.
    """
    known = _defaults(payload, table, values) if fills and payload.lacking else ""
    if table and is_read(payload, table):
        return f"{_converted_rows(payload, table, values, known, fills=fills)} {BODY}"
    missing = frozenset() if known else payload.lacking
    empty, body = _empty_row(relation, missing, values), values.bind(payload.as_array)
    if not known:
        return f"json_populate_recordset({empty}, {body}) {BODY}"
    filled = f"(SELECT {known} || {_EACH}.value AS value FROM jsonb_array_elements({body}::jsonb) {_EACH}) {_FILLED}"
    return f"{filled}, LATERAL jsonb_populate_record({empty}, {_FILLED}.value) {BODY}"


def _empty_row(relation: str, missing: Collection[str], values: Values) -> str:
    """Write the row that a body's rows begin with: all of its columns are NULL.

    PostgreSQL's functions make every column of a row that begins as NULL, and a domain may refuse that. Of a row that
    there is they make only what the JSON names, and nobody checks the others.

    :param missing: columns that are written, and left out by some row: their NULL is made, so that a domain can refuse.
    """
    row = f"ROW((NULL::{relation}).*)::{relation}"
    if not missing:
        return row
    nulls = json.dumps(dict.fromkeys(sorted(missing)))
    return f"json_populate_record({row}, {values.bind(nulls)}::json)"


def is_read(payload: Payload, table: Table | None) -> bool:
    """Whether a body has values that a domain's function reads."""
    return table is not None and any(_reader(table.columns.get(name)) for name in payload.columns)


def _defaults(payload: Payload, table: Table | None, values: Values) -> str:
    """Write an object of the columns that some row lacks, each with its default, which is SQL from the catalogue."""
    pairs = []
    for name in sorted(payload.lacking):
        column = table.columns.get(name) if table else None
        if table and column:
            values.watch_default(table.name, name, column.default_version)
            pairs.append(f"{values.bind_key(name)}::text, {column.default or 'NULL'}")
    some = range(0, len(pairs), _MOST_PAIRS)
    return " || ".join(f"jsonb_build_object({', '.join(pairs[first : first + _MOST_PAIRS])})" for first in some)


def _converted_rows(payload: Payload, table: Table, values: Values, known: str, *, fills: bool) -> str:
    """Write a subquery with a body's columns: those of domains as their functions read them from JSON."""
    columns = [table.columns[name] for name in payload.columns]
    for each in columns:
        # Named by the type that the catalogue had, a value would be read as one of a type that the column has no more.
        values.note_domain(table.name, each.name, each.type)
    types = ", ".join(f"{quote(each.name)} {'json' if _reader(each) else each.type}" for each in columns)
    body = values.bind(payload.as_array)
    if not known:
        source = f"json_to_recordset({body}::json) AS {_RAW}({types})"
    else:
        filled = f"{known} || {_EACH}.value"
        source = f"jsonb_array_elements({body}::jsonb) {_EACH}, LATERAL jsonb_to_record({filled}) AS {_RAW}({types})"
    listed = ", ".join(
        f"{_read(each, values, fills=fills and each.name in payload.lacking)} AS {quote(each.name)}" for each in columns
    )
    return f"(SELECT {listed} FROM {source})"


def _reader(column: Column | None) -> Conversion | None:
    return column.representation.from_json if column and column.representation else None


def _read(column: Column, values: Values, *, fills: bool) -> str:
    raw, reader = f"{_RAW}.{quote(column.name)}", _reader(column)
    if reader is None:
        return raw
    # A function gives NULL as what it returns without a look at it; made anew, the domain can refuse it.
    value = f"coalesce({converted(reader, raw)}, NULL::{column.type})"
    if not fills or column.default is None:
        return value
    # A default is a value of the domain's already.
    is_given = f"jsonb_exists({_EACH}.value, {values.bind_key(column.name)}::text)"
    return f"CASE WHEN {is_given} THEN {value} ELSE {column.default} END"

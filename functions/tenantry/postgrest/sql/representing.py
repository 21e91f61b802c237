"""Shows and reads the values of domains that have representations, by the functions of their casts."""

from tenantry.postgrest.catalogue.model import Column, Conversion, Name, Table
from tenantry.postgrest.grammar.payload import Payload
from tenantry.postgrest.grammar.syntax import Filter
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.values import Values

# These compare texts with patterns, which are no values of a domain.
_PATTERNS = ("LIKE ", "ILIKE ", "~ ", "~* ")
_LISTS = (" ANY(%s)", " ALL(%s)")
_RAW = '"_raw"'


def qualified(name: Name) -> str:
    """Give the SQL for a table or function."""
    return f"{quote(name.schema)}.{quote(name.name)}"


def converted(conversion: Conversion, value: str) -> str:
    """Write the call of a cast's function, which runs as the caller; by its argument's type no other can be meant."""
    return f"{qualified(conversion.function)}({value}::{conversion.takes})"


def shows_json(table: Table | None, name: str) -> bool:
    """Whether a column's values are shown by a function of their domain."""
    column = table.columns.get(name) if table else None
    return column is not None and column.representation is not None and column.representation.to_json is not None


def shown(value: str, name: str, table: Table | None, values: Values) -> str | None:
    """Write a column's value as the JSON that stands for it; None if it is shown as it is."""
    column = table.columns.get(name) if table else None
    if table is None or column is None or column.representation is None or column.representation.to_json is None:
        return None
    values.note_domain(table.name, name, column.type)
    return converted(column.representation.to_json, value)


def written(value: str, name: str, table: Table | None, values: Values) -> str:
    """Write a column's value as a filter would have it: as the text that stands for it, where its domain has one."""
    column = table.columns.get(name) if table else None
    if table is None or column is None or column.representation is None or column.representation.to_text is None:
        return value
    values.note_domain(table.name, name, column.type)
    return converted(column.representation.to_text, value)


def parsed_comparison(filter_: Filter, table: Table | None, values: Values) -> str | None:
    """Write the comparison with a text that the column's domain reads; None if it reads none."""
    column = table.columns.get(filter_.field.name) if table and not filter_.field.path else None
    reader = column.representation.from_text if column and column.representation else None
    if table is None or column is None or reader is None or filter_.comparison.startswith(_PATTERNS):
        return None
    values.note_domain(table.name, column.name, column.type)
    bound = values.bind(filter_.value)
    if not filter_.comparison.endswith(_LISTS):
        return filter_.comparison % converted(reader, bound)
    each = converted(reader, '"_each"')
    return filter_.comparison % f'ARRAY(SELECT {each} FROM unnest({bound}::text[]) "_each")'


def is_read(payload: Payload, table: Table | None) -> bool:
    """Whether a body has values that a domain's function reads."""
    return table is not None and any(_reader(table.columns.get(name)) for name in payload.columns)


def read_rows(payload: Payload, table: Table, values: Values, *, known: str, defaults: bool) -> str:
    """Write a subquery with a body's columns: those of domains as their functions read them from JSON, others as usual.

    :param known: the defaults of the other columns, as arguments of jsonb_build_object.
    :param defaults: whether a key that a row leaves out gets the column's default.
    """
    columns = [table.columns[name] for name in payload.columns]
    for each in columns:
        # Named by the type that the catalogue had, a value would be read as one of a type that the column has no more.
        values.note_domain(table.name, each.name, each.type)
    types = ", ".join(f"{quote(each.name)} {'json' if _reader(each) else each.type}" for each in columns)
    body = values.bind(payload.as_array)
    if not defaults:
        source = f"json_to_recordset({body}::json) AS {_RAW}({types})"
    else:
        filled = f'jsonb_build_object({known}) || "_each".value'
        source = f'jsonb_array_elements({body}::jsonb) "_each", LATERAL jsonb_to_record({filled}) AS {_RAW}({types})'
    listed = ", ".join(f"{_read(each, values, defaults=defaults)} AS {quote(each.name)}" for each in columns)
    return f"(SELECT {listed} FROM {source})"


def _reader(column: Column | None) -> Conversion | None:
    return column.representation.from_json if column and column.representation else None


def _read(column: Column, values: Values, *, defaults: bool) -> str:
    raw, reader = f"{_RAW}.{quote(column.name)}", _reader(column)
    if reader is None:
        return raw
    value = converted(reader, raw)
    if not defaults or column.default is None:
        return value
    # A default is a value of the domain's already.
    is_given = f'jsonb_exists("_each".value, {values.bind_key(column.name)}::text)'
    return f"CASE WHEN {is_given} THEN {value} ELSE {column.default} END"

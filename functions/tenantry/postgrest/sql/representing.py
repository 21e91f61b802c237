"""Shows the values of domains that have representations, and reads them in filters, by the functions of their casts."""

from tenantry.postgrest.catalogue.model import Conversion, Name, Table
from tenantry.postgrest.grammar.syntax import Filter
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.values import Values

# These compare texts with patterns, which are no values of a domain.
_PATTERNS = ("LIKE ", "ILIKE ", "~ ", "~* ")
_LISTS = (" ANY(%s)", " ALL(%s)")


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
    if table is None or column is None:
        return value
    if column.representation is None or column.representation.to_text is None:
        # JSON writes an array in another way than PostgreSQL reads one.
        return f"{value}::text" if (column.base_type or column.type).endswith("[]") else value
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

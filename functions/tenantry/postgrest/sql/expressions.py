"""SQL of columns, conditions and sort keys: names quoted, values as placeholders."""

from collections.abc import Callable

from tenantry.postgrest.catalogue.hints import unknown_field
from tenantry.postgrest.catalogue.model import SYSTEM_COLUMNS, Name, Table
from tenantry.postgrest.grammar.casts import is_foreign
from tenantry.postgrest.grammar.syntax import Condition, Field, Filter, Logic, OrderTerm, SelectItem
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.representing import parsed_comparison, shown
from tenantry.postgrest.sql.values import Values

_JSON_TYPES = frozenset({"json", "jsonb"})

Replacement = Callable[[Filter], str | None]


def field_sql(alias: str, field: Field, table: Table | None, values: Values) -> str:
    """Give the SQL for a field of the rows that are called `alias`.

    What is no JSON is made JSON before a path leads into it; what is stays as it is, so that an index on it counts.

    :raises RequestRefused: the table has no such field.
    """
    if field.name == "*":
        return f"{quote(alias)}.*"
    return path_sql(column_sql(alias, field.name, table), field, table, values)


def path_sql(base: str, field: Field, table: Table | None, values: Values) -> str:
    """Give the SQL for what lies in a column under a field's path."""
    if not field.path:
        return base
    column = table.columns.get(field.name) if table else None
    as_json = shown(base, field.name, table, values)
    if as_json is not None:
        base = as_json
    elif column is None or column.type not in _JSON_TYPES:
        base = f"to_jsonb({base})"
    steps = []
    for step in field.path:
        key = f"({step.key:d})" if isinstance(step.key, int) else f"{values.bind_key(step.key)}::text"
        steps.append(f"{' ->> ' if step.as_text else ' -> '}{key}")
    return f"({base}{''.join(steps)})"


def column_sql(alias: str, name: str, table: Table | None) -> str:
    """Give the SQL for a column, or for a function of the row, where the table is known to have it.

    PostgreSQL reads `alias.name` as `name(alias)` where there is no such column, and `name` may be any function of
    its own, such as json_agg. A name that stands alone is a column and nothing else.

    :raises RequestRefused: the table has no such field.
    """
    if table is None:
        return quote(name)
    if name not in table.columns and name not in table.computed and name not in SYSTEM_COLUMNS:
        raise unknown_field(table, alias, name)
    return f"{quote(alias)}.{quote(name)}"


def output_name(item: SelectItem) -> str | None:
    """Say what a column of the answer is called, where that is not its field's own name."""
    if item.alias is not None:
        return item.alias
    keys = [step.key for step in item.field.path if isinstance(step.key, str)]
    if item.field.path and item.aggregate is None:
        return keys[-1] if keys else item.field.name
    return None


def item_sql(
    alias: str, item: SelectItem, table: Table | None, values: Values, *, aggregate: bool = True, jsonb: bool = False
) -> str:
    """Give the SQL for a column of the answer, without its name.

    :param jsonb: what a domain's function shows may be grouped by where it is spread to, as json can't be.
    """
    value = field_sql(alias, item.field, table, values)
    if item.aggregate is None and not item.field.path:
        as_json = shown(value, item.field.name, table, values)
        value = value if as_json is None else f"{as_json}::jsonb" if jsonb and item.cast is None else as_json
    if item.cast is not None:
        value = f"CAST({value} AS {item.cast})"
    for cast in (item.cast, item.aggregate_cast):
        if cast is not None and is_foreign(cast):
            values.foreign_casts[cast] = None
    if item.aggregate is None or not aggregate:
        return value
    return aggregate_sql(item.aggregate, "*" if item.field.name == "*" else value, item.aggregate_cast)


def aggregate_sql(function: str, value: str, cast: str | None) -> str:
    """Give the SQL for an aggregate; `function` is one of the grammar's own words."""
    summed = f"{function}({value})"
    return f"CAST({summed} AS {cast})" if cast else summed


def condition_sql(
    alias: str,
    condition: Condition,
    table: Table | None,
    values: Values,
    replace: Replacement = lambda _: None,
    *,
    typed: Name | None,
) -> str:
    """Give the SQL for a condition; `replace` may have an own one for a filter.

    :param typed: the table whose columns' types the values get; None where the rows are of no table.
    """
    if isinstance(condition, Logic):
        parts = [condition_sql(alias, part, table, values, replace, typed=typed) for part in condition.parts]
        joined = f" {condition.word.upper()} ".join(parts)
        return f"NOT ({joined})" if condition.negated else f"({joined})"
    if (own := replace(condition)) is not None:
        return own
    if condition.is_search:
        return _search_sql(alias, condition, table, values, typed)
    comparison = condition.comparison
    value = field_sql(alias, condition.field, table, values)
    if condition.value is not None:
        parsed = parsed_comparison(condition, table, values)
        if parsed is None and not condition.field.path:
            values.watch(typed, condition.field.name)
        comparison = parsed or comparison % values.bind(condition.value)
    return f"NOT ({value} {comparison})" if condition.negated else f"{value} {comparison}"


def _search_sql(alias: str, search: Filter, table: Table | None, values: Values, typed: Name | None) -> str:
    """Text is made a tsvector by the search's own configuration; a tsvector is searched as it is."""
    value = field_sql(alias, search.field, table, values)
    language = f"{values.bind(search.language)}::regconfig, " if search.language else ""
    column = table.columns.get(search.field.name) if table else None
    if column is None or (column.base_type or column.type) != "tsvector" or search.field.path:
        value = f"to_tsvector({language}{value})"
    else:
        values.watch_vector(typed, search.field.name)
    matched = f"{value} @@ {search.comparison}({language}{values.bind(search.value)})"
    return f"NOT ({matched})" if search.negated else matched


def order_sql(alias: str, term: OrderTerm, table: Table | None, values: Values, *, hidden: bool = False) -> str:
    """Give the SQL for a sort key.

    :param hidden: an output column is called so: only in an expression does the name mean the table's column then.
    """
    key = field_sql(alias, term.field, table, values)
    return (f"coalesce({key})" if hidden and table is None else key) + term.direction

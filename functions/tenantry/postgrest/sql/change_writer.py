"""Writes INSERT, UPDATE and DELETE, each returning the columns that the answer needs."""

from collections.abc import Sequence

from tenantry.postgrest.catalogue.hints import no_column
from tenantry.postgrest.catalogue.model import Name, Relationship, Table
from tenantry.postgrest.grammar.payload import Payload
from tenantry.postgrest.grammar.syntax import Condition
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.expressions import column_sql, condition_sql
from tenantry.postgrest.sql.representing import is_read, qualified, read_rows
from tenantry.postgrest.sql.tree import ReadNode, everything, root_alias
from tenantry.postgrest.sql.values import Values

# Counts the rows that an upsert found and changed; the setting is local to the transaction.
_MERGED = "nullif(current_setting('tenantry.merged', true), '')::bigint"
MERGED = f"coalesce({_MERGED}, 0)"
# What a row is changed to, as one value.
_NEW = '"_new values"'
_COUNT_MERGED = f"set_config('tenantry.merged', (coalesce({_MERGED}, 0) + 1)::text, true) IS NOT NULL"


def columns_needed(node: ReadNode, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """List the columns that a write has to return for its answer; `*` alone means all of them."""
    if any(child.relationship and child.relationship.function for child in node.children):
        # We don't know which columns such a function reads.
        return ("*",)
    names = {item.field.name for item in everything(node)}
    if "*" in names:
        return ("*",)
    names |= {term.field.name for term in node.asked.order if term.relation is None}
    for child in node.children:
        names |= _linked(child.relationship) if child.relationship else set()
    return tuple(sorted(names | set(extra)))


def _linked(relationship: Relationship) -> set[str]:
    pairs = relationship.junction.origin_columns if relationship.junction else relationship.columns
    return {column for column, _ in pairs}


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


class ChangeWriter:
    """Writes statements that change one table; `table` is None if the catalogue was not needed."""

    def __init__(self, name: Name, table: Table | None, values: Values, returning: tuple[str, ...] | None) -> None:
        """Take what the statement returns: None is nothing but how many rows there were."""
        self._table = table
        self._typed = name
        self._values = values
        self._alias = root_alias(name, table)
        self._relation = qualified(name)
        self._target = f"{self._relation} AS {quote(self._alias)}"
        self._returning = self._return(returning)

    def insert(
        self,
        payload: Payload,
        *,
        defaults: bool,
        conflict: tuple[str, ...] | None = None,
        merge: bool = False,
        only: Sequence[Condition] = (),
    ) -> str:
        """Insert rows; only the payload's columns are named, so all others get their defaults.

        :param defaults: whether a key that a row leaves out gets the column's default, too.
        :param conflict: the columns of a unique key; rows that have it already are kept or, with `merge`, updated.
        :param only: conditions that each row of the payload has to meet.
        """
        self._check(payload)
        if not payload.columns:
            source = f"SELECT FROM json_array_elements({self._values.bind(payload.as_array)}::json)"
            return f"INSERT INTO {self._target} {source}{self._on_conflict((), conflict, merge)}{self._returning}"
        names = [quote(column) for column in payload.columns]
        listed = ", ".join(f'"_body".{name}' for name in names)
        conditions = [
            condition_sql("_body", condition, self._table, self._values, typed=self._typed) for condition in only
        ]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else " WHERE true"
        source = f"SELECT {listed} FROM {self._rows(payload, '_body', defaults=defaults)}{where}"
        into = f"INSERT INTO {self._target} ({', '.join(names)}) {source}"
        return f"{into}{self._on_conflict(payload.columns, conflict, merge)}{self._returning}"

    def update(self, payload: Payload, where: Sequence[str], *, defaults: bool) -> str:
        """Set the payload's columns to the values in its first object, in the rows that meet all conditions."""
        self._check(payload)
        names = [quote(column) for column in payload.columns]
        assignments = ", ".join(f"{name} = ({_NEW}).{name}" for name in names)
        rows = self._rows(payload, "_body", defaults=defaults)
        # As one column, so that a name that stands alone is one of the table's; where domains read, none stands alone.
        row = "*" if is_read(payload, self._table) else f'("_body".*)::{self._relation} AS {_NEW}'
        source = f"(SELECT {row} FROM {rows}) {_NEW}"
        return f"UPDATE {self._target} SET {assignments} FROM {source}{_where(where)}{self._returning}"

    def delete(self, where: Sequence[str]) -> str:
        """Delete the rows that meet all conditions."""
        return f"DELETE FROM {self._target}{_where(where)}{self._returning}"

    def nothing(self, returning: tuple[str, ...] | None) -> str:
        """Change nothing; the names are checked by PostgreSQL all the same."""
        return f"SELECT {self._list(returning or ())} FROM {self._target} WHERE false"

    def _check(self, payload: Payload) -> None:
        for column in payload.columns if self._table else ():
            if self._table and column not in self._table.columns:
                raise no_column(self._table, column)

    def _rows(self, payload: Payload, alias: str, *, defaults: bool) -> str:
        """Read JSON as rows of the table's own type; the functions here give the placeholder its type json or jsonb."""
        body = quote(alias)
        known = self._defaults(payload) if defaults else ""
        if self._table and is_read(payload, self._table):
            return f"{read_rows(payload, self._table, self._values, known=known, defaults=defaults)} {body}"
        if not known:
            return f"json_populate_recordset(NULL::{self._relation}, {self._values.bind(payload.as_array)}) {body}"
        elements = f'jsonb_array_elements({self._values.bind(payload.as_array)}::jsonb) "_each"'
        filled = f'(SELECT jsonb_build_object({known}) || "_each".value AS value FROM {elements}) "_filled"'
        return f'{filled}, LATERAL jsonb_populate_record(NULL::{self._relation}, "_filled".value) {body}'

    def _defaults(self, payload: Payload) -> str:
        """List the payload's columns that have a default, each with it; the defaults are SQL from the catalogue."""
        pairs = []
        for name in payload.columns:
            column = self._table.columns.get(name) if self._table else None
            if column and column.default is not None:
                pairs.append(f"{self._values.bind_key(name)}::text, {column.default}")
        return ", ".join(pairs)

    def _on_conflict(self, columns: tuple[str, ...], conflict: tuple[str, ...] | None, merge: bool) -> str:
        if not conflict:
            return ""
        key = ", ".join(quote(column) for column in conflict)
        if not merge or not columns:
            return f" ON CONFLICT ({key}) DO NOTHING"
        changes = ", ".join(f"{quote(column)} = EXCLUDED.{quote(column)}" for column in columns)
        return f" ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE {_COUNT_MERGED}"

    def _return(self, returning: tuple[str, ...] | None) -> str:
        """Write the RETURNING clause; RETURNING 1 counts the rows without needing the right to read a column."""
        return f" RETURNING {self._list(returning)}" if returning else " RETURNING 1"

    def _list(self, columns: tuple[str, ...]) -> str:
        table = quote(self._alias)
        listed = [f"{table}.*" if name == "*" else column_sql(self._alias, name, self._table) for name in columns]
        return ", ".join(listed) or "1"

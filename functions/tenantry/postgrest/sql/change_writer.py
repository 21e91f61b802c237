"""Writes INSERT, UPDATE and DELETE, each returning the columns that the answer needs."""

from collections.abc import Sequence

from tenantry.postgrest.catalogue.hints import no_column
from tenantry.postgrest.catalogue.model import Relationship
from tenantry.postgrest.grammar.payload import Payload
from tenantry.postgrest.grammar.syntax import Condition
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.body_rows import BODY, body_rows, is_read
from tenantry.postgrest.sql.expressions import column_sql, condition_sql
from tenantry.postgrest.sql.representing import qualified
from tenantry.postgrest.sql.tree import ReadNode, everything
from tenantry.postgrest.sql.values import Values

# Counts the rows that an upsert found and changed; the setting is local to the transaction.
_MERGED = "nullif(current_setting('tenantry.merged', true), '')::bigint"
MERGED = f"coalesce({_MERGED}, 0)"
# Alone they are whole rows in RETURNING, from PostgreSQL 18 on, where the table has no such column.
_ROW_WORDS = ("old", "new")
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


def _unmentioned(name: str, texts: Sequence[str]) -> str:
    """Return a name that none of these statements' parts mentions: this one, if they don't."""
    number, free = 0, name
    while any(quote(free) in text for text in texts):
        number += 1
        free = f"{name} {number}"
    return free


class ChangeWriter:
    """Writes statements that change one table; `table` is None if the catalogue was not needed."""

    def __init__(self, node: ReadNode, values: Values, returning: tuple[str, ...] | None) -> None:
        """Take what the statement returns: None is nothing but how many rows there were."""
        self._table = node.table
        self._typed = node.name
        self._values = values
        self._alias = node.alias
        self._relation = qualified(node.name)
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
        given = self._given(payload) if defaults else payload
        if given.columns:
            source = self._given_rows(given, only, defaults=defaults)
        else:
            source = f" SELECT FROM json_array_elements({self._values.bind(payload.as_array)}::json)"
        return (
            f"INSERT INTO {self._target}{source}{self._on_conflict(payload.columns, conflict, merge)}{self._returning}"
        )

    def _given_rows(self, payload: Payload, only: Sequence[Condition], *, defaults: bool) -> str:
        """Write the columns to insert, and the rows for them."""
        names = ", ".join(quote(column) for column in payload.columns)
        values = ", ".join(f"{BODY}.{quote(column)}" for column in payload.columns)
        conditions = [
            condition_sql("_body", condition, self._table, self._values, typed=self._typed) for condition in only
        ]
        where = _where(conditions) or " WHERE true"
        return f" ({names}) SELECT {values} FROM {self._rows(payload, defaults=defaults)}{where}"

    def update(self, payload: Payload, where: Sequence[str], *, defaults: bool) -> str:
        """Set the payload's columns to the values in its first object, in the rows that meet all conditions."""
        self._check(payload)
        given = self._given(payload) if defaults else payload
        # A name that stands alone has to be one of the table's.
        new = quote(_unmentioned("_new values", [self._target, *where, self._returning]))
        # Where domains read, the catalogue is known and no name stands alone: the new values may be columns.
        is_whole = not is_read(given, self._table)
        row, selected = (f"({new}.{new})", f"({BODY}.*)::{self._relation} AS {new}") if is_whole else (new, "*")
        changes = [f"{quote(name)} = {row}.{quote(name)}" for name in given.columns]
        changes += [f"{quote(name)} = DEFAULT" for name in payload.columns if name not in given.columns]
        source = f" FROM (SELECT {selected} FROM {self._rows(given, defaults=defaults)}) {new}" if given.columns else ""
        return f"UPDATE {self._target} SET {', '.join(changes)}{source}{_where(where)}{self._returning}"

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

    def _given(self, payload: Payload) -> Payload:
        """Leave out the columns that no row has, where they have a default: PostgreSQL gives it to them."""
        table, left_out = self._table, []
        for column in [table.columns[name] for name in sorted(payload.absent)] if table else ():
            if column.default is not None:
                left_out.append(column.name)
                if table and column.type != column.base_type:
                    # A prepared statement keeps a domain's default, whatever becomes of it.
                    self._values.watch_default(table.name, column.name, column.default_version)
        return payload.without(left_out)

    def _rows(self, payload: Payload, *, defaults: bool) -> str:
        return body_rows(payload, self._relation, self._table, self._values, fills=defaults)

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
        return ", ".join(self._returned(name) for name in columns) or "1"

    def _returned(self, name: str) -> str:
        if name == "*":
            return f"{quote(self._alias)}.*"
        if self._table is None and name in _ROW_WORDS:
            return f"{quote(self._alias)}.{quote(name)}"
        return column_sql(self._alias, name, self._table)

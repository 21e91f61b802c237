"""The SQL: one statement for each kind of request, one row in its answer.

Columns are always qualified by the table, so that neither an alias of the request's nor a name of ours can
capture them. `_rows` is only ever used as `"_rows".*`, which means the row even where a column has that name.
"""

from tenantry.postgrest.names import quote
from tenantry.postgrest.syntax import Filter, OrderTerm, SelectItem

_AS_JSON = """SELECT count(*), coalesce(json_agg("_rows".*), '[]')::text FROM """
_AS_COUNT = "SELECT count(*), NULL::text FROM "


class Statement:
    """Builds the text of a statement over one table, and collects its values in the placeholders' order."""

    __slots__ = ("_name", "_relation", "_table", "values")

    def __init__(self, schema: str, table: str) -> None:
        """Take the names as they are; raises GrammarError where they cannot be names."""
        self._name = table
        self._table = quote(table)
        self._relation = f"{quote(schema)}.{self._table}"
        self.values: list[str] = []

    def read(
        self,
        select: tuple[SelectItem, ...],
        filters: tuple[Filter, ...],
        order: tuple[OrderTerm, ...],
        limit: int,
        offset: int,
    ) -> str:
        """Select rows.

        The limit is written out, for it is a number of ours by now and the planner needs to see it: with a
        placeholder PostgreSQL never settles for a prepared plan and plans each call anew. An offset stays a
        placeholder, or each page would be a statement of its own; OFFSET takes a bigint only, so it needs no cast.
        """
        where, by = self._where(filters), self._order_by(order)
        window = f"LIMIT {limit:d}" + (f" OFFSET {self._bind(str(offset))}" if offset else "")
        return f'{_AS_JSON}(SELECT {self._items(select)} FROM {self._relation}{where}{by} {window}) "_rows"'

    def insert(self, columns: tuple[str, ...], rows: str, returning: tuple[SelectItem, ...] | None) -> str:
        """Insert a JSON array of rows; only `columns` are named, so all others get their defaults."""
        if not columns:
            source = f"SELECT FROM json_array_elements({self._bind(rows)})"
            return self._write(f"INSERT INTO {self._relation} {source}", returning)
        names = [quote(column) for column in columns]
        values = ", ".join(f'"_body".{name}' for name in names)
        source = f'SELECT {values} FROM {self._populate(rows)} "_body"'
        return self._write(f"INSERT INTO {self._relation} ({', '.join(names)}) {source}", returning)

    def update(
        self,
        columns: tuple[str, ...],
        row: str,
        filters: tuple[Filter, ...],
        returning: tuple[SelectItem, ...] | None,
    ) -> str:
        """Set `columns` to what the one object in the JSON array says."""
        body = '"_body"' if self._name != "_body" else '"_body_"'  # one FROM list cannot hold a name twice
        names = [quote(column) for column in columns]
        assignments = ", ".join(f"{name} = {body}.{name}" for name in names)
        source = f"FROM {self._populate(row)} {body}"
        return self._write(f"UPDATE {self._relation} SET {assignments} {source}{self._where(filters)}", returning)

    def delete(self, filters: tuple[Filter, ...], returning: tuple[SelectItem, ...] | None) -> str:
        """Delete the rows that match."""
        return self._write(f"DELETE FROM {self._relation}{self._where(filters)}", returning)

    def read_nothing(self, returning: tuple[SelectItem, ...] | None) -> str:
        """Answer as a write that changed nothing; the names are checked by PostgreSQL all the same."""
        head = _AS_COUNT if returning is None else _AS_JSON
        return f'{head}(SELECT {self._items(returning or ())} FROM {self._relation} WHERE false) "_rows"'

    def _write(self, change: str, returning: tuple[SelectItem, ...] | None) -> str:
        """Wrap a change; RETURNING 1 counts its rows without needing the right to read a column."""
        if returning is None:
            return f'WITH "_rows" AS ({change} RETURNING 1) {_AS_COUNT}"_rows"'
        return f'WITH "_rows" AS ({change} RETURNING {self._items(returning)}) {_AS_JSON}"_rows"'

    def _populate(self, rows: str) -> str:
        """Read JSON as rows of the table's own type; that function makes the placeholder json."""
        return f"json_populate_recordset(NULL::{self._relation}, {self._bind(rows)})"

    def _items(self, select: tuple[SelectItem, ...]) -> str:
        table = self._table
        return ", ".join(
            [
                f"{table}.{quote(item.column)}"
                if item.column is not None and item.alias is None and item.cast is None
                else self._special_item(item)
                for item in select
            ]
        )

    def _special_item(self, item: SelectItem) -> str:
        if item.column is None:
            return f"{self._table}.*"
        value = f"{self._table}.{quote(item.column)}"
        if item.cast is not None:
            value = f"CAST({value} AS {item.cast})"
        return f"{value} AS {quote(item.alias or item.column)}"

    def _where(self, filters: tuple[Filter, ...]) -> str:
        return " WHERE " + " AND ".join([self._condition(each) for each in filters]) if filters else ""

    def _condition(self, filter_: Filter) -> str:
        comparison = filter_.comparison
        if filter_.value is not None:
            comparison = comparison % self._bind(filter_.value)
        condition = f"{self._table}.{quote(filter_.column)} {comparison}"
        return f"NOT ({condition})" if filter_.negated else condition

    def _order_by(self, order: tuple[OrderTerm, ...]) -> str:
        terms = [f"{self._table}.{quote(term.column)}{term.direction}" for term in order]
        return " ORDER BY " + ", ".join(terms) if terms else ""

    def _bind(self, value: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

"""What would look at each row of tables that are filled anew: foreign keys, triggers, policies that bind the owner."""

from collections.abc import Callable, Iterable
from typing import Any

from psycopg2 import sql

from tenantry.database.sql_files import load_sql
from tenantry.domain.content import ContentTable

_ENABLE = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


class PutAside:
    """Puts them aside, as the tables' owner and for the rest of a transaction, until they are put back."""

    def __init__(self, cursor: Any, tables: Iterable[ContentTable]) -> None:
        """Put aside those of these tables. :raises psycopg2.Error: as PostgreSQL gave it."""
        self._cursor = cursor
        tables = list(tables)
        listed = [table.place for table in tables]
        # Rows that may belong to other partitions are given to the table above these.
        written = [*listed, *{table.rehashed_in for table in tables if table.rehashed_in}]
        self._forced = self._find("own_forced", written)
        self._foreign_keys = self._find("own_foreign_keys", listed)
        for schema, table, name, *_ in self._foreign_keys:
            self._alter(schema, table, sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(name)))
        self._triggers = self._find("own_triggers", written)
        self._fire(lambda _: "DISABLE")
        self._force("NO FORCE")

    def put_back(self) -> None:
        """Let them be as they were; foreign keys are checked. :raises psycopg2.Error: as PostgreSQL gave it."""
        self._fire(lambda enabled: _ENABLE[enabled])
        for key in self._foreign_keys:
            self._add(*key)
        # A foreign key is checked by its tables' owner.
        self._force("FORCE")

    def _find(self, query: str, places: list[tuple[str, str]]) -> list[tuple[Any, ...]]:
        names = {"schemas": [schema for schema, _ in places], "tables": [table for _, table in places]}
        self._cursor.execute(load_sql(f"contents/{query}"), names)
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found

    def _force(self, how: str) -> None:
        for place in self._forced:
            alter = sql.SQL(f"ALTER TABLE ONLY {{}} {how} ROW LEVEL SECURITY")
            self._cursor.execute(alter.format(sql.Identifier(*place)))

    def _fire(self, how: Callable[[str], str]) -> None:
        for schema, table, name, enabled in self._triggers:
            alter = sql.SQL(f"ALTER TABLE ONLY {{}} {how(enabled)} TRIGGER {{}}")
            self._cursor.execute(alter.format(sql.Identifier(schema, table), sql.Identifier(name)))

    def _add(self, schema: str, table: str, name: str, definition: str, comment: str | None) -> None:
        """Add a foreign key again, as it was; PostgreSQL looks at every row that it concerns."""
        add = sql.SQL("ADD CONSTRAINT {} ").format(sql.Identifier(name))
        self._alter(schema, table, add + sql.SQL(definition))
        if comment is not None:
            say = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}")
            names = sql.Identifier(name), sql.Identifier(schema, table), sql.Literal(comment)
            self._cursor.execute(say.format(*names))

    def _alter(self, schema: str, table: str, change: sql.Composable) -> None:
        self._cursor.execute(sql.SQL("ALTER TABLE {} ").format(sql.Identifier(schema, table)) + change)

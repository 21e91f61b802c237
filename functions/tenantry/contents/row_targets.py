"""The two kinds of place that rows are copied into: tables of a tenant's own, and those that tenants share."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.contents.digest import TENANT_COLUMN, Access, ContentReader, begin, find_sequences, find_tables
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.revisions import VERSION_TABLE
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.content import Table
from tenantry.domain.tenant import TenantId

_ENABLE = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


class OwnTables:
    """Tables of the tenant's own, emptied and filled as their owner in one transaction."""

    def __init__(
        self, access: Access, settings: ConnectSettings, only: Collection[str] | None = None, kept: str = ""
    ) -> None:
        """Log in, empty the tables, and put aside what would look at each row: foreign keys and triggers.

        :param only: the tables to empty; None: all.
        :param kept: an empty schema of the owner's for the rows that are there; empty: they are not kept.
        :raises TenantryError: the database refused.
        """
        self._access = access
        self._only = only
        self._connection = connect(access.credentials, settings)
        with _translated(self._connection), self._connection.cursor() as cursor:
            begin(self._connection, access)
            found = find_tables(self._connection, access)
            self.tables = {
                name: table
                for name, table in found.items()
                if (name != VERSION_TABLE if only is None else name in only)
            }
            if kept:
                self._keep(cursor, sql.Identifier(kept))
            names = [[table.schema, table.name] for table in self.tables.values()]
            schemas, tables = ([name[place] for name in names] for place in (0, 1))
            cursor.execute(load_sql("contents/own_foreign_keys"), {"schemas": schemas, "tables": tables})
            self._foreign_keys = cursor.fetchall()
            for schema, table, name, _ in self._foreign_keys:
                self._alter(schema, table, sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(name)))
            cursor.execute(load_sql("contents/own_triggers"), {"schemas": schemas, "tables": tables})
            self._triggers = cursor.fetchall()
            for schema, table, name, _ in self._triggers:
                self._alter(schema, table, sql.SQL("DISABLE TRIGGER {}").format(sql.Identifier(name)))
            if self.tables:
                all_tables = sql.SQL(", ").join(sql.SQL("ONLY {}").format(_table(t)) for t in self.tables.values())
                cursor.execute(sql.SQL("TRUNCATE {}").format(all_tables))

    def receive(self, table: Table, stream: Any) -> None:
        """Fill a table. :raises TenantryError: the database refused."""
        with _translated(self._connection), self._connection.cursor() as cursor:
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(_table(table), _columns(table))
            cursor.copy_expert(statement, stream)

    def finish(self, source: ContentReader) -> None:
        """Put back what was put aside, and commit. :raises TenantryError: the database refused."""
        states = {} if source.access.is_pooled else source.sequences()
        with _translated(self._connection), self._connection.cursor() as cursor:
            for schema, table, name, enabled in self._triggers:
                self._alter(schema, table, sql.SQL(f"{_ENABLE[enabled]} TRIGGER {{}}").format(sql.Identifier(name)))
            for schema, table, name, definition in self._foreign_keys:
                add = sql.SQL("ADD CONSTRAINT {} ").format(sql.Identifier(name))
                self._alter(schema, table, add + sql.SQL(definition))
            if source.access.is_pooled:
                for table in self.tables.values():
                    _set_sequences(cursor, table, "")
            if self._only is None:
                self._set_states(cursor, states)
            else:
                # Others' ids may have gone on since, and must not come again.
                for table in self.tables.values():
                    _set_sequences(cursor, table, "WHERE highest > (SELECT last_value FROM {sequence})")
            cursor.execute("COMMIT")

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def _keep(self, cursor: Any, schema: sql.Identifier) -> None:
        for table in self.tables.values():
            lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_table(table))
            names = sql.SQL(".").join([schema, sql.Identifier(table.name)])
            cursor.execute(lock)
            cursor.execute(sql.SQL("CREATE TABLE {} AS SELECT * FROM ONLY {}").format(names, _table(table)))

    def _set_states(self, cursor: Any, states: dict[str, tuple[int, bool]]) -> None:
        for name, place in find_sequences(self._connection, self._access).items():
            if name in states:
                sequence = sql.Identifier(*place).as_string(self._connection)
                cursor.execute("SELECT setval(%s::regclass, %s, %s)", (sequence, *states[name]))

    def _alter(self, schema: str, table: str, change: sql.Composable) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("ALTER TABLE {} ").format(sql.Identifier(schema, table)) + change)


class SharedTables:
    """A tenant's rows of shared tables, written by the administrator as the tables' owner in one transaction.

    COPY does not write into tables with row-level security, so rows go through a temporary table of the same columns.
    """

    def __init__(self, connection: Any, tenant_id: TenantId, access: Access) -> None:
        """Take the administrator's connection, and what `access` says of the role that owns the tables.

        :raises TenantryError: the database refused.
        """
        self._connection = connection
        self._tenant_id = tenant_id
        self._role = sql.Identifier(access.role)
        with _translated(connection), connection.cursor() as cursor:
            cursor.execute("BEGIN")
            # Which of two tables comes first is for the deferred constraints to judge, at the end.
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(access.home.schema)))
            self.tables = find_tables(connection, access)

    def receive(self, table: Table, stream: Any) -> None:
        """Fill a table with the tenant's rows. :raises TenantryError: the database refused."""
        names = {"table": _table(table), "columns": _columns(table), "role": self._role}
        names |= {"tenant": sql.Identifier(TENANT_COLUMN), "tenant_id": sql.Literal(self._tenant_id.value)}
        with _translated(self._connection), self._connection.cursor() as cursor:
            cursor.execute(load_sql("contents/make_row_buffer").format(**names))
            cursor.copy_expert(sql.SQL("COPY pg_temp.tenantry_rows ({columns}) FROM STDIN").format(**names), stream)
            cursor.execute(load_sql("contents/take_row_buffer").format(**names))

    def finish(self, source: ContentReader) -> None:  # noqa: ARG002 - sequences are shared, and only go forward
        """Let the shared sequences pass the rows, and commit. :raises TenantryError: the database refused."""
        with _translated(self._connection), self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(self._role))
            for table in self.tables.values():
                _set_sequences(cursor, table, "WHERE highest > (SELECT last_value FROM {sequence})")
            cursor.execute("COMMIT")

    def close(self) -> None:
        """End it."""
        self._connection.close()


def _set_sequences(cursor: Any, table: Table, condition: str) -> None:
    """Let each sequence that fills a column of a table go on after the highest value there."""
    for column in table.columns:
        if column.sequence:
            statement = "SELECT setval({name}, highest) FROM (SELECT max({column}) AS highest FROM {table}) m "
            cursor.execute(
                sql.SQL(statement + (condition or "WHERE highest IS NOT NULL")).format(
                    name=sql.Literal(column.sequence),
                    # It comes quoted, from pg_get_serial_sequence.
                    sequence=sql.SQL(column.sequence),
                    column=sql.Identifier(column.name),
                    table=_table(table),
                )
            )


def _table(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)


def _columns(table: Table) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in table.stored)


@contextmanager
def _translated(connection: Any) -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as exc:
        connection.close()
        raise translate(exc) from exc

"""The two kinds of place that rows are copied into: tables of a tenant's own, and those that tenants share."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.contents.access import Access, begin, looking_in
from tenantry.contents.inventory import TENANT_COLUMN, find_sequences, find_tables
from tenantry.contents.put_aside import PutAside
from tenantry.contents.reader import ContentReader
from tenantry.contents.sequences import State, go_on
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.patience import LOCK_TIMEOUT_MS, ending_beside, patiently
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.content import ContentColumn, ContentTable
from tenantry.domain.revision import VERSION_TABLE
from tenantry.domain.tenant import TenantId

_LIMIT_LOCKS = f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"
# Values of a shared sequence; more are skipped at once.
_TAKEN_SINGLY = 10_000


class OwnTables:
    """Tables of the tenant's own, emptied and filled as their owner in one transaction."""

    def __init__(
        self,
        access: Access,
        settings: ConnectSettings,
        only: Callable[[ContentTable], bool] | None = None,
        kept: str = "",
    ) -> None:
        """Log in, empty the tables, and put aside what would look at each row (`put_aside`).

        :param only: which tables to empty; None: all.
        :param kept: an empty schema of the owner's for the rows that are there; empty: they are not kept.
        :raises TenantryError: the database refused.
        """
        self._access = access
        self._only = only
        self._connection = connect(access.credentials, settings)
        _begin_patiently(self._connection, lambda cursor: self._begin(cursor, kept))

    def _begin(self, cursor: Any, kept: str) -> None:
        """Take every lock that the transaction needs: those behind it wait for what it does, and not for others."""
        begin(self._connection, self._access)
        cursor.execute(_LIMIT_LOCKS)
        self.tables = {
            name: table
            for name, table in find_tables(self._connection, self._access).items()
            if (self._only(table) if self._only else name != VERSION_TABLE)
        }
        if self.tables:
            listed = sql.SQL(", ").join(sql.SQL("ONLY {}").format(_table(t)) for t in self.tables.values())
            cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(listed))
        self._aside = PutAside(self._connection.cursor(), self.tables.values())
        if kept:
            self._keep(cursor, sql.Identifier(kept))
        if self.tables:
            cursor.execute(sql.SQL("TRUNCATE {}").format(listed))

    def receive(self, table: ContentTable, stream: Any) -> None:
        """Fill a table. :raises TenantryError: the database refused."""
        with _translated(self._connection), self._connection.cursor() as cursor:
            # Rows that may belong to other partitions here are distributed anew.
            into = sql.Identifier(*(table.rehashed_in or table.place))
            statement = sql.SQL("COPY {}{} FROM STDIN").format(into, _column_list(table))
            cursor.copy_expert(statement, stream)

    def finish(self, source: ContentReader) -> None:
        """Put back what was put aside, and commit. :raises TenantryError: the database refused."""
        states = source.sequences()
        with _translated(self._connection), self._connection.cursor() as cursor:
            self._aside.put_back()
            if self._only is None:
                self._set_states(cursor, states)
            else:
                self._forward(cursor, states)
            if source.access.is_pooled:
                # Rows may have come there with ids that the shared sequence has not given.
                for table, column in _filled(self.tables.values()):
                    cursor.execute(load_sql("contents/pass_rows").format(**_sequence_names(table, column)))
            cursor.execute("COMMIT")

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def _keep(self, cursor: Any, schema: sql.Identifier) -> None:
        for table in self.tables.values():
            names = sql.SQL(".").join([schema, sql.Identifier(table.name)])
            cursor.execute(sql.SQL("CREATE TABLE {} AS SELECT * FROM ONLY {}").format(names, _table(table)))

    def _set_states(self, cursor: Any, states: dict[str, tuple[int, bool]]) -> None:
        for name, place in find_sequences(self._connection, self._access).items():
            if name in states:
                sequence = sql.Identifier(*place).as_string(self._connection)
                cursor.execute("SELECT setval(%s::regclass, %s, %s)", (sequence, *states[name]))

    def _forward(self, cursor: Any, states: dict[str, tuple[int, bool]]) -> None:
        """Let the sequences of some tables go on after what was restored; others' ids may have gone on since."""
        found = find_sequences(self._connection, self._access)
        known = {place: State(*states[name]) for name, place in found.items() if name in states}
        with looking_in(self._connection, "pg_catalog"):
            go_on(cursor, [table.place for table in self.tables.values()], known)


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
        self._access = access
        self.tables: dict[str, ContentTable] = {}
        _begin_patiently(connection, self._begin)

    def _begin(self, cursor: Any) -> None:
        cursor.execute("BEGIN")
        cursor.execute(_LIMIT_LOCKS)
        # Which of two tables comes first is for the deferred constraints to judge, at the end.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(self._access.home.schema)))
        self.tables = find_tables(self._connection, self._access)
        if self.tables:
            # As the first row would: whoever keeps us from it does so now, while it costs nothing to begin anew.
            listed = sql.SQL(", ").join(map(_table, self.tables.values()))
            lock = sql.SQL("SET LOCAL ROLE {}; LOCK TABLE {} IN ROW EXCLUSIVE MODE; SET LOCAL ROLE NONE")
            cursor.execute(lock.format(self._role, listed))

    def receive(self, table: ContentTable, stream: Any) -> None:
        """Fill a table with the tenant's rows. :raises TenantryError: the database refused."""
        names = {"table": _table(table), "columns": _columns(table), "list": _column_list(table), "role": self._role}
        names["others"] = sql.SQL(", ").join([sql.SQL(""), _columns(table)]) if table.stored else sql.SQL("")
        names |= {"tenant": sql.Identifier(TENANT_COLUMN), "tenant_id": sql.Literal(self._tenant_id.value)}
        with _translated(self._connection), self._connection.cursor() as cursor:
            cursor.execute(load_sql("contents/make_row_buffer").format(**names))
            cursor.copy_expert(sql.SQL("COPY pg_temp.tenantry_rows{list} FROM STDIN").format(**names), stream)
            cursor.execute(load_sql("contents/take_row_buffer").format(**names))

    def finish(self, source: ContentReader) -> None:
        """Let the shared sequences go on as far as the rows may move them, and commit.

        :raises TenantryError: the database refused.
        """
        # What a shared sequence elsewhere has given; of one of a tenant's own nobody knows who has set it.
        states = source.sequences() if source.access.is_pooled else {}
        with _translated(self._connection), self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(self._role))
            given = {
                _oid(cursor, sql.Identifier(*place).as_string(self._connection)): states[name][0]
                for name, place in find_sequences(self._connection, self._access).items()
                if name in states
            }
            for table, column in _filled(self.tables.values()):
                self._go_on(cursor, table, column, given.get(_oid(cursor, column.sequence)))
            cursor.execute("COMMIT")

    def _go_on(self, cursor: Any, table: ContentTable, column: ContentColumn, given: int | None) -> None:
        names = _sequence_names(table, column) | {
            "given": sql.Literal(given),
            "tenant": sql.Identifier(TENANT_COLUMN),
            "tenant_id": sql.Literal(self._tenant_id.value),
        }
        cursor.execute(load_sql("contents/shared_sequence_lag").format(**names))
        for steps, value in cursor.fetchall():
            if steps <= _TAKEN_SINGLY:
                # Others take values meanwhile: so each is taken, and none is set back.
                take = sql.SQL("SELECT count(nextval({name})) FROM generate_series(1, {steps})")
                cursor.execute(take.format(name=names["name"], steps=sql.Literal(steps)))
            else:
                # So many are not taken between this and the look at it.
                cursor.execute(sql.SQL("SELECT setval({}, {})").format(names["name"], sql.Literal(value)))

    def close(self) -> None:
        """End it."""
        self._connection.close()


def _begin_patiently(connection: Any, begins: Callable[[Any], None]) -> None:
    """Begin a transaction with the locks that it needs; again later, where others hold one.

    :raises Conflict: others held one all the time. The connection is closed.
    :raises TenantryError: the database refused. The connection is closed.
    """

    def attempt() -> None:
        with connection.cursor() as cursor:
            try:
                begins(cursor)
            except psycopg2.Error as exc:
                if not connection.closed:
                    cursor.execute("ROLLBACK")
                raise translate(exc) from exc

    try:
        patiently(attempt, ending=ending_beside(connection))
    except BaseException:
        connection.close()
        raise


def _filled(tables: Iterable[ContentTable]) -> Iterator[tuple[ContentTable, ContentColumn]]:
    """List the columns that a sequence fills, with their tables."""
    return ((table, column) for table in tables for column in table.columns if column.sequence)


def _sequence_names(table: ContentTable, column: ContentColumn) -> dict[str, sql.Composable]:
    """Name a sequence and what it fills, for a statement."""
    name = column.sequence or ""
    return {
        "name": sql.Literal(name),
        # It comes quoted, from pg_get_serial_sequence.
        "sequence": sql.SQL(name),
        "column": sql.Identifier(column.name),
        "table": _table(table),
    }


def _oid(cursor: Any, name: str | None) -> int:
    cursor.execute("SELECT %s::regclass::oid", (name,))
    return int(cursor.fetchone()[0])


def _table(table: ContentTable) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)


def _columns(table: ContentTable) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in table.stored)


def _column_list(table: ContentTable) -> sql.Composable:
    """Name the columns in brackets; nothing for a table without any, of which COPY takes no empty list."""
    return sql.SQL(" ({})").format(_columns(table)) if table.stored else sql.SQL("")


@contextmanager
def _translated(connection: Any) -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as exc:
        connection.close()
        raise translate(exc) from exc

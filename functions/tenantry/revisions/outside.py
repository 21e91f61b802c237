"""Runs the statements of a revision that can't stand in a transaction, such as an index that is built concurrently."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from psycopg2 import sql

from tenantry.database.patience import LOCK_TIMEOUT_MS
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, DatabaseTimeout
from tenantry.revisions.lock_waits import bounded_lock_waits
from tenantry.revisions.version import translated

# Less than a function may run.
_STATEMENT_SECONDS: Final = 780
# What a worker needs after a statement: to note what was done, and the end of its login.
_END_SECONDS: Final = 45
# With less than that nothing is begun: it would hardly end.
_LEAST_SECONDS: Final = 30
# They wait until older transactions have ended, and nobody waits behind them meanwhile: only for what changes a table.
_KEEPS_NOBODY_WAITING: Final = re.compile(
    r"\s*(CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY|DROP\s+INDEX\s+CONCURRENTLY|REINDEX\b.*\bCONCURRENTLY"
    r"|ALTER\s+TABLE\b.*\bVALIDATE\s+CONSTRAINT)\b",
    re.IGNORECASE | re.DOTALL,
)


class OutsideSession:
    """A session that is the owner of a schema, in that schema, with no transaction open."""

    def __init__(self, connection: Any, schema: str, seconds_left: Callable[[], float]) -> None:
        """Take the connection, in autocommit mode, and what says how many seconds its worker has left."""
        self._connection = connection
        self._schema = schema
        self._seconds_left = seconds_left

    def send(self, statement: str) -> None:
        """Send one statement; it may be sent again, whatever became of it.

        What an earlier attempt at it has left half built is dropped first. It waits for locks only as long as nobody
        has to wait behind it.

        :raises Conflict: its worker has no time for it, or it did not end in the time that was left
            (`revision_unfinished`).
        :raises TenantryError: the database refused it.
        """
        for name in self._invalid_indexes(statement):
            index = sql.Identifier(self._schema, name).as_string(self._connection)
            self._send_in_time(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
        self._send_in_time(statement)

    def _invalid_indexes(self, text: str) -> list[str]:
        """Name the indexes that could not be built, of those that a text names."""
        with translated(), self._connection.cursor() as cursor:
            cursor.execute(load_sql("revisions/invalid_indexes"), (self._schema,))
            return [name for (name,) in cursor.fetchall() if _names(text, name)]

    def _send_in_time(self, statement: str) -> None:
        seconds = int(min(_STATEMENT_SECONDS, self._seconds_left() - _END_SECONDS))
        if seconds < _LEAST_SECONDS:
            raise _unfinished()
        try:
            self._send(statement, seconds)
        except DatabaseTimeout as exc:
            if seconds < _STATEMENT_SECONDS:
                raise _unfinished() from exc
            raise

    def _send(self, statement: str, seconds: int) -> None:
        keeps_nobody_waiting = _KEEPS_NOBODY_WAITING.match(statement)
        wait = 0 if keeps_nobody_waiting else LOCK_TIMEOUT_MS
        bounded = nullcontext() if keeps_nobody_waiting else bounded_lock_waits(self._connection)
        with bounded, translated(), self._connection.cursor() as cursor:
            cursor.execute(load_sql("revisions/limit_outside"), (f"{wait}ms", f"{seconds}s"))
            cursor.execute(statement)


@contextmanager
def outside_transaction(
    connection: Any, owner_role: str, schema: str, seconds_left: Callable[[], float]
) -> Iterator[OutsideSession]:
    """Make a session the owner's until the block ends.

    :param connection: psycopg2's, in autocommit mode, as somebody who may become `owner_role`.
    :param seconds_left: how many seconds its worker has left.
    :raises TenantryError: the database refused it.
    """
    with translated(), connection.cursor() as cursor:
        path = sql.Identifier(schema).as_string(connection)
        cursor.execute(load_sql("revisions/begin_outside"), (owner_role, path))
    try:
        yield OutsideSession(connection, schema, seconds_left)
    finally:
        if not connection.closed:
            with translated(), connection.cursor() as cursor:
                cursor.execute(load_sql("revisions/end_outside"))


def _unfinished() -> Conflict:
    return Conflict(
        "The time was not enough for a statement outside a transaction.",
        code="revision_unfinished",
        hint="Repeat the call: what it has left half done is dropped, and it is begun anew.",
    )


def _names(text: str, index: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(index)}(?![\w$])", text) is not None

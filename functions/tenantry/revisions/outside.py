"""Runs the statements of a revision that can't stand in a transaction, such as an index that is built concurrently."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from psycopg2 import sql

from tenantry.database.patience import LOCK_TIMEOUT_MS
from tenantry.database.sql_files import load_sql
from tenantry.revisions.version import translated

# Less than a function may run.
_STATEMENT_SECONDS: Final = 780
# They wait until older transactions have ended, and nobody waits behind them meanwhile: only for what changes a table.
_KEEPS_NOBODY_WAITING: Final = re.compile(
    r"\s*(CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY|DROP\s+INDEX\s+CONCURRENTLY|REINDEX\b.*\bCONCURRENTLY"
    r"|ALTER\s+TABLE\b.*\bVALIDATE\s+CONSTRAINT)\b",
    re.IGNORECASE | re.DOTALL,
)


class OutsideSession:
    """A session that is the owner of a schema, in that schema, with no transaction open."""

    def __init__(self, connection: Any, schema: str) -> None:
        """Take the connection, in autocommit mode."""
        self._connection = connection
        self._schema = schema

    def send(self, statement: str) -> None:
        """Send one statement. It waits for locks only as long as nobody has to wait behind it.

        :raises TenantryError: the database refused it.
        """
        wait = 0 if _KEEPS_NOBODY_WAITING.match(statement) else LOCK_TIMEOUT_MS
        with translated(), self._connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", (f"{wait}ms",))
            cursor.execute(statement)

    def drop_invalid_indexes(self, text: str) -> None:
        """Drop what an earlier attempt at these statements has left half built; what they do not name stays.

        :raises TenantryError: the database refused it.
        """
        with translated(), self._connection.cursor() as cursor:
            cursor.execute(load_sql("revisions/invalid_indexes"), (self._schema,))
            names = [name for (name,) in cursor.fetchall() if _names(text, name)]
        for name in names:
            index = sql.Identifier(self._schema, name).as_string(self._connection)
            self.send(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")


@contextmanager
def outside_transaction(connection: Any, owner_role: str, schema: str) -> Iterator[OutsideSession]:
    """Make a session the owner's until the block ends.

    :param connection: psycopg2's, in autocommit mode, as somebody who may become `owner_role`.
    :raises TenantryError: the database refused it.
    """
    with translated(), connection.cursor() as cursor:
        path = sql.Identifier(schema).as_string(connection)
        cursor.execute(load_sql("revisions/begin_outside"), (owner_role, path, f"{_STATEMENT_SECONDS}s"))
    try:
        yield OutsideSession(connection, schema)
    finally:
        if not connection.closed:
            with translated(), connection.cursor() as cursor:
                cursor.execute(load_sql("revisions/end_outside"))


def _names(text: str, index: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(index)}(?![\w$])", text) is not None

"""Transactions as the owner of a schema, in few messages: each is a round trip to a server that may be far away."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.database.patience import CHANGE_SECONDS, LOCK_TIMEOUT_MS
from tenantry.database.sql_files import load_sql
from tenantry.revisions.version import copy_version, look_for_version, translated


class OwnersTransaction:
    """A transaction as a schema's owner, in that schema. It begins with the first message that is sent."""

    def __init__(self, connection: Any, owner_role: str, schema: str) -> None:
        """Take psycopg2's connection, in autocommit mode, as somebody who may become `owner_role`."""
        values = {
            "role": owner_role,
            "path": sql.Identifier(schema).as_string(connection),
            "lock_timeout": f"{LOCK_TIMEOUT_MS}ms",
            "longest": f"{CHANGE_SECONDS}s",
        }
        literals = {name: sql.Literal(value) for name, value in values.items()}
        self._begin = load_sql("revisions/begin_revisions").format(**literals).as_string(connection)
        self._connection = connection
        self._schema = schema
        self._has_ended = False

    def begin(self) -> None:
        """Begin it, if it has not begun: for those who send messages of their own.

        :raises psycopg2.Error: as PostgreSQL gave it.
        """
        if self._begin:
            self.send("")

    def send(self, text: str) -> int:
        """Send statements as one message; returns how many rows the last one has changed.

        :raises psycopg2.Error: as PostgreSQL gave it.
        """
        begin, self._begin = self._begin, ""
        with self._connection.cursor() as cursor:
            cursor.execute(f"{begin}{text}")
            return max(int(cursor.rowcount), 0)

    def revision(self) -> str | None:
        """Tell which revision the schema is at, as `schema_revision`, and end with no effect.

        :raises psycopg2.Error: as PostgreSQL gave it.
        """
        begin, self._begin = self._begin, ""
        with self._connection.cursor() as cursor:
            is_table, _ = look_for_version(cursor, self._schema, begin)
            found = copy_version(cursor, self._schema) if is_table else None
        # This also restores the setting with which it was read.
        self.end("ROLLBACK")
        return found

    def end(self, how: str) -> None:
        """Send `COMMIT` or `ROLLBACK`, if it has begun and has not ended. :raises psycopg2.Error: as above."""
        if not self._begin and not self._has_ended:
            self._has_ended = True
            self.send(how)


@contextmanager
def owners_transaction(connection: Any, owner_role: str, schema: str) -> Iterator[OwnersTransaction]:
    """Be the owner of a schema, in that schema, until the transaction ends with the block: well, or with no effect.

    :param connection: psycopg2's, in autocommit mode, as somebody who may become `owner_role`.
    :raises TenantryError: the database refused a statement, or has gone.
    """
    transaction = OwnersTransaction(connection, owner_role, schema)
    with translated():
        try:
            yield transaction
        except BaseException:
            with suppress(psycopg2.Error):
                transaction.end("ROLLBACK")
            raise
        transaction.end("COMMIT")

"""Reads, in a snapshot, what a tenant's owner may not: others' tables and sequences, and everybody's large objects.

This is a session of the login that reads everything in a tenant's database. No statement here names anything of the
tenant's where PostgreSQL would plan it: tables are copied, sequences are found by their OIDs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Self

import psycopg2
from psycopg2 import sql

from tenantry.contents.access import Access, begin
from tenantry.contents.copied_rows import digest_copied
from tenantry.contents.digest import digest_large_objects
from tenantry.contents.inventory import Unreadable
from tenantry.contents.passing import Execute, passing
from tenantry.contents.watch import Watch
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.content import ContentTable, TableContent
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import StatementFailed
from tenantry.domain.tenant import Home

_NOBODY = "none"
# Of a value whose row is fetched. It is in this worker's memory some times over, with two digits for each byte.
MOST_STORED_BYTES = 128 << 20
_PIECE_BYTES = 2000


class Withheld(NamedTuple):
    """What was read, by name; `large_objects` is None if they could not be."""

    tables: dict[str, TableContent]
    sequences: dict[str, str]
    large_objects: TableContent | None


class WithheldReader:
    """What only the login of dumps may read of a database, as a snapshot shows it."""

    def __init__(self, home: Home, login: Credentials, settings: ConnectSettings, snapshot: str) -> None:
        """Log in, and look at a snapshot that another session has exported.

        :raises TenantryError: the server refused.
        """
        login = replace(login, schema="pg_catalog")
        access = Access(replace(home, schema="pg_catalog"), login, _NOBODY)
        self._connection = connect(login, settings)
        try:
            with _translated():
                begin(self._connection, access, "ISOLATION LEVEL REPEATABLE READ READ ONLY", snapshot)
        except BaseException:
            self.close()
            raise

    def read(self, what: Unreadable, watch: Watch, *, large_objects: bool) -> Withheld:
        """Count and digest tables by the lines that COPY writes, read sequences, and digest everybody's large objects.

        :param large_objects: whether to digest those: in a database of the tenant's own.
        :raises TenantryError: the server refused, and the watch is a strict one.
        """
        connection = self._connection
        with _translated():
            tables = {}
            for name, table in what.tables.items():
                if found := watch.attempt(connection, partial(self._digest, table)):
                    tables[name] = found
                    watch.done()
            sequences = watch.attempt(connection, lambda: self._sequences(what.sequences)) or {}
            objects = watch.attempt(connection, lambda: digest_large_objects(connection)) if large_objects else None
            return Withheld(tables, sequences, objects)

    def _digest(self, table: ContentTable) -> TableContent:
        with passing(self._connection) as execute:
            if _is_too_long(execute, table):
                raise StatementFailed(
                    "A row is too long to be fetched in order to be counted.",
                    code="rows_too_long",
                    details=f"{table.schema}.{table.name}",
                    hint="Let the tenant's owner read the table: what it may read is counted where it lies.",
                )
        return digest_copied(self._connection, table)

    def _sequences(self, sequences: Mapping[str, int]) -> dict[str, str]:
        """Read the states of sequences, which are given by their OIDs."""
        found = {}
        with passing(self._connection) as execute:
            for name, oid in sequences.items():
                # One that was dropped meanwhile is noticed by whoever compares the tables with the snapshot.
                for value, called in execute(load_sql("contents/sequence_value"), (oid,)).fetchall():
                    found[name] = f"{value} {called}"
        return found

    def cancel(self) -> None:
        """Stop what runs in another thread. :raises psycopg2.Error: the session has ended."""
        self._connection.cancel()

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_too_long(execute: Execute, table: ContentTable) -> bool:
    """Whether a value of the table is too long to be fetched, by the number of the pieces that it is stored in.

    Such pieces have an index of PostgreSQL's alone, so a query of them evaluates nothing of the tenant's.
    """
    for name, size in execute(load_sql("backups/toast_of"), (table.oid,)).fetchall():
        if size >= MOST_STORED_BYTES:
            asked = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE chunk_seq >= {})")
            pieces = sql.Literal(MOST_STORED_BYTES // _PIECE_BYTES)
            return bool(execute(asked.format(sql.Identifier("pg_toast", name), pieces)).fetchone()[0])
    return False


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as exc:
        raise translate(exc) from exc

"""Reads, in a snapshot, what a tenant's owner may not: others' tables and sequences, and everybody's large objects.

This is a session of the login that reads everything in a tenant's database. No statement here names anything of the
tenant's where PostgreSQL would plan it: tables are copied, sequences are found by their OIDs.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

import psycopg2

from tenantry.contents.copied_rows import digest_copied
from tenantry.contents.digest import Access, begin, digest_large_objects
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.content import ContentTable, TableContent
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Home

_NOBODY = "none"


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

    def tables(
        self, tables: Mapping[str, ContentTable], done: Callable[[], object] = lambda: None
    ) -> dict[str, TableContent]:
        """Count and digest tables by the lines that COPY writes. :raises TenantryError: the server refused."""
        found = {}
        with _translated():
            for name, table in tables.items():
                found[name] = digest_copied(self._connection, table)
                done()
        return found

    def sequences(self, sequences: Mapping[str, int]) -> dict[str, str]:
        """Read the states of sequences, which are given by their OIDs. :raises TenantryError: the server refused."""
        found = {}
        with _translated(), self._connection.cursor() as cursor:
            for name, oid in sequences.items():
                cursor.execute(load_sql("contents/sequence_value"), (oid,))
                # One that was dropped meanwhile is noticed by whoever compares the tables with the snapshot.
                for value, called in cursor.fetchall():
                    found[name] = f"{value} {called}"
        return found

    def large_objects(self) -> TableContent:
        """Count and digest everybody's large objects. :raises TenantryError: the server refused."""
        with _translated():
            return digest_large_objects(self._connection)

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


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as exc:
        raise translate(exc) from exc

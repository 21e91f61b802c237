"""A snapshot of one tenant's database, held open while it is dumped and counted."""

from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.adapters.postgres import ConnectSettings, check_identity, connect
from tenantry.adapters.sql_errors import translate
from tenantry.adapters.sql_files import load_sql
from tenantry.domain.backup import DatabaseFacts, TableRows
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, TenantryError
from tenantry.domain.tenant import TenantId, owner_role


class Snapshot:
    """A read-only transaction whose snapshot pg_dump can see by its name."""

    def __init__(self, tenant_id: TenantId, credentials: Credentials, settings: ConnectSettings) -> None:
        """Log in as the tenant, check whose database it is, and take the snapshot as the tenant's owner.

        :raises DatabaseUnavailable, IdentityMismatch, StatementFailed: it could not be taken.
        """
        self._connection = connect(credentials, settings)
        try:
            check_identity(self._connection, tenant_id)
            with self._connection.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
                # A policy that hides rows makes this fail, instead of a count that agrees with an incomplete dump.
                cursor.execute("SET LOCAL row_security = off")
                cursor.execute("SELECT pg_export_snapshot()")
                self.name: str = cursor.fetchone()[0]
                cursor.execute(load_sql("database_facts"))
                name, version, size, encoding = cursor.fetchone()
        except psycopg2.Error as exc:
            self._connection.close()
            raise translate(exc) from exc
        except TenantryError:
            self._connection.close()
            raise
        self.facts = DatabaseFacts(name=name, server_version=version, size_bytes=size, encoding=encoding)

    def count_rows(self) -> list[TableRows]:
        """Count the rows of every table, as the dump sees them.

        :raises TenantryError: the database refused or went away.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(load_sql("list_tables"))
                return [TableRows(schema=s, table=t, rows=_count(cursor, s, t)) for s, t in cursor.fetchall()]
        except psycopg2.Error as exc:
            raise translate(exc) from exc

    def cancel(self) -> None:
        """Stop a count that runs in another thread."""
        try:
            self._connection.cancel()
        except psycopg2.Error:
            # It ended by itself, or its server is gone.
            return

    def close(self) -> None:
        """End the transaction, and with it the snapshot and its locks."""
        self._connection.close()


def _count(cursor: Any, schema: str, table: str) -> int:
    cursor.execute(sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(schema, table)))
    return int(cursor.fetchone()[0])


def terminate_backends(credentials: Credentials, application_name: str, settings: ConnectSettings) -> None:
    """End the tenant's sessions of that application name; a server that is gone has none."""
    try:
        with closing(connect(credentials, settings)) as connection, connection.cursor() as cursor:
            cursor.execute(load_sql("terminate_backends"), (application_name,))
    except (DatabaseUnavailable, psycopg2.Error):
        return

"""A snapshot of one tenant's database, held open while it is dumped and counted."""

from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.adapters.login_admin import login_names
from tenantry.adapters.postgres import ConnectSettings, check_identity, connect
from tenantry.adapters.sql_errors import translate
from tenantry.adapters.sql_files import load_sql
from tenantry.domain.backup import DatabaseFacts, TableRows
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BackupFailed, DatabaseUnavailable, TenantryError
from tenantry.domain.tenant import TENANT_ROLES, Isolation, TenantId, database_role, owner_role


class Snapshot:
    """A read-only transaction whose snapshot pg_dump can see by its name."""

    def __init__(self, tenant_id: TenantId, credentials: Credentials, settings: ConnectSettings) -> None:
        """Log in as the tenant, check whose database it is, and take the snapshot as the tenant's owner.

        :raises DatabaseUnavailable, IdentityMismatch, StatementFailed: it could not be taken.
        """
        self._tenant_id = tenant_id
        self._isolation = credentials.isolation
        self._schema = sql.Literal(credentials.schema)
        self._connection = connect(credentials, settings)
        try:
            check_identity(self._connection, tenant_id)
            with self._connection.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
                if self._isolation is not Isolation.POOLED:
                    # A policy that hides rows makes this fail, not a count that agrees with an incomplete dump.
                    cursor.execute("SET LOCAL row_security = off")
                cursor.execute("SELECT pg_export_snapshot()")
                self.name: str = cursor.fetchone()[0]
                cursor.execute(self._facts())
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

        :raises BackupFailed: the tenant has rows that the dump does not see, or large objects in a shared database.
        :raises TenantryError: the database refused or went away.
        """
        try:
            with self._connection.cursor() as cursor:
                if self._isolation is not Isolation.DATABASE:
                    self._refuse_large_objects(cursor)
                cursor.execute(load_sql("list_tables").format(scope=self._scope()))
                counted = [TableRows(schema=s, table=t, rows=_count(cursor, s, t)) for s, t in cursor.fetchall()]
                if self._isolation is Isolation.POOLED:
                    _require_all(cursor, counted)
                return counted
        except psycopg2.Error as exc:
            raise translate(exc) from exc

    def _facts(self) -> sql.Composable:
        if self._isolation is Isolation.DATABASE:
            return load_sql("database_facts")
        return load_sql("shared_database_facts").format(schema=self._schema)

    def _scope(self) -> sql.Composable:
        """Say which tables are the tenant's, as a condition."""
        if self._isolation is Isolation.DATABASE:
            return sql.SQL("true")
        if self._isolation is Isolation.SCHEMA:
            return sql.SQL("n.nspname = {}").format(self._schema)
        of_tenants = "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')"
        return sql.SQL(f"n.nspname = {{}} AND {of_tenants}").format(self._schema)

    def _refuse_large_objects(self, cursor: Any) -> None:
        """They lie in no schema, so a dump of one schema has none."""
        roles = [*login_names(self._tenant_id), *(database_role(self._tenant_id, role) for role in TENANT_ROLES)]
        cursor.execute(load_sql("large_objects_of"), (roles,))
        if cursor.fetchone()[0]:
            raise BackupFailed(
                "The tenant has large objects, which can't be backed up from a shared database.",
                code="large_objects",
                hint="Give the tenant a database of its own, or store them as bytea.",
            )

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


def _require_all(cursor: Any, counted: list[TableRows]) -> None:
    """Compare with what the tenant has, which does not depend on what its policies let it see."""
    cursor.execute("SELECT relation, rows FROM tenantry.own_rows()")
    if dict(cursor.fetchall()) != {table.table: table.rows for table in counted}:
        raise BackupFailed(
            "The tenant has rows that it can't see, so nothing was published.",
            code="rows_hidden",
            hint="Look at the policies of the shared tables: the isolation report names those that are wrong.",
        )


def terminate_backends(credentials: Credentials, application_name: str, settings: ConnectSettings) -> None:
    """End the tenant's sessions of that application name; a server that is gone has none."""
    try:
        with closing(connect(credentials, settings)) as connection, connection.cursor() as cursor:
            cursor.execute(load_sql("terminate_backends"), (application_name,))
    except (DatabaseUnavailable, psycopg2.Error):
        return

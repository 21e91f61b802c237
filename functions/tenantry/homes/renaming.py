"""Renames a tenant's home after a new tenant id, in each isolation model; its contents stay where they are.

The tenant's roles have to have their new names already, and no session of theirs may be open.
"""

from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, in_transaction
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import IdentityMismatch, NotFound
from tenantry.domain.tenant import SCHEMAS_DATABASE, Home, Isolation, TenantId
from tenantry.homes.detached import rename_detached
from tenantry.homes.pool_shape import POOL_ROLE
from tenantry.homes.sessions import end_sessions
from tenantry.homes.shared_database import SharedDatabase


def rename_home(connect: AdminConnect, old: TenantId, new: TenantId, before: Home, after: Home) -> dict[str, int]:
    """Rename a home; a home that has been renamed stays as it is.

    :returns: for shared tables, the number of changed rows, under `rows`.
    :raises NotFound: the home exists under neither name.
    :raises IdentityMismatch: the home names another tenant.
    :raises TenantryError: the server refused; the home has its old name.
    """
    match before.isolation:
        case Isolation.DATABASE:
            _rename_database(connect, old, new, before.database, after.database)
        case Isolation.SCHEMA:
            _rename_schema(connect, old, new, before, after)
        case Isolation.POOLED:
            return {"rows": _rename_rows(connect, old, new, before)}
    return {}


def find_schema(connect: AdminConnect, tenant_id: TenantId) -> list[str]:
    """Return the name of the schema that a tenant of this id would get, if that schema exists.

    :raises TenantryError: the server refused.
    """
    with closing(connect(SCHEMAS_DATABASE)) as connection, connection.cursor() as cursor:
        return [f"schema {tenant_id}"] if _has_schema(cursor, tenant_id.value) else []


def find_rows(connect: AdminConnect, tenant_id: TenantId, home: Home) -> list[str]:
    """List the shared tables that already have rows of a tenant of this id; empty for a home outside the pool.

    :raises TenantryError: the server refused.
    """
    if home.isolation is not Isolation.POOLED:
        return []
    with closing(connect(home.database)) as connection, connection.cursor() as cursor:
        _become_pool(cursor)
        tables = _pooled_tables(cursor, home.schema)
        return [f"rows in {table}" for table in tables if _has_rows(cursor, home.schema, table, tenant_id)]


def _rename_database(connect: AdminConnect, old: TenantId, new: TenantId, before: str, after: str) -> None:
    names: dict[str, sql.Composable] = {
        "before": sql.Identifier(before),
        "after": sql.Identifier(after),
        "tenant_id": sql.Literal(new.value),
    }
    script = "ALTER DATABASE {after} SET tenantry.tenant_id = {tenant_id}"
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        if before != after and _says(cursor, before, (old.value, new.value)):
            # A rename waits some seconds for open sessions, and then fails.
            end_sessions(connect, before)
            execute(cursor, load_sql("homes/rename_database").format(**names))
        elif _says(cursor, after, (old.value, new.value)):
            execute(cursor, sql.SQL(script).format(**names))
        else:
            raise NotFound(
                "The tenant's database is not there.",
                code="database_missing",
                hint="Make the database again under either name, or restore it, and repeat the call.",
            )


def _says(cursor: Any, database: str, expected: tuple[str, ...]) -> bool:
    """Whether a database exists. :raises IdentityMismatch: it exists and names none of these tenants."""
    execute(cursor, load_sql("homes/database_identity"), (database,))
    found = cursor.fetchone()
    if found and found[1] not in expected:
        raise IdentityMismatch()
    return found is not None


def _rename_schema(connect: AdminConnect, old: TenantId, new: TenantId, before: Home, after: Home) -> None:

    def work(cursor: Any) -> None:
        rename_detached(cursor, old, new)
        if _has_schema(cursor, before.schema):
            rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
            execute(cursor, rename.format(sql.Identifier(before.schema), sql.Identifier(after.schema)))
        elif not _has_schema(cursor, after.schema):
            raise NotFound(
                "The tenant's schema is not there.",
                code="schema_missing",
                hint="Make the schema again under either name, or restore it, and repeat the call.",
            )
        SharedDatabase(connect, before.database).identify(cursor, new, after.schema)

    in_transaction(connect, before.database, work, shared=True)


def _has_schema(cursor: Any, schema: str) -> bool:
    execute(cursor, "SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))
    return cursor.fetchone() is not None


def _rename_rows(connect: AdminConnect, old: TenantId, new: TenantId, home: Home) -> int:
    """Give the tenant's rows and logins the new id, in one transaction; returns the number of rows."""

    def work(cursor: Any) -> int:
        changed = 0
        SharedDatabase(connect, home.database).identify(cursor, new, home.schema)
        _become_pool(cursor)
        # Rows that refer to each other are changed one table after the other.
        execute(cursor, "SET CONSTRAINTS ALL DEFERRED; SET LOCAL statement_timeout = '10min'")
        for table in _pooled_tables(cursor, home.schema):
            update = sql.SQL("UPDATE {} SET tenant_id = %s WHERE tenant_id = %s")
            execute(cursor, update.format(sql.Identifier(home.schema, table)), (new.value, old.value))
            changed += cursor.rowcount
        return changed

    return in_transaction(connect, home.database, work, shared=True)


def _become_pool(cursor: Any) -> None:
    """Take the role that owns the shared tables and sees every tenant's rows, until the transaction or session ends."""
    execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(POOL_ROLE)))


def _pooled_tables(cursor: Any, schema: str) -> list[str]:
    execute(cursor, load_sql("homes/rename_tables"), (schema,))
    return [name for (name,) in cursor.fetchall()]


def _has_rows(cursor: Any, schema: str, table: str, tenant_id: TenantId) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE tenant_id = %s LIMIT 1").format(sql.Identifier(schema, table))
    execute(cursor, query, (tenant_id.value,))
    return cursor.fetchone() is not None

"""Ends sessions with certainty, and keeps a tenant's logins from writing in one database."""

import time
from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, known_roles
from tenantry.database.logins import backup_logins, login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import TenantId

_PATIENCE_SECONDS = 10.0


def end_sessions(connect: AdminConnect, database: str, logins: tuple[str, ...] = ()) -> None:
    """End the sessions of these logins in a database, or everybody's, that have begun, and wait until they are gone.

    A login that was let in before this call and has not come so far as to be listed is waited for too: it may have
    read its settings before they were changed.

    :raises Conflict: sessions remain after ten seconds; the same call may be repeated.
    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        end_sessions_beside(cursor, database, logins)


def end_sessions_beside(cursor: Any, database: str, logins: tuple[str, ...] = ()) -> None:
    """As `end_sessions`, from an administrator's session in the database `postgres`, in autocommit mode."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    names: dict[str, sql.Composable] = {"database": sql.Literal(database), "logins": sql.Literal(list(logins))}

    def ask(query: str) -> tuple[Any, ...]:
        execute(cursor, load_sql(f"homes/{query}").format(**names))
        found: tuple[Any, ...] = cursor.fetchone()
        return found

    awaited, since = ask("starting_sessions")
    names["since"] = sql.Literal(since)
    # Who ends everybody's sessions does not count them: there is always somebody to be ended.
    if logins and not awaited and not ask("open_sessions")[0]:
        return
    while True:
        execute(cursor, load_sql("homes/end_sessions").format(**names))
        awaited = set(awaited) & set(ask("starting_sessions")[0])
        if not ask("open_sessions")[0] and not awaited:
            return
        if time.monotonic() > deadline:
            raise Conflict("Sessions of the tenant's do not end.", code="sessions_remain", hint="Repeat the call.")
        execute(cursor, "SELECT pg_sleep(0.01)")


def fence(connect: AdminConnect, tenant_id: TenantId, database: str) -> None:
    """Let a tenant's logins only read in a database from now on, and end the sessions that began before.

    :raises TenantryError: as above.
    """
    _set_read_only(connect, tenant_id, database, sql.SQL("SET default_transaction_read_only = on"))


def unfence(connect: AdminConnect, tenant_id: TenantId, database: str) -> None:
    """Let a tenant's logins write in a database again. :raises TenantryError: as above."""
    _set_read_only(connect, tenant_id, database, sql.SQL("RESET default_transaction_read_only"))


def _set_read_only(connect: AdminConnect, tenant_id: TenantId, database: str, change: sql.Composable) -> None:
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        alter_logins(cursor, tenant_id, database, change)
    end_sessions(connect, database, login_names(tenant_id))


def alter_logins(cursor: Any, tenant_id: TenantId, database: str, *changes: sql.Composable) -> None:
    """Change settings that a tenant's logins, and those for its backups, have in a database.

    :raises TenantryError: the server refused.
    """
    logins = known_roles(cursor, [*login_names(tenant_id), *backup_logins(tenant_id)])
    if logins:
        place = sql.SQL("ALTER ROLE {} IN DATABASE {} {}")
        statements = [
            place.format(sql.Identifier(login), sql.Identifier(database), change)
            for login in logins
            for change in changes
        ]
        execute(cursor, sql.SQL("; ").join(statements))

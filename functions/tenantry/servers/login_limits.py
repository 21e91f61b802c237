"""Limits both logins of a tenant on their server: the number of sessions, and the time of one statement."""

from contextlib import closing

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, join_roles, known_roles
from tenantry.database.logins import login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import NotFound
from tenantry.domain.tenant import Limits, TenantId


def set_login_limits(connect: AdminConnect, tenant_id: TenantId, limits: Limits) -> None:
    """Set the limits of a tenant's logins; they apply to sessions that begin after this.

    Both logins get them, so a rotation changes nothing. The time limit is a setting of the login, which any
    administrator may set; the data plane looks it up when it connects.

    :raises NotFound: a login is missing (`role_missing`).
    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        if missing := {*login_names(tenant_id)} - {*known_roles(cursor, login_names(tenant_id))}:
            raise NotFound(
                "The server does not have both of the tenant's logins.",
                code="role_missing",
                details=", ".join(sorted(missing)),
                hint="Repeat the call that makes or adopts the tenant: it makes what is missing.",
            )
        for login in map(sql.Identifier, login_names(tenant_id)):
            bound = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
            execute(cursor, bound.format(login, sql.Literal(limits.connections)))
            if limits.statement_timeout_ms:
                timeout = sql.SQL("ALTER ROLE {} SET statement_timeout = {}")
                execute(cursor, timeout.format(login, sql.Literal(limits.statement_timeout_ms)))
            else:
                execute(cursor, sql.SQL("ALTER ROLE {} RESET statement_timeout").format(login))


def end_idle_sessions(connect: AdminConnect, tenant_id: TenantId) -> None:
    """End the sessions of a tenant's logins that have been idle for a second, so that new limits apply.

    No request fails because of this: a client whose session has ended connects again.

    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        join_roles(cursor, login_names(tenant_id))
        logins = sql.Literal(list(login_names(tenant_id)))
        execute(cursor, load_sql("servers/end_idle_sessions").format(logins=logins))

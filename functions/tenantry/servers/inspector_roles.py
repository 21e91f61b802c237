"""Makes and removes inspectors: logins on one server that look into a tenant's database for some hours."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from tenantry.database.admin_sql import AdminConnect, execute, join_roles, run
from tenantry.database.marks import tenant_marks
from tenantry.database.sql_files import load_sql
from tenantry.domain.credentials import Credentials
from tenantry.domain.pgadmin import Inspector, inspected_tenant, inspector_pattern
from tenantry.domain.tenant import Isolation, Role, TenantId, database_role

# pgAdmin opens one session for its tree and one for each query window.
_CONNECTIONS = 5
_STATEMENT_TIMEOUT_MS = 60_000
_IDLE_TIMEOUT_MS = 300_000
_TRANSACTION_TIMEOUT_SINCE = 170000


class InspectorRoles:
    """Makes and removes inspectors on one server."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take the function that connects as the server's administrator."""
        self._connect = connect

    def make(self, inspector: Inspector, home: Credentials, password: str, until: datetime) -> None:
        """Make a login, in one transaction; only a SCRAM verifier of the password is sent.

        :param home: the tenant's own credentials, which name its home.
        :param until: the time from which PostgreSQL refuses the password.
        :raises TenantryError: the server refused; no login was made.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            verifier = encrypt_password(password, inspector.login, connection, "scram-sha-256")
            statements = load_sql("servers/make_inspector").format(
                login=sql.Identifier(inspector.login),
                viewer=sql.Identifier(database_role(TenantId(inspector.tenant), Role.VIEWER)),
                database=sql.Identifier(inspector.database),
                schema=sql.Identifier(home.schema),
                verifier=sql.Literal(verifier),
                until=sql.Literal(until.astimezone(UTC).isoformat()),
                connections=sql.Literal(_CONNECTIONS),
                statement_timeout=sql.Literal(_STATEMENT_TIMEOUT_MS),
                idle_timeout=sql.Literal(_IDLE_TIMEOUT_MS),
                mark=sql.Literal(tenant_marks(cursor, TenantId(inspector.tenant))[0]),
            )
            if connection.server_version >= _TRANSACTION_TIMEOUT_SINCE:
                statements += sql.SQL("; ALTER ROLE {} SET transaction_timeout = 0").format(
                    sql.Identifier(inspector.login)
                )
            if home.isolation is not Isolation.DATABASE:
                # A shared database does not name its tenant, so each login has to.
                identity = sql.SQL("; ALTER ROLE {} SET tenantry.tenant_id = {}")
                statements += identity.format(sql.Identifier(inspector.login), sql.Literal(inspector.tenant))
            _require_rights(cursor, inspector.database)
            execute(cursor, load_sql("homes/lock_database_rights") + statements)

    def drop(self, login: str) -> None:
        """End a login's sessions and drop it, with all that it was granted and made; a missing login counts as dropped.

        Another's role that has such a name is left as it is.

        :raises TenantryError: the server refused; the login may already be unable to log in.
        """
        name = sql.Identifier(login)
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            if login not in inspectors_of(cursor, inspected_tenant(login)):
                return
            databases = _traces(cursor, login)
            join_roles(cursor, [login])
            execute(cursor, load_sql("servers/end_inspector").format(login=name, name=sql.Literal(login)))
            drop_owned = sql.SQL("DROP OWNED BY {}").format(name)
            for database in databases:
                run(self._connect, database, drop_owned)
            # Once more here, for the right to connect: it belongs to the server, not to one database.
            drop = sql.SQL("{}; DROP ROLE {}").format(drop_owned, name)
            execute(cursor, load_sql("homes/lock_database_rights") + drop)


def inspectors_of(cursor: Any, tenant_id: TenantId) -> list[str]:
    """List a tenant's inspectors. :raises TenantryError: the server refused."""
    execute(cursor, load_sql("servers/own_inspectors"), (inspector_pattern(tenant_id), tenant_marks(cursor, tenant_id)))
    return [name for (name,) in cursor.fetchall()]


def _require_rights(cursor: Any, database: str) -> None:
    """Join the database's owner, so that an administrator who is no superuser may grant the right to connect."""
    execute(cursor, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", (database,))
    if found := cursor.fetchone():
        join_roles(cursor, [found[0]])


def _traces(cursor: Any, login: str) -> list[str]:
    execute(cursor, load_sql("servers/inspector_traces"), (login,))
    found = cursor.fetchone()
    return found[0] if found else []

"""Reads the tenants' content of a PostgreSQL server: a few queries as administrator, and a session as each tenant."""

from contextlib import closing
from dataclasses import replace
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import execute
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.identity import check_identity
from tenantry.database.sql_files import load_sql
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE, TenantId, owner_role
from tenantry.reports.drift.fleet import DatabaseOnServer, ReadOnlySetting, RoleOnServer, ServerContent
from tenantry.revisions.version import schema_revision
from tenantry.servers.running_server import running_server

_CONNECT = ConnectSettings(
    connect_timeout=5, statement_timeout_ms=30_000, application_name="tenantry-drift", administers=True
)


class ServerInventory:
    """Reads the catalogues of one server as its administrator; changes nothing."""

    def __init__(self, administrator: Credentials) -> None:
        """Take the administrator's credentials; their database does not matter."""
        # With this search path, no function or operator that a tenant made can run with the administrator's rights.
        self._administrator = replace(administrator, schema="pg_catalog")

    def read(self) -> ServerContent:
        """Read the server's content, in four queries and one in each shared database.

        :raises TenantryError: the server can't be reached, or refused the login or a query.
        """
        with closing(self._open("postgres")) as connection:
            databases = [DatabaseOnServer(*row) for row in _query(connection, "drift_databases")]
            roles = [RoleOnServer(*row) for row in _query(connection, "drift_roles")]
            read_only = [ReadOnlySetting(*row) for row in _query(connection, "drift_read_only")]
            running = running_server(connection)
        names = {database.name for database in databases}
        return ServerContent(
            databases,
            roles,
            read_only,
            schemas=self._schemas() if SCHEMAS_DATABASE in names else [],
            pool_revision=self._pool_revision() if POOL_DATABASE in names else None,
            running=running,
        )

    def _schemas(self) -> list[str]:
        with closing(self._open(SCHEMAS_DATABASE)) as connection:
            return [name for (name,) in _query(connection, "drift_schemas")]

    def _pool_revision(self) -> str | None:
        with closing(self._open(POOL_DATABASE)) as connection:
            return schema_revision(connection, "public")

    def _open(self, database: str) -> Any:
        return connect(replace(self._administrator, dbname=database), _CONNECT)


def open_as_tenant(tenant_id: TenantId, credentials: Credentials) -> Any:
    """Log in as a tenant, and check which tenant the database names; the session is in autocommit mode.

    :raises DatabaseUnavailable: the login was refused, with the SQLSTATE, or no server answered (08001).
    :raises IdentityMismatch: the database names another tenant.
    :raises TenantryError: the database refused a query.
    """
    connection = connect(credentials, _CONNECT)
    try:
        check_identity(connection, tenant_id)
    except TenantryError:
        connection.close()
        raise
    return connection


def read_revision(connection: Any, tenant_id: TenantId, schema: str) -> str | None:
    """Read the revision of a tenant's own schema as its owner; None if no migration was ever run.

    :raises TenantryError: the database refused a query.
    """
    with connection.cursor() as cursor:
        execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
    return schema_revision(connection, schema)


def _query(connection: Any, name: str) -> list[Any]:
    with connection.cursor() as cursor:
        execute(cursor, load_sql(f"reports/drift/{name}"))
        return list(cursor.fetchall())

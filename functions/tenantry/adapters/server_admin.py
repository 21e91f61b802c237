"""What an administrator does on one PostgreSQL server: roles, databases, grants. Every step may be repeated."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from tenantry.adapters.sql_errors import translate
from tenantry.adapters.sql_files import load_sql
from tenantry.domain.tenant import Role, TenantId, database_role

# Opens a connection in autocommit mode to the database of that name, as the server's administrator.
type AdminConnect = Callable[[str], Any]

_NO_ATTRIBUTES = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


class ServerAdmin:
    """Makes tenants' roles and databases on one server."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take how to connect."""
        self._connect = connect

    def close_maintenance_databases(self) -> None:
        """Take PUBLIC's right to connect to the databases that every server has.

        :raises TenantryError: the server refused.
        """
        self._run("postgres", [load_sql("close_maintenance_databases")])

    def make_roles(self, tenant_id: TenantId, login: str, password: str, connection_limit: int) -> None:
        """Make a tenant's owner, editor, viewer and login; the password travels as a SCRAM verifier only.

        :raises TenantryError: the server refused.
        """
        names = _role_names(tenant_id)
        with closing(self._connect("postgres")) as connection:
            verifier = encrypt_password(password, login, connection, "scram-sha-256")
            with connection.cursor() as cursor:
                for role in names.values():
                    _ensure_role(cursor, role, sql.SQL(f"NOLOGIN NOINHERIT {_NO_ATTRIBUTES}"))
                attributes = sql.SQL(f"LOGIN NOINHERIT {_NO_ATTRIBUTES} CONNECTION LIMIT {{}} PASSWORD {{}}").format(
                    sql.Literal(connection_limit), sql.Literal(verifier)
                )
                _ensure_role(cursor, login, attributes)
                grants = load_sql("grant_roles").format(
                    login=sql.Identifier(login),
                    **{kind: sql.Identifier(name) for kind, name in names.items()},
                )
                _execute(cursor, grants)

    def make_database(self, tenant_id: TenantId, database: str, login: str) -> None:
        """Make a tenant's database, which its login alone may connect to and which says whose it is.

        :raises TenantryError: the server refused.
        """
        name, owner = sql.Identifier(database), sql.Identifier(_role_names(tenant_id)["owner"])
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            _execute(cursor, "SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                create = sql.SQL(
                    "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' ALLOW_CONNECTIONS false"
                )
                _execute(cursor, create.format(name, owner))
            statements = load_sql("open_database").format(
                database=name, login=sql.Identifier(login), tenant_id=sql.Literal(tenant_id.value)
            )
            _execute(cursor, statements)

    def grant_schema(self, tenant_id: TenantId, database: str, schema: str) -> None:
        """Give the tenant's owner its schema, and editor and viewer their rights in it.

        :raises TenantryError: the server refused.
        """
        names = {kind: sql.Identifier(name) for kind, name in _role_names(tenant_id).items()}
        self._run(database, [load_sql("grant_schema").format(schema=sql.Identifier(schema), **names)])

    def _run(self, database: str, statements: list[sql.Composable]) -> None:
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                _execute(cursor, statement)


def _role_names(tenant_id: TenantId) -> dict[str, str]:
    kinds = {"owner": Role.ADMIN, "editor": Role.EDITOR, "viewer": Role.VIEWER}
    return {kind: database_role(tenant_id, role) for kind, role in kinds.items()}


def _ensure_role(cursor: Any, name: str, attributes: sql.Composable) -> None:
    _execute(cursor, "SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
    verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
    _execute(cursor, sql.SQL("{} ROLE {} WITH {}").format(verb, sql.Identifier(name), attributes))


def _execute(cursor: Any, statement: Any, values: tuple[Any, ...] | None = None) -> None:
    try:
        cursor.execute(statement, values)
    except psycopg2.Error as exc:
        raise translate(exc) from exc

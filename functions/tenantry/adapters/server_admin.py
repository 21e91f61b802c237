"""What an administrator does on one PostgreSQL server: roles, databases, grants. Every step may be repeated."""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from tenantry.adapters.login_admin import login_names
from tenantry.adapters.migrations import (
    TEMPLATE_ROLE,
    VERSION_TABLE,
    TemplateDatabases,
    head_revision,
    schema_revision,
    upgrade_schema,
)
from tenantry.adapters.sql_errors import translate
from tenantry.adapters.sql_files import load_sql
from tenantry.domain.errors import Conflict, StatementFailed
from tenantry.domain.tenant import Role, TenantId, database_role

# Opens a connection in autocommit mode to the database of that name, as the server's administrator.
type AdminConnect = Callable[[str], Any]

DATABASE_BUSY = "database_busy"
_LOCK_NOT_AVAILABLE = "55P03"
_NO_ATTRIBUTES = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server as its administrator sees it; times in seconds since 1970, by its clock and by ours."""

    asked_at: float
    version: str
    version_number: int
    tls: bool
    max_connections: int
    used_connections: int
    clock: float
    may_make_tenants: bool


@dataclass(frozen=True, slots=True)
class AdoptionFacts:
    """A database that may become a tenant's: whose it says it is, and whether its user is others' too."""

    tenant_id: str
    is_the_servers: bool
    has_schema: bool
    user_is_shared: bool


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
        """Make a tenant's owner, editor, viewer and two logins; the password travels as a SCRAM verifier only.

        :param login: the one in use. The other keeps its password, or has none, until a rotation gives it one.
        :raises TenantryError: the server refused.
        """
        names = _role_names(tenant_id)
        with closing(self._connect("postgres")) as connection:
            verifier = encrypt_password(password, login, connection, "scram-sha-256")
            with connection.cursor() as cursor:
                for role in names.values():
                    _ensure_role(cursor, role, sql.SQL(f"NOLOGIN NOINHERIT {_NO_ATTRIBUTES}"))
                attributes = sql.SQL(f"LOGIN NOINHERIT {_NO_ATTRIBUTES} CONNECTION LIMIT {{}}").format(
                    sql.Literal(connection_limit)
                )
                for name in login_names(tenant_id):
                    _ensure_role(cursor, name, attributes)
                set_password = sql.SQL("ALTER ROLE {} PASSWORD {}")
                _execute(cursor, set_password.format(sql.Identifier(login), sql.Literal(verifier)))
                grants = load_sql("grant_roles").format(
                    login=_logins(tenant_id),
                    **{kind: sql.Identifier(name) for kind, name in names.items()},
                )
                _execute(cursor, grants)

    def make_database(self, tenant_id: TenantId, database: str) -> None:
        """Make a tenant's database, which its logins alone may connect to and which says whose it is.

        It is copied from the template of the newest revision, so its tables are there at once.

        :raises Conflict: there is a database of that name which is not the tenant's.
        :raises TenantryError: the server refused.
        """
        name, owner = sql.Identifier(database), sql.Identifier(_role_names(tenant_id)["owner"])
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            _execute(cursor, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", (database,))
            found = cursor.fetchone()
            if found and found[0] != _role_names(tenant_id)["owner"]:
                raise Conflict("The server has a database of that name already.", code="database_exists")
            if found is None:
                template = sql.Identifier(TemplateDatabases(self._connect).ensure())
                create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} ALLOW_CONNECTIONS false")
                _execute(cursor, create.format(name, owner, template))
            statements = load_sql("open_database").format(
                database=name, login=_logins(tenant_id), tenant_id=sql.Literal(tenant_id.value)
            )
            _execute(cursor, statements)

    def grant_schema(self, tenant_id: TenantId, database: str, schema: str) -> None:
        """Give the tenant's owner its schema and what is in it, and editor and viewer their rights.

        :raises TenantryError: the server refused.
        """
        names = {kind: sql.Identifier(name) for kind, name in _role_names(tenant_id).items()}
        statements = load_sql("grant_schema").format(
            schema=sql.Identifier(schema),
            template=sql.Identifier(TEMPLATE_ROLE),
            version_table=sql.Identifier(schema, VERSION_TABLE),
            **names,
        )
        self._run(database, [statements])

    def upgrade(self, tenant_id: TenantId, database: str, schema: str) -> str:
        """Bring a tenant's schema to the newest revision; one that came with the template is there already.

        :returns: the revision that it is at then.
        :raises Conflict: it is at a revision that is not known here.
        :raises TenantryError: the server refused; the schema is as it was.
        """
        with closing(self._connect(database)) as connection:
            newest = head_revision()
            if schema_revision(connection, schema) == newest:
                return newest
            return upgrade_schema(connection, _role_names(tenant_id)["owner"], schema)

    def adoption_facts(self, database: str, user: str, schema: str) -> AdoptionFacts | None:
        """Ask a database what decides whether it can be adopted; None where the server does not know `user`.

        :raises TenantryError: the server refused.
        """
        facts = load_sql("adoption_facts").format(
            # As a name, which to_regnamespace takes in its quoted form.
            schema=sql.Literal('"' + schema.replace('"', '""') + '"'),
            user=sql.Literal(user),
        )
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            _execute(cursor, facts)
            found = cursor.fetchone()
            return AdoptionFacts(*found) if found else None

    def adopt_database(self, tenant_id: TenantId, database: str, user: str, schema: str, *, take_objects: bool) -> None:
        """Give a tenant's roles their rights in a database that is in use, in one transaction.

        Sessions of `user` go on. Whoever has a transaction open is waited for shortly, and nobody waits longer for us.

        :param take_objects: make what `user` owns the tenant's; else it stays `user`'s, and rights are granted.
        :raises Conflict: a table is in use all the time; nothing is changed.
        :raises TenantryError: the server refused; nothing is changed.
        """
        with closing(self._connect(database)) as connection:
            connection.autocommit = False
            with connection, connection.cursor() as cursor:
                # Less than PostgreSQL waits before it looks for a deadlock: we give up, and not the application.
                _execute(cursor, "SET LOCAL lock_timeout = '500ms'")
                _execute(cursor, load_sql("adoption_scope"))
                schemas, present = cursor.fetchone()
                names: dict[str, sql.Composable] = {
                    kind: sql.Identifier(name) for kind, name in _role_names(tenant_id).items()
                }
                names |= {
                    "database": sql.Identifier(database),
                    "user": sql.Identifier(user),
                    "schema": sql.Identifier(schema),
                    "schemas": _list(schemas),
                    "present": _list(sorted({user, *present})),
                    "login": _logins(tenant_id),
                    "tenant_id": sql.Literal(tenant_id.value),
                    "inherit": sql.SQL(" WITH INHERIT TRUE" if connection.server_version >= 160000 else ""),
                }
                scripts = ["adopt_ownership"] if take_objects else []
                for script in [*scripts, "adopt_database"]:
                    _execute_unlocked(cursor, load_sql(script).format(**names))

    def end_sessions(self, database: str) -> None:
        """End every session in a database.

        :raises TenantryError: the server refused.
        """
        self._run("postgres", [load_sql("end_sessions").format(database=sql.Literal(database))])

    def facts(self) -> ServerFacts:
        """Ask the server what decides whether tenants can live on it.

        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            _execute(cursor, load_sql("server_facts"))
            return ServerFacts(time.time(), *cursor.fetchone())

    def _run(self, database: str, statements: list[sql.Composable]) -> None:
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                _execute(cursor, statement)


def _role_names(tenant_id: TenantId) -> dict[str, str]:
    kinds = {"owner": Role.ADMIN, "editor": Role.EDITOR, "viewer": Role.VIEWER}
    return {kind: database_role(tenant_id, role) for kind, role in kinds.items()}


def _logins(tenant_id: TenantId) -> sql.Composable:
    return _list(login_names(tenant_id))


def _list(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _ensure_role(cursor: Any, name: str, attributes: sql.Composable) -> None:
    _execute(cursor, "SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
    verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
    _execute(cursor, sql.SQL("{} ROLE {} WITH {}").format(verb, sql.Identifier(name), attributes))


def _execute(cursor: Any, statement: Any, values: tuple[Any, ...] | None = None) -> None:
    try:
        cursor.execute(statement, values)
    except psycopg2.Error as exc:
        raise translate(exc) from exc


def _execute_unlocked(cursor: Any, statement: sql.Composable) -> None:
    """Run a statement that gives up when somebody else holds a lock that it needs."""
    try:
        _execute(cursor, statement)
    except StatementFailed as exc:
        if exc.code != _LOCK_NOT_AVAILABLE:
            raise
        raise Conflict(
            "The database is busy: a table is in use by a long transaction.",
            code=DATABASE_BUSY,
            hint="Nothing was changed. Repeat the call when that transaction has ended.",
        ) from exc

"""What an administrator does on one PostgreSQL server: roles, databases, grants. Every step may be repeated."""

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from tenantry.database.admin_sql import (
    AdminConnect,
    execute,
    in_transaction,
    join_roles,
    name_list,
    role_identifiers,
    role_names,
    run,
)
from tenantry.database.logins import login_names
from tenantry.database.marks import ensure_role, tenant_marks
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import StatementFailed
from tenantry.domain.restore import is_made_for_a_while
from tenantry.domain.tenant import SERVERS_PREFIX, Home, Limits, TenantId
from tenantry.homes.factory import home_admin
from tenantry.homes.home_admin import HomeAdmin
from tenantry.servers.dump_logins import DumpLogins, reads_everything
from tenantry.servers.login_limits import end_idle_sessions, set_login_limits
from tenantry.servers.role_names import claim_roles, require_names, revoke_foreign_memberships

_NOT_UTF8 = "22021"


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
    """A database that may become a tenant's: whose it says it is, and whether its user is others' too.

    `user_has_part`: its user owns something in it, or was given something by name. `event_triggers`: those that run
    what somebody may change who is no superuser. `unrestorable`: what no backup could bring back. `others`: roles that
    own something which no login for backups could read, since this administrator can't let it.
    """

    tenant_id: str
    is_the_servers: bool
    has_schema: bool
    user_is_shared: bool
    user_has_part: bool
    event_triggers: list[str]
    # Whether every name in it can be read as UTF-8.
    names_are_utf8: bool = True
    unrestorable: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


class ServerAdmin:
    """Makes tenants' roles on one server; their homes are made elsewhere."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take how to connect."""
        self._connect = connect

    def home(self, tenant_id: TenantId, home: Home) -> HomeAdmin:
        """Administer a tenant's home on this server."""
        return home_admin(tenant_id, home, self._connect)

    def close_maintenance_databases(self) -> None:
        """Take PUBLIC's right to connect to the databases that every server has.

        :raises TenantryError: the server refused.
        """
        run(self._connect, "postgres", load_sql("servers/close_maintenance_databases"))

    def require_names(self, tenant_id: TenantId, home: Home | None, *, is_listed: bool = False) -> None:
        """Make sure that nothing here which is not ours has a name that the tenant gets; nothing is changed.

        :param home: where it will live; None: in a database that is not made.
        :param is_listed: the registry says that the tenant lives on this server, complete.
        :raises Conflict: something has (`name_taken`).
        :raises TenantryError: the server refused.
        """
        require_names(self._connect, tenant_id, home, is_listed=is_listed)

    def make_roles(
        self, tenant_id: TenantId, login: str, password: str, connection_limit: int, *, is_listed: bool = False
    ) -> None:
        """Make a tenant's owner, editor, viewer and two logins; the password travels as a SCRAM verifier only.

        Those that are there and the tenant's own lose what others have made them members of.

        :param login: the one in use. The other keeps its password, or has none, until a rotation gives it one.
        :param is_listed: the registry says that the tenant lives on this server, complete.
        :raises Conflict: a role of such a name is not the tenant's (`name_taken`); nothing is changed.
        :raises TenantryError: the server refused.
        """
        logins = login_names(tenant_id)
        with closing(self._connect("postgres")) as connection:
            verifier = encrypt_password(password, login, connection, "scram-sha-256")
            with connection.cursor() as cursor:
                marks = tenant_marks(cursor, tenant_id)
                claim_roles(cursor, tenant_id, marks, is_listed=is_listed)
                for role in role_names(tenant_id).values():
                    ensure_role(cursor, role, "NOLOGIN", marks)
                for name in logins:
                    ensure_role(cursor, name, "LOGIN", marks)
                revoke_foreign_memberships(cursor, tenant_id, marks)
                for name in logins:
                    limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
                    execute(cursor, limit.format(sql.Identifier(name), sql.Literal(connection_limit)))
                set_password = sql.SQL("ALTER ROLE {} PASSWORD {}")
                execute(cursor, set_password.format(sql.Identifier(login), sql.Literal(verifier)))
                execute(cursor, load_sql("servers/grant_roles").format(**role_identifiers(tenant_id)))
                join_roles(cursor, [*role_names(tenant_id).values(), *logins])

    @property
    def dump_logins(self) -> DumpLogins:
        """Make and drop the logins for backups on this server."""
        return DumpLogins(self._connect)

    def adoption_facts(self, tenant_id: TenantId, database: str, user: str, schema: str) -> AdoptionFacts | None:
        """Ask a database what decides whether it can be adopted; None where the server does not know `user`.

        :raises TenantryError: the server refused.
        """
        facts = load_sql("servers/adoption_facts").format(
            # As a name, which to_regnamespace takes in its quoted form.
            schema=sql.Literal('"' + schema.replace('"', '""') + '"'),
            user=sql.Literal(user),
        )
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            execute(cursor, facts)
            found = cursor.fetchone()
            if not found:
                return None
            known = AdoptionFacts(*found)
            # Its user's things become the tenant's owner's, unless others share the user.
            owners = [*role_names(tenant_id).values(), *([] if known.user_is_shared else [user])]
            execute(cursor, load_sql("servers/adoption_unrestorable").format(owners=sql.Literal(owners)))
            things, others = cursor.fetchone()
            return replace(
                known,
                is_the_servers=known.is_the_servers or _is_reserved(database),
                names_are_utf8=_are_names_utf8(cursor),
                unrestorable=things,
                others=[] if reads_everything(cursor) else others,
            )

    def adopt_database(self, tenant_id: TenantId, database: str, user: str, schema: str, *, take_objects: bool) -> None:
        """Give a tenant's roles their rights in a database that is in use, in one transaction.

        Sessions of `user` go on. Whoever has a transaction open is waited for shortly, and nobody waits longer for us.

        :param take_objects: make what `user` owns the tenant's; else it stays `user`'s, and rights are granted.
        :raises Conflict: a table is in use all the time; nothing is changed.
        :raises TenantryError: the server refused; nothing is changed.
        """

        def work(cursor: Any) -> None:
            scope: dict[str, sql.Composable] = {
                "tenant": sql.Literal(tenant_id.value),
                "marks": sql.Literal(tenant_marks(cursor, tenant_id)),
            }
            execute(cursor, load_sql("servers/adoption_scope").format(**scope))
            schemas, present = cursor.fetchone()
            names = role_identifiers(tenant_id) | {
                "database": sql.Identifier(database),
                "user": sql.Identifier(user),
                "schema": sql.Identifier(schema),
                "schemas": name_list(schemas),
                "makers": name_list([role_names(tenant_id)["owner"], user]),
                "present": name_list(sorted({user, *present})),
                "tenant_id": sql.Literal(tenant_id.value),
                "inherit": sql.SQL(" WITH INHERIT TRUE" if cursor.connection.server_version >= 160000 else ""),
            }
            if take_objects:
                _lock_tables(cursor, user)
            scripts = ["servers/adopt_ownership"] if take_objects else []
            for script in [*scripts, "servers/adopt_database", "homes/reach_schema"]:
                execute(cursor, load_sql(script).format(**names))

        in_transaction(self._connect, database, work)

    def set_limits(self, tenant_id: TenantId, limits: Limits) -> None:
        """Bound what a tenant's logins may use, from their next session on.

        :raises TenantryError: the server refused.
        """
        set_login_limits(self._connect, tenant_id, limits)

    def end_idle_sessions(self, tenant_id: TenantId) -> None:
        """End the sessions of a tenant's logins that nobody is using.

        :raises TenantryError: the server refused.
        """
        end_idle_sessions(self._connect, tenant_id)

    def facts(self) -> ServerFacts:
        """Ask the server what decides whether tenants can live on it.

        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            execute(cursor, load_sql("servers/server_facts"))
            return ServerFacts(time.time(), *cursor.fetchone())


def _are_names_utf8(cursor: Any) -> bool:
    try:
        execute(cursor, load_sql("servers/unreadable_names"))
    except StatementFailed as exc:
        if exc.code != _NOT_UTF8:
            raise
        return False
    return True


def _is_reserved(database: str) -> bool:
    """Whether we make databases of such a name ourselves, and drop them, or let several tenants live there."""
    return database.startswith(SERVERS_PREFIX) or is_made_for_a_while(database)


def _lock_tables(cursor: Any, user: str) -> None:
    """Lock a user's tables, and before anything else of its, in the order in which writers do.

    The other way about, each would wait for the other whenever somebody writes.
    """
    execute(cursor, load_sql("servers/adoption_tables"), (user,))
    tables = [sql.Identifier(*name) for name in cursor.fetchall()]
    if tables:
        execute(cursor, sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(", ").join(tables)))

"""Removes a tenant's roles from its PostgreSQL server; every step may be repeated."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, join_roles, known_roles, run
from tenantry.database.database_removal import drop_database
from tenantry.database.marks import tenant_marks
from tenantry.database.sql_files import load_sql
from tenantry.domain.pgadmin import is_inspector
from tenantry.domain.restore import is_scratch
from tenantry.domain.tenant import TenantId
from tenantry.homes.copy_login import copies_for, copy_login_name, drop_copy_login, find_foreign_copy
from tenantry.servers.inspector_roles import InspectorRoles, inspectors_of
from tenantry.servers.role_names import own_roles


class TenantRemoval:
    """Removes a tenant's roles from one server, once its home is gone."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take the function that connects as the server's administrator."""
        self._connect = connect

    def find_roles(self, tenant_id: TenantId) -> list[str]:
        """List a tenant's own roles that exist on the server.

        :raises TenantryError: the server refused.
        """
        # By exact names, not by a prefix: an adopted tenant's own application may log in as `{id}_app`. And only what
        # is marked: a name is not a proof.
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            copy = copy_login_name(tenant_id)
            foreign = find_foreign_copy(cursor, tenant_id, tenant_marks(cursor, tenant_id))
            copies = [name for name in known_roles(cursor, [copy]) if name not in foreign]
            return [*copies, *own_roles(cursor, tenant_id), *inspectors_of(cursor, tenant_id)]

    def drop_roles(self, roles: list[str]) -> None:
        """Drop roles with all that they own and were given, in whatever database: their home is gone before.

        Whoever has given them something, or has let them have it by default, does not keep them.

        :raises TenantryError: the server refused.
        """
        for role in roles:
            if is_inspector(role):
                # An inspector may have grants or objects, which would prevent dropping its role.
                InspectorRoles(self._connect).drop(role)
            elif tenant_id := copies_for(role):
                # A worker that died left this login behind, with a right to connect.
                drop_copy_login(self._connect, tenant_id)
            self._drop_role(role)

    def _drop_role(self, role: str) -> None:
        names = {"role": sql.Identifier(role)}
        drop_owned = load_sql("servers/drop_owned").format(**names)
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            if not known_roles(cursor, [role]):
                return
            join_roles(cursor, [role])
            execute(cursor, load_sql("servers/role_traces"), (role,))
            for database, is_open, is_owned in cursor.fetchall():
                if is_owned and is_scratch(TenantId(role.partition("_")[0]), database):
                    # Of a restore or a drill whose worker died.
                    drop_database(cursor, database)
                    continue
                with _opened(cursor, database, is_open=is_open):
                    run(self._connect, database, drop_owned)
                if is_owned:
                    # It was given to it by somebody who knows why.
                    keep = sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER")
                    execute(cursor, keep.format(sql.Identifier(database)))
            # Here for rights to databases, which are the server's and not one database's.
            execute(
                cursor,
                load_sql("homes/lock_database_rights") + drop_owned + sql.SQL("DROP ROLE {role}").format(**names),
            )


@contextmanager
def _opened(cursor: Any, database: str, *, is_open: bool) -> Iterator[None]:
    """Let an administrator into a database that nobody is let into: its owner can't keep a role by that."""
    if is_open:
        yield
        return
    allow = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"
    execute(cursor, sql.SQL(allow).format(sql.Identifier(database), sql.Literal(True)))
    try:
        yield
    finally:
        execute(cursor, sql.SQL(allow).format(sql.Identifier(database), sql.Literal(False)))

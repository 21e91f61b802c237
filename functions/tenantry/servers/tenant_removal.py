"""Removes a tenant's roles from its PostgreSQL server; every step may be repeated."""

from contextlib import closing

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, known_roles, run
from tenantry.database.marks import tenant_marks
from tenantry.domain.pgadmin import is_inspector
from tenantry.domain.tenant import TenantId
from tenantry.homes.copy_login import copies_for, copy_login_name, drop_copy_login, find_foreign_copy
from tenantry.servers.inspector_roles import InspectorRoles, inspectors_of
from tenantry.servers.role_names import own_roles


class TenantRemoval:
    """Takes a tenant's roles off one server, once its home is gone."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take how to connect as the server's administrator."""
        self._connect = connect

    def find_roles(self, tenant_id: TenantId) -> list[str]:
        """Look which of a tenant's own roles there are.

        :raises TenantryError: the server refused.
        """
        # By name, not by a prefix: an adopted tenant's own application may log in as `{id}_app`. And only what is the
        # tenant's: a name is not a proof.
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            copy = copy_login_name(tenant_id)
            foreign = find_foreign_copy(cursor, tenant_id, tenant_marks(cursor, tenant_id))
            copies = [name for name in known_roles(cursor, [copy]) if name not in foreign]
            return [*copies, *own_roles(cursor, tenant_id), *inspectors_of(cursor, tenant_id)]

    def drop_roles(self, roles: list[str]) -> None:
        """Drop roles that own nothing any more.

        :raises TenantryError: the server refused.
        """
        for role in roles:
            if is_inspector(role):
                # It may have been given, or have made, what keeps a role.
                InspectorRoles(self._connect).drop(role)
            elif tenant_id := copies_for(role):
                # A worker that died has left it, with a right to connect.
                drop_copy_login(self._connect, tenant_id)
            run(self._connect, "postgres", sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))

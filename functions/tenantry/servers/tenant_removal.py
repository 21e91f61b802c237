"""Removes a tenant's roles from its PostgreSQL server; every step may be repeated."""

from contextlib import closing

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, known_roles, run
from tenantry.database.logins import login_names
from tenantry.domain.pgadmin import is_inspector
from tenantry.domain.tenant import TENANT_ROLES, TenantId, database_role
from tenantry.homes.copy_login import copies_for, copy_login_name, drop_copy_login
from tenantry.servers.inspector_roles import InspectorRoles, inspectors_of


class TenantRemoval:
    """Removes a tenant's roles from one server, once its home is gone."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take the function that connects as the server's administrator."""
        self._connect = connect

    def find_roles(self, tenant_id: TenantId) -> list[str]:
        """List a tenant's roles that exist on the server.

        :raises TenantryError: the server refused.
        """
        # By exact names, not by a prefix: an adopted tenant's own application may log in as `{id}_app`.
        roles = [
            copy_login_name(tenant_id),
            *login_names(tenant_id),
            *(database_role(tenant_id, role) for role in TENANT_ROLES),
        ]
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            return [*known_roles(cursor, roles), *inspectors_of(cursor, tenant_id)]

    def drop_roles(self, roles: list[str]) -> None:
        """Drop roles that own nothing any more.

        :raises TenantryError: the server refused.
        """
        for role in roles:
            if is_inspector(role):
                # An inspector may have grants or objects, which would prevent dropping its role.
                InspectorRoles(self._connect).drop(role)
            elif tenant_id := copies_for(role):
                # A worker that died left this login behind, with a right to connect.
                drop_copy_login(self._connect, tenant_id)
            run(self._connect, "postgres", sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))

"""Finds roles that depend on a tenant's database and are not ours, because another server would not know them."""

from contextlib import closing

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.logins import backup_logins, login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.tenant import TENANT_ROLES, TenantId, database_role

# Logins that look into a tenant's database for some hours. A move does not copy them: they are made again if needed.
_INSPECTOR = "_inspect"


def foreign_roles(connect: AdminConnect, tenant_id: TenantId, database: str) -> list[str]:
    """List the roles that own something or have rights in a tenant's own database, and are not ours.

    :param connect: as the server's administrator, which is not listed.
    :raises TenantryError: the server refused.
    """
    ours = [
        *login_names(tenant_id),
        *backup_logins(tenant_id),
        *(database_role(tenant_id, role) for role in TENANT_ROLES),
    ]
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/foreign_roles"), (ours, f"{tenant_id.value}{_INSPECTOR}"))
        return [name for (name,) in cursor.fetchall()]


def roles_in_policies(connect: AdminConnect, database: str, schema: str | None) -> list[str]:
    """List the roles that policies on tables name: in a copy for another tenant, they would be strangers.

    :param schema: the only one to look in; None: all of the database.

    :raises TenantryError: the server refused.
    """
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/roles_in_policies"), {"schema": schema})
        return [name for (name,) in cursor.fetchall()]

"""Who else depends on a tenant's database: roles that are not ours, and that another server would not know."""

from contextlib import closing

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.logins import login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.tenant import TENANT_ROLES, TenantId, database_role

# Logins that look into a tenant's database for some hours; they are made anew where they are wanted.
_INSPECTOR = "_inspect"


def foreign_roles(connect: AdminConnect, tenant_id: TenantId, database: str) -> list[str]:
    """Name the roles that own something in a database of a tenant's own, or have rights there, and are not ours.

    :param connect: as the administrator of the server, who does not count.
    :raises TenantryError: the server refused.
    """
    ours = [*login_names(tenant_id), *(database_role(tenant_id, role) for role in TENANT_ROLES)]
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/foreign_roles"), (ours, f"{tenant_id.value}{_INSPECTOR}"))
        return [name for (name,) in cursor.fetchall()]


def roles_in_policies(connect: AdminConnect, database: str) -> list[str]:
    """Name the roles that policies on tables speak of: in another tenant's copy these would be strangers.

    :raises TenantryError: the server refused.
    """
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/roles_in_policies"))
        return [name for (name,) in cursor.fetchall()]

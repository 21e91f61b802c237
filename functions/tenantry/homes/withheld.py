"""What a tenant's owner has shut itself out of: a copy is made as the owner, and would be refused half-way."""

from contextlib import closing

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import TENANT_ROLES, Home, Isolation, TenantId, database_role, owner_role

_NAMED = 10


def require_readable(connect: AdminConnect, tenant_id: TenantId, home: Home) -> None:
    """Make sure that the tenant's owner can read all that the tenant's roles own in a home.

    :param connect: as the administrator of the home's server.
    :raises Conflict: it may not read something, or not every row of it (`rows_withheld`); `details` name ten.
    :raises TenantryError: the server refused.
    """
    schema = None if home.isolation is Isolation.DATABASE else home.schema
    roles = [database_role(tenant_id, role) for role in TENANT_ROLES]
    scope = {"role": owner_role(tenant_id), "roles": roles, "schema": schema, "most": _NAMED}
    with closing(connect(home.database)) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("homes/withheld"), scope)
        withheld = [name for (name,) in cursor.fetchall()]
    if withheld:
        raise Conflict(
            "The tenant's owner may not read all that the tenant has, so a copy would be incomplete.",
            code="rows_withheld",
            details=", ".join(withheld),
            hint="Give these to the owner, GRANT it SELECT on them (USAGE on their schema), or ALTER TABLE … NO FORCE "
            "ROW LEVEL SECURITY; then repeat the call.",
        )

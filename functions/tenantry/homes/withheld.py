"""What a tenant's owner has shut itself out of, and whether a copy can be made all the same.

Copies are made as the owner, who would be refused half-way. pg_dump can read as the login for the tenant's dumps
instead, where a server's administrator could let that read past owners and policies.
"""

from contextlib import closing
from typing import Any

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.logins import dump_login
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import TENANT_ROLES, Home, Isolation, TenantId, database_role, owner_role

_NAMED = 10


def require_readable(connect: AdminConnect, tenant_id: TenantId, home: Home, *, dumped: bool = False) -> None:
    """Make sure that all that the tenant's roles own in a home can be read.

    :param connect: as the administrator of the home's server.
    :param dumped: pg_dump copies it, as the login for dumps where need be; otherwise the owner has to read it.
    :raises Conflict: it may not read something, or not every row of it (`rows_withheld`); `details` name ten.
    :raises TenantryError: the server refused.
    """
    with closing(connect(home.database)) as connection, connection.cursor() as cursor:
        withheld = find_withheld(cursor, tenant_id, home)
        if withheld and not (dumped and dumps_whole(cursor, tenant_id, home)):
            raise rows_withheld(withheld)


def is_withheld(connect: AdminConnect, tenant_id: TenantId, home: Home) -> bool:
    """Tell whether the owner may not read all of a home. :raises TenantryError: the server refused."""
    with closing(connect(home.database)) as connection, connection.cursor() as cursor:
        return bool(find_withheld(cursor, tenant_id, home))


def find_withheld(cursor: Any, tenant_id: TenantId, home: Home, role: str = "") -> list[str]:
    """Name what the tenant's roles own in a home and a role (empty: the owner) may not read whole, ten at most.

    :param cursor: with only pg_catalog in its search path.
    :raises TenantryError: the server refused.
    """
    schema = None if home.isolation is Isolation.DATABASE else home.schema
    roles = [database_role(tenant_id, role) for role in TENANT_ROLES]
    scope = {"role": role or owner_role(tenant_id), "roles": roles, "schema": schema, "most": _NAMED}
    execute(cursor, load_sql("homes/withheld"), scope)
    return [name for (name,) in cursor.fetchall()]


def dumps_whole(cursor: Any, tenant_id: TenantId, home: Home) -> bool:
    """Tell whether the login for dumps reads, or can be lent, all that the tenant's roles own in a home.

    :raises TenantryError: the server refused.
    """
    names = {"login": dump_login(tenant_id), "owner": owner_role(tenant_id)}
    execute(cursor, load_sql("homes/dumps_whole"), names | {"own": home.isolation is Isolation.DATABASE})
    found = cursor.fetchone()
    return bool(found and found[0])


def rows_withheld(names: list[str]) -> Conflict:
    """Build the error for what can't be read."""
    return Conflict(
        "The tenant's owner may not read all that the tenant has, so a copy would be incomplete.",
        code="rows_withheld",
        details=", ".join(names),
        hint="Give these to the owner, GRANT it SELECT on them (USAGE on their schema), or ALTER TABLE … NO FORCE "
        "ROW LEVEL SECURITY; then repeat the call.",
    )

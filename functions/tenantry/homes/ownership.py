"""Whether what has the name of a tenant's home on a server is that tenant's."""

from contextlib import closing
from typing import Any

from tenantry.database.admin_sql import AdminConnect, execute, known_roles
from tenantry.database.marks import SERVER_MARK, foreign_roles_named, tenant_marks
from tenantry.database.sql_files import load_sql
from tenantry.database.templates import TemplateDatabases
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.pool_shape import POOL_EDITORS, POOL_ROLE, POOL_VIEWERS
from tenantry.homes.renaming import find_rows
from tenantry.homes.shared_database import SharedDatabase


def is_tenants_database(
    cursor: Any, tenant_id: TenantId, database: str, *, owner_is_own: bool | None = None
) -> bool | None:
    """Tell whether a database is a tenant's; None: there is none of that name.

    It is when it says so, which only an administrator can have set; or when it says nothing and belongs to the
    tenant's owner.

    :param owner_is_own: whether the role with the owner's name is the tenant's; None: its mark says.
    :raises TenantryError: the server refused.
    """
    execute(cursor, load_sql("homes/database_identity"), (database,))
    found = cursor.fetchone()
    if found is None:
        return None
    owner, identity = found
    if identity is not None or owner != owner_role(tenant_id):
        return bool(identity == tenant_id.value)
    if owner_is_own is None:
        owner_is_own = not foreign_roles_named(cursor, (owner,), tenant_marks(cursor, tenant_id))
    return owner_is_own


def schema_owner(cursor: Any, schema: str) -> str | None:
    """Name who owns a schema of the database; None: there is none of that name."""
    execute(cursor, "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = %s", (schema,))
    found = cursor.fetchone()
    return found[0] if found else None


def find_foreign_home(
    connect: AdminConnect, cursor: Any, tenant_id: TenantId, home: Home, *, owner_is_own: bool
) -> list[str]:
    """List what has a name that a home of the tenant's would get, or what all such homes need, and is not ours.

    :param cursor: of the database `postgres`, as the administrator.
    :param owner_is_own: whether a role with the owner's name, if there is one, is the tenant's.
    :raises TenantryError: the server refused.
    """
    match home.isolation:
        case Isolation.DATABASE:
            is_own = is_tenants_database(cursor, tenant_id, home.database, owner_is_own=owner_is_own)
            taken = [f"database {home.database}"] if is_own is False else []
            return taken or ([] if is_own else TemplateDatabases(connect).find_foreign(cursor))
        case Isolation.SCHEMA:
            return _find_foreign_schema(connect, tenant_id, home)
        case Isolation.POOLED:
            return _find_foreign_pool(connect, cursor, tenant_id, home)


def _find_foreign_schema(connect: AdminConnect, tenant_id: TenantId, home: Home) -> list[str]:
    shared = SharedDatabase(connect, home.database)
    if shared.is_foreign():
        return [f"database {home.database}"]
    if not shared.exists():
        return []
    with closing(connect(home.database)) as connection, connection.cursor() as cursor:
        return [] if schema_owner(cursor, home.schema) in (None, owner_role(tenant_id)) else [f"schema {home.schema}"]


def _find_foreign_pool(connect: AdminConnect, cursor: Any, tenant_id: TenantId, home: Home) -> list[str]:
    shared = SharedDatabase(connect, home.database)
    if shared.is_foreign():
        return [f"database {home.database}"]
    if shared.exists():
        # Whose roles are there has its rows there. Nobody else finds rows under its id: they are of one that was lost.
        return [] if known_roles(cursor, [owner_role(tenant_id)]) else find_rows(connect, tenant_id, home)
    groups = foreign_roles_named(cursor, (POOL_ROLE, POOL_VIEWERS, POOL_EDITORS), (SERVER_MARK,))
    return [f"role {name}" for name in groups]

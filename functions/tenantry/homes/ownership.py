"""Checks whether the database, schema or rows with the name of a tenant's home on a server are that tenant's."""

from contextlib import closing
from typing import Any

from tenantry.database.admin_sql import AdminConnect, execute, known_roles
from tenantry.database.marks import SERVER_MARK, foreign_roles_named, tenant_marks
from tenantry.database.sql_files import load_sql
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.pool_shape import POOL_EDITORS, POOL_ROLE, POOL_VIEWERS
from tenantry.homes.renaming import find_rows
from tenantry.homes.shared_database import SharedDatabase
from tenantry.revisions.templates import TemplateDatabases


def is_tenants_database(
    cursor: Any, tenant_id: TenantId, database: str, *, owner_is_own: bool | None = None
) -> bool | None:
    """Whether a database is a tenant's; None if there is no database of that name.

    It is the tenant's if its settings have the tenant's id, which only an administrator can write, or if they have no
    tenant id and the tenant's owner owns it.

    :param owner_is_own: whether the role with the owner's name is the tenant's; None: its mark decides.
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
    """Return the owner of a schema of the database; None if there is no schema of that name."""
    execute(cursor, "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = %s", (schema,))
    found = cursor.fetchone()
    return found[0] if found else None


def find_foreign_home(
    connect: AdminConnect, cursor: Any, tenant_id: TenantId, home: Home, *, owner_is_own: bool
) -> list[str]:
    """List things that are not ours, but have a name that the tenant's home, or all homes of its kind, need.

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
        # If the tenant's roles exist, rows under its id are its own. Otherwise they are left over from a lost tenant.
        return [] if known_roles(cursor, [owner_role(tenant_id)]) else find_rows(connect, tenant_id, home)
    groups = foreign_roles_named(cursor, (POOL_ROLE, POOL_VIEWERS, POOL_EDITORS), (SERVER_MARK,))
    return [f"role {name}" for name in groups]

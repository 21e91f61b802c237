"""Detached schemas: in a shared database, single tables of one tenant that were restored, or their former rows."""

from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.tenant import TenantId


def find_detached(cursor: Any, tenant_id: TenantId) -> list[str]:
    """List a tenant's detached schemas. :raises TenantryError: the server refused."""
    execute(cursor, load_sql("homes/detached_schemas").format(tenant_id=sql.Literal(tenant_id.value)))
    return [name for (name,) in cursor.fetchall()]


def rename_detached(cursor: Any, old: TenantId, new: TenantId) -> None:
    """Rename a tenant's detached schemas after its new id. :raises TenantryError: the server refused."""
    rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
    for name in find_detached(cursor, old):
        execute(cursor, rename.format(*map(sql.Identifier, (name, f"{new}{name.removeprefix(old.value)}"))))

"""Drops what a tenant can leave in a shared database outside its schema or its rows."""

from typing import Any

from tenantry.database.admin_sql import execute, role_names
from tenantry.database.logins import login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.tenant import TenantId


def drop_large_objects(cursor: Any, tenant_id: TenantId) -> None:
    """Drop a tenant's large objects in this database. :raises TenantryError: the server refused."""
    roles = [*role_names(tenant_id).values(), *login_names(tenant_id)]
    execute(cursor, load_sql("homes/drop_large_objects"), (roles,))

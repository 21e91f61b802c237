"""Finds a tenant's home, and the class that administers a home of its isolation model."""

from tenantry.database.admin_sql import AdminConnect
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId, new_home
from tenantry.homes.database_home import DatabaseHome
from tenantry.homes.home_admin import HomeAdmin
from tenantry.homes.pooled_home import PooledHome
from tenantry.homes.schema_home import SchemaHome


def home_admin(tenant_id: TenantId, home: Home, connect: AdminConnect) -> HomeAdmin:
    """Administer a tenant's home on the server to which `connect` connects."""
    match home.isolation:
        case Isolation.DATABASE:
            return DatabaseHome(tenant_id, home, connect)
        case Isolation.SCHEMA:
            return SchemaHome(tenant_id, home, connect)
        case Isolation.POOLED:
            return PooledHome(tenant_id, home, connect)


def home_of(tenant: Tenant, credentials: Credentials | None) -> Home:
    """Return the tenant's present home: the one in its secret or, without a secret, the one that is being made."""
    if credentials:
        return Home(tenant.server_id, credentials.isolation, credentials.dbname, credentials.schema)
    if tenant.adopted_database:
        return Home(tenant.server_id, Isolation.DATABASE, tenant.adopted_database, "public")
    return new_home(tenant.tenant_id, tenant.server_id, tenant.isolation)

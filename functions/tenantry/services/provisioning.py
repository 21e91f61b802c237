"""Makes a tenant: roles, database, credentials, registry entry. May be repeated after a failure at any step."""

import secrets
from dataclasses import dataclass, replace

from tenantry.adapters.login_admin import login_names
from tenantry.adapters.postgres import ConnectSettings, TenantConnection
from tenantry.adapters.registry import Registry
from tenantry.adapters.secret_store import SecretStore
from tenantry.adapters.server_admin import ServerAdmin
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus

_PASSWORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class TenantRequest:
    """What is asked for; `connection_limit` bounds the sessions that the tenant's login may have at once."""

    tenant_id: TenantId
    connection_limit: int = 50
    # The only region that its data may lie in; empty: any.
    region: str = ""


def provision_tenant(
    request: TenantRequest,
    *,
    server: Server,
    admin: ServerAdmin,
    secret_store: SecretStore,
    registry: Registry,
) -> Credentials:
    """Make a tenant with a database of its own on `server`; active only after a login as the tenant worked.

    :returns: the credentials that its secret now holds.
    :raises TenantryError: a step failed; the same call finishes the work.
    """
    tenant_id = request.tenant_id
    registry.put_tenant(_tenant(request, TenantStatus.PROVISIONING, server))
    credentials = _credentials(tenant_id, server, secret_store.find(tenant_id))
    admin.close_maintenance_databases()
    admin.make_roles(tenant_id, credentials.username, credentials.password, request.connection_limit)
    admin.make_database(tenant_id, credentials.dbname)
    admin.grant_schema(tenant_id, credentials.dbname, credentials.schema)
    revision = admin.upgrade(tenant_id, credentials.dbname, credentials.schema)
    secret_store.write(tenant_id, credentials)
    # The login checks the password, the right to connect, and that the database says it is this tenant's.
    TenantConnection(tenant_id, credentials, ConnectSettings(application_name="tenantry-provision")).close()
    registry.put_tenant(replace(_tenant(request, TenantStatus.ACTIVE, server), schema_revision=revision))
    return credentials


def _tenant(request: TenantRequest, status: TenantStatus, server: Server) -> Tenant:
    return Tenant(request.tenant_id, status, Isolation.DATABASE, server.server_id, request.region)


def _credentials(tenant_id: TenantId, server: Server, stored: Credentials | None) -> Credentials:
    """Keep the login and password that are stored already: a repeated call must not lock out who uses them."""
    logins = login_names(tenant_id)
    return Credentials(
        host=server.host,
        port=server.port,
        dbname=tenant_id.value,
        username=stored.username if stored and stored.username in logins else logins[0],
        password=stored.password if stored else secrets.token_urlsafe(_PASSWORD_BYTES),
        sslmode=server.sslmode,
        sslrootcert=server.sslrootcert,
    )

"""Makes a tenant: roles, home, credentials, registry entry. May be repeated after a failure at any step."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypedDict, Unpack

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.connecting import ConnectSettings
from tenantry.database.logins import login_names
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.changeable import require_idle
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict
from tenantry.domain.passwords import new_password
from tenantry.domain.relocation import can_be_promoted
from tenantry.domain.server import Server
from tenantry.domain.tenant import BackupFrequency, Home, Isolation, Limits, Tenant, TenantId, TenantStatus
from tenantry.homes.factory import home_of
from tenantry.servers.dump_logins import give_dump_logins
from tenantry.servers.server_admin import ServerAdmin

_NO_WAY_BACK = "Leave `isolation` out: no tenant is taken to what isolates less. Make another tenant of that model."


@dataclass(frozen=True, slots=True)
class TenantRequest:
    """What is asked for; `connection_limit` bounds the sessions that each of the tenant's logins may have at once."""

    tenant_id: TenantId
    connection_limit: int = 50
    # The only region that its data may lie in; empty: any, or the one that it has.
    region: str = ""
    # None: the one that it has; a new tenant gets a database of its own.
    isolation: Isolation | None = None
    # None: what it has, but for the connections.
    limits: Limits | None = None
    backups: BackupFrequency | None = None
    # What its requests are counted under; empty: what it has.
    usage_key: str = ""


class ProvisioningTools(TypedDict):
    """The server that a tenant is made on, and the adapters."""

    server: Server
    admin: ServerAdmin
    secret_store: SecretStore
    registry: Registry


def provision_tenant(request: TenantRequest, **tools: Unpack[ProvisioningTools]) -> Credentials:
    """Make a tenant on `server`; active only after a login as the tenant worked.

    :returns: the credentials that its secret now holds.
    :raises Conflict: it is there with another isolation model, or is being moved; or the server has something of one of
        its names that is not ours (`name_taken`), and nothing is changed.
    :raises TenantryError: a step failed; the same call finishes the work.
    """
    tenant_id, server, admin = request.tenant_id, tools["server"], tools["admin"]
    secret_store, registry = tools["secret_store"], tools["registry"]
    tenant = require_free_names(request, **tools)
    is_listed = _is_listed(tenant)
    registry.put_tenant(tenant)
    stored = secret_store.find(tenant_id)
    home = home_of(tenant, stored if tenant.status is TenantStatus.ACTIVE else None)
    credentials = _credentials(tenant_id, server, home, stored)
    admin.close_maintenance_databases()
    admin.make_roles(
        tenant_id, credentials.username, credentials.password, tenant.limits.connections, is_listed=is_listed
    )
    admin.set_limits(tenant_id, tenant.limits)
    # Also those of a tenant that was made before there were any.
    give_dump_logins(admin.dump_logins, secret_store, tenant_id, home.isolation)
    place = admin.home(tenant_id, home)
    place.make()
    revision = place.upgrade()
    secret_store.write(tenant_id, credentials)
    # The login checks the password, the right to connect, and that the database says it is this tenant's.
    TenantConnection(tenant_id, credentials, ConnectSettings(application_name="tenantry-provision")).close()
    registry.put_tenant(replace(tenant, status=TenantStatus.ACTIVE, schema_revision=revision))
    return credentials


def require_free_names(request: TenantRequest, **tools: Unpack[ProvisioningTools]) -> Tenant:
    """Say what the registry has to know of a tenant that is to be made, if nothing on the server is in its way.

    :raises Conflict: as `provision_tenant`; nothing is changed here.
    :raises TenantryError: the server refused.
    """
    tenant = _tenant(request, tools["server"], tools["registry"].tenant(request.tenant_id))
    # Before it was active, what is stored may be a hand-made secret, which says nothing of where we make it.
    is_active = tenant.status is TenantStatus.ACTIVE
    home = home_of(tenant, tools["secret_store"].find(request.tenant_id) if is_active else None)
    tools["admin"].require_names(request.tenant_id, home, is_listed=_is_listed(tenant))
    return tenant


def _is_listed(tenant: Tenant) -> bool:
    return tenant.status is not TenantStatus.PROVISIONING


def _tenant(request: TenantRequest, server: Server, known: Tenant | None) -> Tenant:
    """Say what the registry has to know meanwhile; a tenant that is served goes on being served."""
    if known is None:
        isolation = request.isolation or Isolation.DATABASE
        new = Tenant(
            request.tenant_id,
            TenantStatus.PROVISIONING,
            isolation,
            server.server_id,
            request.region,
            known_since=datetime.now(UTC),
        )
        return _with_limits(new, request)
    require_isolation(known, request.isolation)
    require_idle(known)
    placed = replace(known, server_id=server.server_id, region=request.region or known.region)
    return _with_limits(placed, request)


def require_isolation(tenant: Tenant, isolation: Isolation | None) -> None:
    """Refuse to make a tenant anew in another model. :raises Conflict: it has another."""
    if isolation not in (None, tenant.isolation):
        is_more = can_be_promoted(tenant.isolation, isolation)
        raise Conflict(
            f"The tenant's isolation model is {tenant.isolation}.",
            code="other_isolation",
            hint="Promote it instead." if is_more else _NO_WAY_BACK,
        )


def _with_limits(tenant: Tenant, request: TenantRequest) -> Tenant:
    return replace(
        tenant,
        limits=request.limits or replace(tenant.limits, connections=request.connection_limit),
        backups=request.backups or tenant.backups,
        usage_key=request.usage_key or tenant.usage_key,
    )


def _credentials(tenant_id: TenantId, server: Server, home: Home, stored: Credentials | None) -> Credentials:
    """Keep the login and password that are stored already: a repeated call must not lock out who uses them."""
    logins = login_names(tenant_id)
    return Credentials(
        host=server.host,
        port=server.port,
        dbname=home.database,
        username=stored.username if stored and stored.username in logins else logins[0],
        password=stored.password if stored else new_password(),
        sslmode=server.sslmode,
        sslrootcert=server.sslrootcert,
        isolation=home.isolation,
        schema=home.schema,
        pooler=server.pooler,
    )

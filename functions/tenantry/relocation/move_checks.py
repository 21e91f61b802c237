"""Checks whether a tenant can be taken to another place; changes nothing."""

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId
from tenantry.revisions.history import head_revision
from tenantry.revisions.version import schema_revision
from tenantry.servers.extensions import extensions_of, require_extensions
from tenantry.servers.foreign_roles import foreign_roles
from tenantry.servers.servers import Servers

# Divides `server_version_num` into the major version: 180006 is 18.6.
_MAJOR = 10_000


def require_server(servers: Servers, tenant: Tenant, server_id: str) -> None:
    """Make sure that a tenant may be moved to a server.

    :raises NotFound: the server is not registered.
    :raises Conflict: it has no room, is the server that the tenant lies on (`same_server`), or is older than that.
    """
    servers.require_room(server_id, tenant.region)
    servers.require_two(tenant.server_id, server_id)
    here, there = (servers.admin(name).facts() for name in (tenant.server_id, server_id))
    if there.version_number // _MAJOR < here.version_number // _MAJOR:
        raise Conflict(
            f"The server is PostgreSQL {there.version}, older than the tenant's.",
            code="server_too_old",
            hint="Choose a server of the same version or a newer one.",
        )


def require_extensions_there(servers: Servers, home: Home, server_id: str) -> None:
    """Make sure that a server has the extensions that a home needs. :raises Conflict: it lacks one."""
    if home.isolation is Isolation.DATABASE:
        needed = extensions_of(servers.connector(home.server_id), home.database)
        require_extensions(servers.connector(server_id), needed)


def require_no_strangers(servers: Servers, tenant_id: TenantId, home: Home) -> None:
    """Make sure that nobody but the tenant has rights in its own database. :raises Conflict: somebody has."""
    if home.isolation is not Isolation.DATABASE:
        return
    strangers = foreign_roles(servers.connector(home.server_id), tenant_id, home.database)
    if strangers:
        raise Conflict(
            "Others than the tenant have rights in its database, which they would lose.",
            code="foreign_roles",
            details=", ".join(strangers),
            hint="Let their application use the tenant's own login, then drop what these roles own and may.",
        )


def require_newest_revision(servers: Servers, home: Home) -> None:
    """Make sure that shared tables are at the newest revision. :raises Conflict: they are not."""
    connection = servers.connector(home.server_id)(home.database)
    try:
        revision = schema_revision(connection, home.schema)
    finally:
        connection.close()
    if revision != head_revision():
        raise Conflict(
            "The shared tables are not at the newest revision.",
            code="schema_behind",
            hint="Repeat the call that made one of the tenants there.",
        )

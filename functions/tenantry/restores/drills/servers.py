"""Where a drill restores to: a server that is kept for drills in the tenant's region, or the tenant's own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tenantry.database.logins import login_names
from tenantry.domain.errors import TenantryError
from tenantry.domain.passwords import new_password
from tenantry.domain.tenant import Tenant, TenantId
from tenantry.servers.servers import Servers

# Of a server that is for drills; drain it, so that no tenant is placed there.
LABEL = "drills"


class DrillServers:
    """Chooses the server, and lends the tenant its roles there."""

    def __init__(self, servers: Servers) -> None:
        """Take the servers of the stage."""
        self._servers = servers

    @contextmanager
    def lend(self, tenant: Tenant) -> Iterator[str]:
        """Name a server on which the tenant's roles are for as long as this lasts.

        Those that it has there already are left alone, and so is that server: they may belong to a home that it can
        still go back to. Hold the lease on the tenant meanwhile.

        :raises NotFound: the tenant's own server is not registered.
        :raises TenantryError: a server refused.
        """
        chosen = self._choose(tenant)
        if chosen == tenant.server_id:
            yield chosen
            return
        self._servers.admin(chosen).make_roles(tenant.tenant_id, login_names(tenant.tenant_id)[0], new_password(), 1)
        try:
            yield chosen
        finally:
            # What the drill found matters more; the next one on that server drops them then.
            with suppress(TenantryError):
                self._drop_roles(chosen, tenant.tenant_id)

    def all_for(self, tenant: Tenant) -> list[str]:
        """List the servers that the tenant's drills may be made on, the one that is chosen first where it can be.

        :raises NotFound: the tenant's own server is not registered.
        """
        region = self._servers.get(tenant.server_id).region
        kept = [server for server in self._servers.all() if LABEL in server.labels and server.region == region]
        return [*(server.server_id for server in kept if server.server_id != tenant.server_id), tenant.server_id]

    def _choose(self, tenant: Tenant) -> str:
        former = tenant.former_home.server_id if tenant.former_home else ""
        for server_id in self.all_for(tenant):
            if server_id == tenant.server_id:
                break
            # A drill whose worker died has left them; whoever still needs them keeps them from being dropped.
            with suppress(TenantryError):
                if server_id != former:
                    self._drop_roles(server_id, tenant.tenant_id)
                    return server_id
        return tenant.server_id

    def _drop_roles(self, server_id: str, tenant_id: TenantId) -> None:
        removal = self._servers.removal(server_id)
        removal.drop_roles(removal.find_roles(tenant_id))

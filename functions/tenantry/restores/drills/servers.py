"""Where a drill restores to: a server labelled for drills in the tenant's region, or the tenant's own server."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tenantry.database.logins import login_names
from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.errors import TenantryError
from tenantry.domain.passwords import new_password
from tenantry.domain.server import ServerStatus
from tenantry.domain.tenant import Tenant, TenantId
from tenantry.homes.database_options import require_locale
from tenantry.servers.servers import Servers

# The label of a server for drills. Drain such a server, so that no tenant is placed there.
LABEL = "drills"


class DrillServers:
    """Chooses the server of a drill, and makes the tenant's roles there for as long as the drill lasts."""

    def __init__(self, servers: Servers) -> None:
        """Take the servers of the stage."""
        self._servers = servers

    @contextmanager
    def lend(self, tenant: Tenant, options: DatabaseOptions | None = None) -> Iterator[str]:
        """Yield the id of a server that has the tenant's roles within this context.

        A server on which the tenant already has roles in use is not chosen: they may belong to a home that it can
        still return to. The caller holds the lease on the tenant.

        :param options: how the database has to be made; a server that lacks its locale is not chosen.
        :raises NotFound: the tenant's own server is not registered.
        :raises TenantryError: a server refused.
        """
        chosen = self._choose(tenant, options or DatabaseOptions())
        if chosen == tenant.server_id:
            yield chosen
            return
        self._servers.admin(chosen).make_roles(tenant.tenant_id, login_names(tenant.tenant_id)[0], new_password(), 1)
        try:
            yield chosen
        finally:
            # The drill's result matters more than this failure; the next drill on that server drops the roles.
            with suppress(TenantryError):
                self._drop_roles(chosen, tenant.tenant_id)

    def all_for(self, tenant: Tenant) -> list[str]:
        """List the servers on which the tenant's drills may run, in the order of preference.

        :raises NotFound: the tenant's own server is not registered.
        """
        region = self._servers.get(tenant.server_id).region
        kept = [server for server in self._servers.all() if LABEL in server.labels and server.region == region]
        kept = [server for server in kept if server.status is not ServerStatus.LOST]
        return [*(server.server_id for server in kept if server.server_id != tenant.server_id), tenant.server_id]

    def _choose(self, tenant: Tenant, options: DatabaseOptions) -> str:
        former = tenant.former_home.server_id if tenant.former_home else ""
        for server_id in self.all_for(tenant):
            if server_id == tenant.server_id:
                break
            # A drill whose worker died leaves roles behind. Roles that something still depends on can't be dropped, and
            # where others have such names the drill is made elsewhere.
            with suppress(TenantryError):
                if server_id != former:
                    self._drop_roles(server_id, tenant.tenant_id)
                    self._servers.admin(server_id).require_names(tenant.tenant_id, None)
                    require_locale(self._servers.connector(server_id), options)
                    return server_id
        return tenant.server_id

    def _drop_roles(self, server_id: str, tenant_id: TenantId) -> None:
        removal = self._servers.removal(server_id)
        removal.drop_roles(removal.find_roles(tenant_id))

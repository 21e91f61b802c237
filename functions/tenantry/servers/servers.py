"""PostgreSQL servers: finds those that are registered, administers them, and chooses one for a tenant."""

from collections import Counter
from dataclasses import replace
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.database.admin_sql import AdminConnect
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.kept_sessions import REST_MS, KeptSessions
from tenantry.database.patience import LOCK_TIMEOUT_MS
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict, NotFound
from tenantry.domain.patience import DEFAULT_PATIENCE, Patience
from tenantry.domain.server import Server, ServerStatus, Wanted
from tenantry.domain.tenant import Home, TenantId
from tenantry.homes.home_admin import HomeAdmin
from tenantry.servers.inspector_roles import InspectorRoles
from tenantry.servers.running_server import are_one, same_server
from tenantry.servers.server_admin import ServerAdmin
from tenantry.servers.tenant_removal import TenantRemoval

_CONNECT = ConnectSettings(
    connect_timeout=5,
    statement_timeout_ms=20_000,
    application_name="tenantry-admin",
    lock_timeout_ms=LOCK_TIMEOUT_MS,
    administers=True,
)

# Nobody drops or renames this database.
_MAINTENANCE = "postgres"


def open_admin(credentials: Credentials, patience: Patience = DEFAULT_PATIENCE, stage: str = "") -> ServerAdmin:
    """Administer a server with these credentials; the database in them is ignored. Roles are marked as the stage's."""
    return ServerAdmin(connector_of(credentials, patience, stage))


def connector_of(credentials: Credentials, patience: Patience = DEFAULT_PATIENCE, stage: str = "") -> AdminConnect:
    """Return the function that connects to a server's databases with these credentials, whose database is ignored."""
    return _Connector(credentials, patience, stage, KeptSessions())


class _Connector:
    """Connects as a server's administrator; what is done there is as patient as it says."""

    def __init__(self, credentials: Credentials, patience: Patience, stage: str, kept: KeptSessions) -> None:
        # With this search path no function or operator of a tenant is found by name, so none runs as the administrator.
        self._credentials = replace(credentials, schema="pg_catalog")
        self._settings = replace(_CONNECT, patience=patience, stage=stage)
        self._kept = kept
        self.patience = patience

    def __call__(self, database: str) -> Any:
        credentials = replace(self._credentials, dbname=database)
        if database != _MAINTENANCE:
            return connect(credentials, self._settings)
        key = (credentials, replace(self._settings, rest_ms=REST_MS))
        return self._kept.take(key, lambda: connect(*key))


class Servers:
    """The servers of one stage."""

    def __init__(self, registry: Registry, secrets: ServerSecrets, patience: Patience = DEFAULT_PATIENCE) -> None:
        """Take the adapters, and how patient with others' locks is what is done on the servers."""
        self._registry = registry
        self._secrets = secrets
        self._patience = patience
        self._kept = KeptSessions()

    def begin(self) -> None:
        """Begin another piece of work, which finds the servers as they are registered by now."""
        self._secrets.forget()

    def get(self, server_id: str) -> Server:
        """Look a server up.

        :raises NotFound: the server is not registered.
        """
        server = self.find(server_id)
        if server is None:
            raise NotFound(
                "There is no such server.", code="server_unknown", hint="GET /admin/v1/servers lists those that are."
            )
        return server

    def find(self, server_id: str) -> Server | None:
        """Look a server up; None if it is not registered."""
        return self._registry.server(server_id)

    def all(self) -> list[Server]:
        """List all servers by id."""
        return list(self._registry.servers())

    def admin(self, server_id: str) -> ServerAdmin:
        """Administer a registered server.

        :raises NotFound: the server has no stored administrator.
        """
        return ServerAdmin(self.connector(server_id))

    def home(self, tenant_id: TenantId, home: Home) -> HomeAdmin:
        """Administer a tenant's home on its server.

        :raises NotFound: the server has no stored administrator.
        """
        return self.admin(home.server_id).home(tenant_id, home)

    def is_adopted(self, tenant_id: TenantId, database: str) -> bool:
        """Tell whether a tenant was adopted with a database of that name, in which it lives.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        tenant = self._registry.tenant(tenant_id)
        return tenant is not None and tenant.adopted_database == database

    def removal(self, server_id: str) -> TenantRemoval:
        """Return the remover of tenants' roles for a registered server.

        :raises NotFound: the server has no stored administrator.
        """
        return TenantRemoval(self.connector(server_id))

    def inspector_roles(self, server_id: str) -> InspectorRoles:
        """Return the maker of inspectors for a registered server.

        :raises NotFound: the server has no stored administrator.
        """
        return InspectorRoles(self.connector(server_id))

    def connector(self, server_id: str) -> AdminConnect:
        """Return the function that connects to a registered server's databases as its administrator.

        :raises NotFound: the server has no stored administrator.
        """
        return _Connector(self.administrator(server_id), self._patience, self._secrets.stage, self._kept)

    def administrator(self, server_id: str) -> Credentials:
        """Return the credentials of a registered server's administrator.

        :raises NotFound: the server has no stored administrator.
        """
        return self._credentials(server_id)

    def require_room(self, server_id: str, region: str) -> Server:
        """Return the server for a tenant that is to go there, if it may.

        :param region: the only region in which the tenant's data may lie; empty if any will do.
        :raises NotFound: the server is not registered.
        :raises Conflict: the server is being drained, is full, or lies in another region.
        """
        server = self.get(server_id)
        if server.status is ServerStatus.LOST:
            raise Conflict("The server is lost.", code="server_lost", hint="Choose another, or register it anew.")
        if server.status is not ServerStatus.ACTIVE:
            raise Conflict("The server is being drained.", code="server_draining", hint="Choose another.")
        if region not in ("", server.region):
            raise Conflict(
                "The tenant's data must not leave its region.",
                code="other_region",
                details=f"region {region}",
                hint="Choose a server of that region.",
            )
        if self.tenants_by_server()[server_id] >= server.max_tenants:
            raise Conflict("The server is full.", code="server_full", hint="Choose another, or raise its max_tenants.")
        return server

    def _credentials(self, server_id: str) -> Credentials:
        credentials = self._secrets.find(server_id)
        if credentials is None:
            raise NotFound("The server's administrator is not known.", code="server_unknown", hint="Register it.")
        return credentials

    def is_lost(self, server_id: str) -> bool:
        """Tell whether a server is lost for good, or not registered any more.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        server = self._registry.server(server_id)
        return server is None or server.status is ServerStatus.LOST

    def are_one(self, here: str, there: str) -> bool:
        """Tell whether two ids lead to one running server, as they do at this moment.

        :raises NotFound: one of them has no stored administrator.
        :raises TenantryError: one of them did not answer.
        """
        return here != there and are_one(self.connector(here), self.connector(there))

    def require_two(self, here: str, there: str) -> None:
        """Make sure that two ids are not one server's, before anything is made anew or dropped on one of them.

        :raises Conflict: they are (`same_server`).
        :raises TenantryError: one of them did not answer.
        """
        if self.are_one(here, there):
            raise same_server(f"{here}, {there}")

    def place(self, wanted: Wanted) -> Server:
        """Choose the least loaded server that fits a tenant; the load is the number of tenants per place.

        :raises Conflict: no server fits; the details name the region and labels asked for.
        """
        load = self.tenants_by_server()
        free = [
            server
            for server in self._registry.servers()
            if server.status is ServerStatus.ACTIVE
            and wanted.allows(server)
            and load[server.server_id] < server.max_tenants
        ]
        if not free:
            asked = f"region {wanted.region or 'any'}, labels {' '.join(sorted(wanted.labels)) or 'none'}"
            raise Conflict(
                "No server has room for such a tenant.",
                code="no_server",
                details=asked,
                hint="Register a server with that region and those labels, or raise max_tenants of one.",
            )
        return min(free, key=lambda server: (load[server.server_id] / server.max_tenants, server.server_id))

    def tenants_by_server(self) -> Counter[str]:
        """Count the tenants of each server. :raises DependencyFailed: DynamoDB did not answer."""
        return Counter(tenant.server_id for tenant in self._registry.tenants())

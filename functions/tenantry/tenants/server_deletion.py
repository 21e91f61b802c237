"""Takes a server off the registry, once nothing of a tenant's can lie there any more."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.errors import Conflict, NotFound
from tenantry.domain.server import Server, ServerStatus
from tenantry.domain.tenant import Tenant
from tenantry.operations.operations import Operations
from tenantry.servers.servers import Servers

# Of an operation's facts: the places that it takes a tenant from or to.
_PLACES = ("home", "former", "source", "target", "former_home")
_NAMED = 5


class ServerDeletion:
    """Takes servers off the registry. What is on the server itself stays as it is."""

    def __init__(self, registry: Registry, secrets: ServerSecrets, servers: Servers, operations: Operations) -> None:
        """Take the adapters."""
        self._registry = registry
        self._secrets = secrets
        self._servers = servers
        self._operations = operations

    def delete(self, server_id: str) -> Server:
        """Forget a server and its administrator.

        :raises NotFound: the server is not registered.
        :raises Conflict: tenants live there, may return there or have left something there (`server_in_use`).
        """
        server = self._servers.get(server_id)
        self._require_unused(server_id)
        # Whoever was placed there meanwhile is found by the second look, and nobody is after it.
        self._registry.put_server(replace(server, status=ServerStatus.DRAINING))
        self._require_unused(server_id)
        self._secrets.delete(server_id)
        self._registry.delete_server(server_id)
        return server

    def _require_unused(self, server_id: str) -> None:
        named: dict[str, list[str]] = {}
        for tenant in self._registry.tenants():
            for why in self._uses(tenant, server_id):
                named.setdefault(why, []).append(tenant.tenant_id.value)
        if named:
            raise Conflict(
                "Tenants live on the server, may return to it, or have left something there.",
                code="server_in_use",
                details="; ".join(f"{why}: {_listed(tenants)}" for why, tenants in sorted(named.items())),
                hint="Move or erase those that live there, and confirm or undo the moves from there.",
            )

    def _uses(self, tenant: Tenant, server_id: str) -> Iterator[str]:
        if tenant.server_id == server_id:
            yield "lives there"
        if tenant.former_home and tenant.former_home.server_id == server_id:
            yield "may return there"
        if any(left.home.server_id == server_id for left in tenant.left_behind):
            yield "has left something there"
        if tenant.relocation and server_id in self._places(tenant.relocation):
            yield "is on the way"

    def _places(self, operation_id: str) -> set[str]:
        try:
            facts: dict[str, Any] = self._operations.get(operation_id).facts
        except NotFound:
            return set()
        return {place["server_id"] for name in _PLACES if isinstance(place := facts.get(name), dict)}


def _listed(tenants: list[str]) -> str:
    more = f" and {len(tenants) - _NAMED} more" if len(tenants) > _NAMED else ""
    return ", ".join(tenants[:_NAMED]) + more

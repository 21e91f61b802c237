"""Open connections of an execution environment, one per tenant, least recently used first to go."""

import time
from collections import OrderedDict
from collections.abc import Callable

from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.tenant import TenantId


class ConnectionCache:
    """Bounded in number and age. Its only key is the tenant's id, and every connection knows its own tenant."""

    def __init__(self, capacity: int, max_age: int, max_idle: int) -> None:
        """Keep at most `capacity` connections, each for at most `max_age` seconds, and `max_idle` without a request.

        What lies between a function and a server may drop a connection that is idle, and tell neither of them: a
        request would wait for an answer that never comes.
        """
        self._capacity = capacity
        self._max_age = max_age
        self._max_idle = max_idle
        self._used_at: dict[TenantId, tuple[float, float]] = {}
        self._connections: OrderedDict[TenantId, TenantConnection] = OrderedDict()

    def get(
        self, tenant_id: TenantId, open_one: Callable[[TenantId], TenantConnection]
    ) -> tuple[TenantConnection, bool]:
        """Return the tenant's connection and whether it was just opened.

        :raises TenantryError: as `open_one` does.
        """
        connection = self._connections.get(tenant_id)
        # While an environment is frozen, which of its clocks go on is not documented.
        now, clock = time.monotonic(), time.time()
        if connection is not None:
            used, used_by_clock = self._used_at[tenant_id]
            is_fresh = now - connection.opened_at < self._max_age
            if is_fresh and max(now - used, clock - used_by_clock) < self._max_idle and connection.is_alive:
                self._connections.move_to_end(tenant_id)
                self._used_at[tenant_id] = now, clock
                return connection, False
            self.forget(tenant_id)
        # Make room first: two tenants' connections over the limit, even for a moment, would break the server's budget.
        while len(self._connections) >= self._capacity:
            self.forget(next(iter(self._connections)))
        connection = self._connections[tenant_id] = open_one(tenant_id)
        self._used_at[tenant_id] = now, clock
        return connection, True

    def schema_of(self, tenant_id: TenantId) -> str | None:
        """Name the schema of the tenant's open connection; None where there is none yet."""
        connection = self._connections.get(tenant_id)
        return connection.schema if connection else None

    def forget(self, tenant_id: TenantId) -> None:
        """Close and drop one tenant's connection."""
        connection = self._connections.pop(tenant_id, None)
        self._used_at.pop(tenant_id, None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Close all of them."""
        for tenant_id in list(self._connections):
            self.forget(tenant_id)

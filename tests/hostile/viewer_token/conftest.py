"""A viewer of a tenant whose tables may hold much."""

from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.worst_requests import HEAVY_TABLES, LIGHT_TABLES, Worst, event_of
from handlers import query_tenant
from tenantry.domain.tenant import TenantId, owner_role
from tests.integration.conftest import Reply, World, request_event


@dataclass
class Viewer:
    """Sends requests as a viewer of one tenant."""

    world: World
    tenant: TenantId

    def get(self, path: str, *, role: str = "viewer", headers: Any = None, **query: str) -> Reply:
        """Read a table, or `rpc/function`."""
        base = request_event(self.tenant, "GET", path, role=role, body=None, prefer="", query={})
        event = event_of(Worst("", path, query), base)
        event["multiValueHeaders"] = {name: [value] for name, value in (headers or {}).items()}
        return self.send(event)

    def send(self, event: dict[str, Any]) -> Reply:
        """Send an event as it is."""
        answer = query_tenant.handler(event, None)
        return Reply(answer["statusCode"], answer["body"], answer["headers"])

    def call(self, function: str, arguments: Any, method: str = "POST", *, role: str = "viewer") -> Reply:
        """Call a function by name: by GET with arguments in the URL, or by POST with a body."""
        if method == "GET":
            return self.get(f"rpc/{function}", role=role, **arguments)
        event = request_event(self.tenant, method, "", role=role, body=arguments, prefer="", query={})
        return self.send(event | {"pathParameters": {"function": function}})

    def write(self, method: str, table: str, body: Any = None, prefer: str = "", **query: str) -> Reply:
        """Change rows as an editor."""
        return self.world.call(self.tenant, method, table, role="editor", body=body, prefer=prefer, **query)

    def run(self, statement: str) -> list[Any]:
        """Do something as the tenant's owner."""
        return self.world.execute(statement, self.tenant.value, owner_role(self.tenant))

    def new_connection(self) -> None:
        """Forget what the function keeps."""
        query_tenant._data_requests()._connections.close()

    def pid(self) -> int:
        """Give the process that serves that connection."""
        return int(self.connection().get_backend_pid())

    def connection(self) -> Any:
        """Give the connection that the function keeps, of psycopg2's."""
        return query_tenant._data_requests()._connections._connections[self.tenant]._connection


@pytest.fixture(scope="module")
def viewer(world: World) -> Viewer:
    made = Viewer(world, world.tenants[0])
    made.run(LIGHT_TABLES)
    return made


@pytest.fixture(scope="module")
def heavy(viewer: Viewer) -> None:
    """Make the tables that hold much, which takes a second."""
    viewer.run(HEAVY_TABLES)

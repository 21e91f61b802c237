"""A PostgreSQL server besides the running stack's two, which an operator registers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from local.postgres_server import PostgresServer
from tenantry.domain.server import server_secret_name
from tests.e2e.api import Api
from tests.e2e.living import administer
from tests.postgres import temporary_postgres

REGION = "eu-west-1"
# Only this server has it.
LABEL = "third"
ADMINISTRATOR, PASSWORD = "platform", "the platform's own password"


@dataclass
class ThirdServer:
    """A server with an administrator who is no superuser, but may make roles and databases."""

    api: Api
    postgres: PostgresServer
    registered: set[str] = field(default_factory=set)

    def body(self, **change: Any) -> dict[str, Any]:
        """The body of an operator's request to register the server."""
        admin = {"username": ADMINISTRATOR, "password": PASSWORD}
        place = {"region": REGION, "host": self.postgres.host, "port": self.postgres.port, "sslmode": "disable"}
        return place | {"labels": ["ssd", LABEL], "max_tenants": 5, "admin": admin} | change

    def register(self, server_id: str = "third", **change: Any) -> dict[str, Any]:
        """Register the server, or change its registration."""
        self.registered.add(server_id)
        report: dict[str, Any] = administer(self.api, "PUT", f"/servers/{server_id}", json=self.body(**change))
        return report

    def execute(self, statements: str) -> None:
        """Run statements as the server's superuser."""
        with closing(self.postgres.connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statements)

    def forget(self) -> None:
        """Remove the server from the stack's registry and secrets."""
        for server_id in self.registered:
            key = {"pk": {"S": "SERVER"}, "sk": {"S": server_id}}
            self.api.aws("dynamodb").delete_item(TableName=self.api.stack.registry_table, Key=key)
            self.api.aws("secretsmanager").delete_secret(
                SecretId=server_secret_name("local", server_id), ForceDeleteWithoutRecovery=True
            )
        self.registered.clear()


@contextmanager
def third_server(api: Api) -> Iterator[ThirdServer]:
    """Start a third server, and remove it with all its files in the end."""
    with temporary_postgres("third") as postgres:
        server = ThirdServer(api, postgres)
        server.execute(
            f"CREATE ROLE {ADMINISTRATOR} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD.replace("'", "''")}'"
        )
        server.execute(f"GRANT SET ON PARAMETER tenantry.tenant_id TO {ADMINISTRATOR}")
        yield server

"""Opens inspections of the world's tenants, and closes them as the functions do."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest

from tenantry.access.inspection import KIND, Inspection, InspectionRequest, Inspections, closing_steps
from tenantry.access.pass_file_store import PassFileStore
from tenantry.aws.clients import aws_client
from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.secret_store import ServerSecrets
from tenantry.aws.timer import Timer
from tenantry.domain.credentials import Credentials
from tenantry.domain.operation import Operation
from tenantry.domain.paging import PageRequest
from tenantry.domain.pgadmin import DeskFiles
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationFilter, OperationStore
from tenantry.operations.operations import Operations, Performer
from tenantry.servers.servers import Servers
from tests.integration.conftest import REGION, STAGE, TABLE, World

OPERATOR = "op-1"


class PerformedHere(FunctionInvoker):
    """Performs an operation as soon as it is started, in the same process."""

    def __init__(self, performer: Performer) -> None:
        self.performer = performer

    def start(self, event: dict[str, str]) -> None:
        self.performer.perform(event["operation_id"])


@dataclass
class Desk:
    """An operator's desk: opens inspections, and reads their traces in Secrets Manager, the timer and the server."""

    world: World
    inspections: Inspections
    store: OperationStore
    performer: Performer
    secrets: Any
    scheduler: Any

    def open(self, *tenants: TenantId, hours: int = 8, files: DeskFiles | None = None) -> Inspection:
        return self.inspections.open(InspectionRequest(tenants, hours, files or DeskFiles()), OPERATOR)

    def shown(self) -> list[dict[str, Any]]:
        return list(self.inspections.page(PageRequest()).items)

    def close(self, look: Inspection) -> Operation:
        return self.performer.perform(look.operation_id)

    def pass_lines(self, look: Inspection) -> list[str]:
        text: str = self.secrets.get_secret_value(SecretId=look.secret)["SecretString"]
        return text.splitlines()

    def login(self, look: Inspection, number: int = 1) -> dict[str, Any]:
        """Build libpq's parameters for one of the logins, from the operator's answer."""
        entry = look.servers["Servers"][str(number)]
        host, port, database, user, password = self.pass_lines(look)[number - 1].split(":")
        assert (host, int(port), database, user) == (
            entry["Host"],
            entry["Port"],
            entry["MaintenanceDB"],
            entry["Username"],
        )
        return {"host": host, "port": port, "dbname": database, "user": user, "password": password}

    def connect(self, look: Inspection, number: int = 1, **other: Any) -> Any:
        connection = psycopg2.connect(**self.login(look, number) | other)
        connection.autocommit = True
        return connection

    def ask(self, look: Inspection, statement: str) -> list[Any]:
        with closing(self.connect(look)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def refused(self, look: Inspection, statement: str) -> str:
        """Return the SQLSTATE with which a statement is refused."""
        with pytest.raises(psycopg2.Error) as refusal:
            self.ask(look, statement)
        return str(refusal.value.pgcode)

    def logins(self) -> list[str]:
        return [
            name for (name,) in self.world.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE '%\\_inspect\\_%'")
        ]


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    server, dynamodb = world.server, aws_client("dynamodb", REGION)
    secrets, scheduler = aws_client("secretsmanager", REGION), aws_client("scheduler", REGION)
    administrators = ServerSecrets(secrets, STAGE)
    world.registry.put_server(Server("local", REGION, server.host, server.port, sslmode="disable"))
    administrators.write(
        "local", Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")
    )
    servers, store, pass_files = (
        Servers(world.registry, administrators),
        OperationStore(dynamodb, TABLE),
        PassFileStore(secrets, STAGE),
    )
    performer = Performer(store, Leases(dynamodb, TABLE), {KIND: closing_steps(servers, pass_files)})
    timer = Timer(
        scheduler,
        "arn:aws:lambda:ap-south-1:123456789012:function:perform",
        "arn:aws:iam::123456789012:role/timer",
    )
    operations = Operations(store, PerformedHere(performer), timer)
    inspections = Inspections(world.registry, world.secrets, servers, pass_files, operations, STAGE)
    made = Desk(world, inspections, store, performer, secrets, scheduler)
    yield made
    for operation in store.walk(OperationFilter(kind=KIND)):
        performer.perform(operation.operation_id)
    assert made.logins() == []

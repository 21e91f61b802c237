"""Renames of tenants, on a server whose administrator is no superuser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from handlers import query_tenant
from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.secret_store import ServerSecrets
from tenantry.aws.timer import Timer
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.operation import Operation
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantId
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Operations, Performer, Step
from tenantry.servers.servers import Servers
from tenantry.tenants.rename_requests import RenameRequests
from tenantry.tenants.renaming import KIND, RenamingTools, TenantRenamer
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory
from tests.integration.conftest import (
    IMPATIENT,
    REGION,
    STAGE,
    TABLE,
    World,
)
from tests.integration.homes.conftest import candidate, new_id, provision, remove
from tests.postgres import superuser_session, temporary_postgres

ADMINISTRATOR = "keeper"
BACKUP_ROLES = ("dump", "count")
ROLES = ("owner", "editor", "viewer", "login_a", "login_b", *BACKUP_ROLES)
STEPS = ("reserve", "stop", "rename_roles", "rename_home", "rename_secret", "usage_key", "serve", "users", "finish")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own: its shared databases are made by an administrator who is no superuser."""
    with temporary_postgres("for renames") as server:
        yield server


@pytest.fixture(scope="module")
def world(empty_world: World) -> World:
    """The usual world, without tenants that a superuser made."""
    return empty_world


class StartedOnly(FunctionInvoker):
    """Records started operations; a test performs them when it likes."""

    def __init__(self) -> None:
        self.events: list[dict[str, str]] = []

    def start(self, event: dict[str, str]) -> None:
        self.events.append(event)


class UserPool:
    """The part of Cognito that a rename needs; tests/e2e/test_renaming.py uses the real one."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, str]] = {}
        self.signed_out: list[str] = []
        missing = type("UserNotFoundException", (Exception,), {})
        self.exceptions = SimpleNamespace(UserNotFoundException=missing, UsernameExistsException=KeyError)

    def admin_create_user(self, *, Username: str, UserAttributes: Any, **_: Any) -> None:  # noqa: N803
        self.users[Username] = {item["Name"]: item["Value"] for item in UserAttributes}

    def admin_update_user_attributes(self, *, Username: str, UserAttributes: Any, **_: Any) -> None:  # noqa: N803
        self._user(Username).update({item["Name"]: item["Value"] for item in UserAttributes})

    def admin_user_global_sign_out(self, *, Username: str, **_: Any) -> None:  # noqa: N803
        self._user(Username)
        self.signed_out.append(Username)

    def admin_delete_user(self, *, Username: str, **_: Any) -> None:  # noqa: N803
        del self.users[Username]

    def get_paginator(self, _: str) -> "UserPool":
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for name, attributes in list(self.users.items()):
            listed = [{"Name": key, "Value": value} for key, value in attributes.items()]
            yield {"Users": [{"Username": name, "Attributes": listed}]}

    def _user(self, name: str) -> dict[str, str]:
        if name not in self.users:
            raise self.exceptions.UserNotFoundException()
        return self.users[name]


@dataclass
class Stand:
    """The renaming code, and the tenants that are made for it."""

    world: World
    servers: Servers
    users: UserDirectory
    pool: "UserPool"
    made: list[TenantId] = field(default_factory=list)

    def __post_init__(self) -> None:
        dynamodb = aws_client("dynamodb", REGION)
        self.store, self.leases = OperationStore(dynamodb, TABLE), Leases(dynamodb, TABLE)
        self.usage_plans = UsagePlans(aws_client("apigateway", REGION), STAGE)
        arn = "arn:aws:iam::123456789012:role/timer"
        timer = Timer(aws_client("scheduler", REGION), arn, arn)
        self.invoker = StartedOnly()
        self.operations = Operations(self.store, self.invoker, timer)
        self.requests = RenameRequests(
            self.world.registry, self.world.secrets, self.servers, self.leases, self.operations
        )

    def renamer(self) -> TenantRenamer:
        registry, secrets = self.world.registry, self.world.secrets
        tools = RenamingTools(registry, self.servers, secrets, self.users, self.usage_plans, self.leases)
        return TenantRenamer(tools)

    def connect(self, database: str) -> Any:
        login = {"user": ADMINISTRATOR, "password": ADMINISTRATOR, "options": IMPATIENT}
        return superuser_session(self.world.server, database, **login)

    def make(self, model: Isolation, rows: int = 3) -> TenantId:
        """Make a tenant with so many candidates and a user."""
        tenant_id = new_id("r")
        self.made.append(tenant_id)
        provision(self.world, tenant_id, model, self.connect)
        for number in range(rows):
            reply = self.world.call(tenant_id, "POST", body=candidate(f"{tenant_id}-{number}"))
            assert reply.status == 201, reply.text
        self.usage_plans.ensure(tenant_id, "standard")
        self.users.ensure_admin(tenant_id, f"boss@{tenant_id}.example.com")
        return tenant_id

    def free_id(self) -> TenantId:
        """A free id, whose tenant is removed in the end."""
        self.made.append(new_id("n"))
        return self.made[-1]

    def tenant(self, tenant_id: TenantId) -> Tenant:
        tenant = self.world.registry.tenant(tenant_id)
        assert tenant, f"{tenant_id} is unknown"
        return tenant

    def begin(self, old: TenantId, new: TenantId) -> Operation:
        return self.requests.start(old, new, "op-1")

    def perform(self, operation: Operation, cut_after: str = "", cut_before: str = "") -> Operation:
        """Perform a rename, or let its worker die before or after a step."""

        def cut(step: Step) -> Callable[[Operation], None]:
            def run(operation: Operation) -> None:
                if step.name == cut_after:
                    step.run(operation)
                raise DependencyFailed(code="cut")

            return run

        steps = [
            step._replace(run=cut(step)) if step.name in {cut_after, cut_before} else step
            for step in self.renamer().steps()
        ]
        return Performer(self.store, self.leases, {KIND: steps}).perform(operation.operation_id)

    def rename(self, old: TenantId, new: TenantId) -> Operation:
        return self.perform(self.begin(old, new))

    def names(self, tenant_id: TenantId) -> list[str]:
        reply = self.world.call(tenant_id, select="name", order="name")
        assert reply.status == 200, reply.text
        return [row["name"] for row in reply.json]

    def roles(self, tenant_id: TenantId) -> list[str]:
        found = self.world.execute(f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{tenant_id}_')")
        return sorted(name for (name,) in found)

    def databases(self) -> set[str]:
        return {name for (name,) in self.world.execute("SELECT datname FROM pg_database")}

    def assert_renamed(self, old: TenantId, new: TenantId, names: list[str]) -> None:
        """Check that everything is under the new id and nothing under the old one, and that the rows are the same."""
        assert self.names(new) == names
        assert self.world.call(old).status in {403, 404}
        # Only who has tables of its own has logins for backups.
        credentials = self.world.secrets.find(new)
        assert credentials
        is_pooled = credentials.isolation is Isolation.POOLED
        roles = ROLES[: -len(BACKUP_ROLES)] if is_pooled else ROLES
        assert (self.roles(old), self.roles(new)) == ([], sorted(f"{new}_{suffix}" for suffix in roles))
        assert old.value not in self.databases()
        assert not self.world.secrets.exists(old)
        assert (self.usage_plans.exists(old), self.usage_plans.exists(new)) == (False, True)
        assert (self.users.find(old), len(self.users.find(new))) == ([], 1)
        tenant, former = self.tenant(new), self.world.registry.former_id(old)
        assert (tenant.status.value, tenant.relocation, old in tenant.former_ids) == ("active", "", True)
        assert tenant.usage_key
        assert former
        assert former.successor == new
        assert self.world.registry.tenant(old) is None

    def forget(self) -> None:
        query_tenant._data_requests()._connections.close()
        for tenant_id in self.made:
            remove(self.world, tenant_id)
            self.usage_plans.delete(tenant_id)
            for user in self.users.find(tenant_id):
                self.users.delete(user)


@pytest.fixture(scope="module")
def servers(world: World) -> Servers:
    """The server, registered with an administrator who may make roles and databases and no more."""
    world.execute(f"CREATE ROLE {ADMINISTRATOR} LOGIN CREATEROLE CREATEDB PASSWORD '{ADMINISTRATOR}'")
    world.execute(f"GRANT SET ON PARAMETER tenantry.tenant_id TO {ADMINISTRATOR}")
    server, store = world.server, ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    world.registry.put_server(Server("local", REGION, server.host, server.port, sslmode="disable"))
    store.write("local", Credentials(server.host, server.port, "postgres", ADMINISTRATOR, ADMINISTRATOR, "disable"))
    return Servers(world.registry, store)


@pytest.fixture
def stand(world: World, servers: Servers) -> Iterator[Stand]:
    pool = UserPool()
    made = Stand(world, servers, UserDirectory(pool, "pool"), pool)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.forget()


def now() -> datetime:
    return datetime.now(UTC)

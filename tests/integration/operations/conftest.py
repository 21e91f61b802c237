"""An operator and a worker on two real servers: the real handlers, and a worker that fails at whatever step."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from handlers import perform_operation
from handlers.settings.administration import administration_settings
from handlers.settings.operation import operation_settings
from handlers.wiring import services as wiring
from local.postgres_server import PostgresServer
from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.domain.errors import DatabaseUnavailable, TenantryError
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.operations.operation_store import OperationFilter, OperationStore
from tenantry.operations.operations import Performer, Step
from tests.integration.conftest import TABLE, Reply, World
from tests.integration.homes.conftest import new_id
from tests.integration.relocation.conftest import Cut, second_postgres, servers_of_the_module
from tests.integration.restores.conftest import ROWS, Context, Vault, s3
from tests.integration.tenants.test_administration import Operator

__all__ = ["Desk", "Fault", "Lodgers", "lodgers", "s3", "second_postgres", "servers_of_the_module"]

SERVERS = ("here", "there")
_ARN = "arn:aws:lambda:ap-south-1:123456789012:function"
_FEW = 8


@dataclass(frozen=True)
class Fault:
    """A step at which the worker fails (`after` its work), or dies (`cut`): nothing of ours runs then."""

    step: str
    how: str = "after"

    def wrap(self, step: Step) -> Step:
        """Return the step with the fault in it, if it is the one."""
        if step.name != self.step:
            return step

        def run(operation: Operation) -> Any:
            step.run(operation)
            raise Cut if self.how == "cut" else DatabaseUnavailable

        return step._replace(run=run)


class Desk:
    """An operator who calls the API, and a worker that performs what was started."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._operator = Operator(vault.world)

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        """Call the API as an operator does."""
        return self._operator.call(method, path, body)

    def start(self, call: str, body: Any = None) -> str:
        """Make a call that starts an operation; returns the operation's id."""
        method, _, path = call.partition(" ")
        reply = self.call(method, path if path.startswith("/admin") else f"/admin/v1{path}", body)
        assert reply.status < 300, f"{call} {body}: {reply.text}"
        found = reply.json
        return str(found.get("operation_id", "")) if isinstance(found, dict) else ""

    def perform(self, operation_id: str, fault: Fault | None = None) -> None:
        """Perform an operation with the worker's own wiring; it may fail."""
        perform_operation._deadline.begin(Context())
        whole = perform_operation._performer()
        wrap: Callable[[Step], Step] = fault.wrap if fault else lambda step: step
        flows = {kind: [wrap(step) for step in steps] for kind, steps in whole._workflows.items()}
        performer = Performer(whole._store, whole._leases, flows, whole._compensations)
        with suppress(TenantryError, *([Cut] if fault else [])):
            performer.perform(operation_id)

    def do(self, call: str, body: Any = None, fault: Fault | None = None) -> str:
        """Start an operation and perform it; without a fault it succeeds."""
        operation_id = self.start(call, body)
        self.perform(operation_id, fault)
        if fault is None:
            found = self.get(operation_id)
            assert found["status"] == "succeeded", found
        return operation_id

    def get(self, operation_id: str) -> dict[str, Any]:
        """Look an operation up over the API."""
        reply = self.call("GET", f"/admin/v1/operations/{operation_id}")
        assert reply.status == 200, reply.text
        return dict(reply.json)

    def follow(self, operation_id: str, which: int = 0) -> list[str]:
        """Do what an operation's `next` says until there is nothing to do; the first time, the call of that number.

        Every call has to be accepted. Returns the calls' meanings.
        """
        meanings: list[str] = []
        for _ in range(_FEW):
            found = self.get(operation_id)
            if found["status"] == "succeeded":
                assert found["next"] == []
                return meanings
            assert found["next"], found
            call = found["next"][min(which, len(found["next"]) - 1)]
            which = 0
            meanings.append(call["meaning"])
            if call["call"] is None:
                return meanings
            operation_id = self.start(call["call"], call["body"]) or operation_id
            self.perform(operation_id)
        raise AssertionError(f"{meanings}: {self.get(operation_id)}")

    def add(self, isolation: Isolation = Isolation.DATABASE, server: str = "here") -> TenantId:
        return self.vault.add(isolation, server)

    def free_id(self) -> TenantId:
        made = new_id("w")
        self.vault.made.append(made)
        return made

    def rows(self, tenant_id: TenantId) -> list[Any]:
        return self.vault.run_as(tenant_id, ROWS)

    def write(self, tenant_id: TenantId) -> None:
        """Write a row as the tenant does: it is served, and lets itself be written."""
        mail = f"{time.monotonic_ns()}@example.com"
        self.vault.run_as(tenant_id, f"INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', '{mail}')")

    def settle(self, tenant_id: TenantId) -> None:
        """See that the tenant is served and nothing holds it, and confirm where it came."""
        tenant = self.vault.tenant(tenant_id)
        assert (tenant.status.value, tenant.relocation) == ("active", ""), tenant
        self.write(tenant_id)
        if tenant.former_home:
            self.do(f"POST /tenants/{tenant_id}/confirm")

    def use_up(self, tenant_id: TenantId) -> None:
        """Back the tenant up, move it and erase it: all of that can be done to one that nothing holds."""
        self.settle(tenant_id)
        self.vault.back_up(tenant_id)
        here = self.vault.tenant(tenant_id).server_id
        self.do(f"POST /tenants/{tenant_id}/move", {"server_id": other(here)})
        self.settle(tenant_id)
        self.do(f"DELETE /tenants/{tenant_id}", erasure(tenant_id))
        assert self.call("GET", f"/admin/v1/tenants/{tenant_id}").status == 404
        assert [found for found in self.vault.traces(tenant_id).values() if found] == []


class Lodgers:
    """Tenants that the tests of a module use one after the other; whoever comes last uses them up."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._free: dict[Isolation, TenantId] = {}

    @contextmanager
    def lodge(self, isolation: Isolation) -> Iterator[TenantId]:
        """Give a tenant that nothing holds, and see that nothing does afterwards.

        One that a failing test leaves is not given to another.
        """
        tenant_id = self._free.pop(isolation, None) or self._desk.add(isolation)
        yield tenant_id
        self._desk.settle(tenant_id)
        self._free[isolation] = tenant_id

    def use_up(self) -> None:
        """See that all that can be done to a tenant can be done to each of these, and that nothing is left of it."""
        for tenant_id in self._free.values():
            self._desk.use_up(tenant_id)


def other(server: str) -> str:
    """Name the server that this is not."""
    return next(name for name in SERVERS if name != server)


def erasure(tenant_id: TenantId) -> dict[str, Any]:
    """Return the body of an erasure at once."""
    return {"tenant_id": tenant_id.value, "undo_hours": 0}


@pytest.fixture(scope="module")
def wired(servers_of_the_module: tuple[World, PostgresServer], s3: Any) -> Iterator[tuple[World, PostgresServer]]:
    """Wire both handlers with the local AWS; what they start is not performed by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPERATION_FUNCTION_ARN", f"{_ARN}:perform")
        patch.setenv("BACKUP_FUNCTION_ARN", f"{_ARN}:back-up")
        patch.setenv("TIMER_ROLE_ARN", "arn:aws:iam::123456789012:role/timer")
        patch.setenv("CONNECT_TIMEOUT_SECONDS", "2")
        patch.setattr(FunctionInvoker, "start", lambda *_: None)
        caches = (administration_settings, wiring.services, operation_settings, perform_operation._performer)
        for cached in caches:
            cached.cache_clear()
        yield servers_of_the_module
        for cached in caches:
            cached.cache_clear()


@pytest.fixture
def desk(wired: tuple[World, PostgresServer], s3: Any) -> Iterator[Desk]:
    vault = Vault(*wired, s3)
    try:
        yield Desk(vault)
    finally:
        vault.drop()
        forget_operations(vault.world)


@pytest.fixture(scope="module")
def lodgers(wired: tuple[World, PostgresServer], s3: Any) -> Iterator[Lodgers]:
    vault = Vault(*wired, s3)
    made = Lodgers(Desk(vault))
    try:
        yield made
        made.use_up()
    finally:
        vault.drop()


def forget_operations(world: World) -> None:
    """Delete all operations: whoever looks for one reads them all."""
    dynamodb = world.registry._dynamodb
    for operation in list(OperationStore(dynamodb, TABLE).walk(OperationFilter())):
        key = {"pk": {"S": "OPERATION"}, "sk": {"S": operation.operation_id}}
        dynamodb.delete_item(TableName=TABLE, Key=key)

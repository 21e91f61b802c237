"""A fleet of all three models on a server of its own, and rollouts that go over it as the state machine lets them."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.backups.progress_store import ProgressStore
from tenantry.backups.requests import BackupRequests
from tenantry.domain.credentials import Credentials
from tenantry.domain.patience import Patience
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantId
from tenantry.homes.factory import home_of
from tenantry.operations.leases import Leases
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.rollouts.backups_first import BackupsFirst
from tenantry.rollouts.conducting import Conductor, Next
from tenantry.rollouts.error_counts import ErrorCounts
from tenantry.rollouts.error_gate import ErrorGate
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.migrating import Tools, migrate_slice
from tenantry.rollouts.places import Places
from tenantry.rollouts.planning import RolloutOrder
from tenantry.rollouts.requests import Rollouts
from tenantry.rollouts.rollout import Entry, EntryState, Rollout, Rules, Wave
from tenantry.rollouts.rollout_store import RolloutStore
from tenantry.rollouts.sizes import Sizes
from tenantry.rollouts.slices import Slice, slice_from
from tenantry.rollouts.steering import Steering
from tenantry.servers.servers import Servers
from tests.integration.conftest import (
    ENVIRONMENT,
    ERROR_COUNTS,
    REGION,
    STAGE,
    TABLE,
    World,
    clear_caches,
    create_registry,
)
from tests.integration.homes.conftest import MODELS, new_id, provision
from tests.integration.revisions.conftest import Versions, copied_revisions, versions
from tests.postgres import temporary_postgres

__all__ = ["versions"]

ADD_NOTE = 'op.add_column("candidates", sa.Column("note", sa.Text))'
DROP_NOTE = 'op.drop_column("candidates", "note")'


class Machine:
    """Takes the place of Step Functions: the test lets executions run itself."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []

    def start(self, name: str, given: dict[str, Any]) -> None:
        assert name == f"{given['rollout_id']}-{given['execution']}"
        self.started.append(given)


class Clock:
    """The time that the conductor sees: it is later than it is by what a test has let pass."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.passed


class NoFindings:
    """A linter that has seen all, and found nothing."""

    def require_safe(self, steps: Any) -> None:
        """Find everything safe."""


class BackupFunction:
    """Takes the place of the function that backs a tenant up: remembers who was to be."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    def start(self, event: dict[str, str]) -> None:
        self.asked.append(event)


class Fleet:
    """Tenants, and what rolls revisions out to them."""

    def __init__(self, world: World) -> None:
        self.world, self.machine, self.backups = world, Machine(), BackupFunction()
        dynamodb = aws_client("dynamodb", REGION)
        administrators = ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
        postgres = world.server
        administrators.write(
            "local",
            Credentials(
                postgres.host, postgres.port, "postgres", postgres.admin_user, postgres.admin_password, "disable"
            ),
        )
        self.registry = world.registry
        self.registry.put_server(Server("local", REGION, postgres.host, postgres.port, sslmode="disable"))
        self.servers = Servers(self.registry, administrators, Patience(0.0))
        self.store, self.ledger = RolloutStore(dynamodb, TABLE), Ledger(dynamodb, TABLE)
        self.leases, self.progress = Leases(dynamodb, TABLE), ProgressStore(dynamodb, TABLE)
        machine: Any = self.machine
        self.rollouts = Rollouts(self.registry, self.store, self.ledger, machine, NoFindings())
        self.steering = Steering(self.store, self.ledger, machine)
        self.clock, self.counts = Clock(), ErrorCounts(dynamodb, ERROR_COUNTS)
        gate = ErrorGate(self.registry, self.counts)
        self.conductor = Conductor(self.registry, self.store, self.ledger, machine, gate, self.clock)
        self.sizes = Sizes({})
        self.made: list[TenantId] = []

    def add(self, *models: Isolation) -> list[TenantId]:
        made = [new_id("r") for _ in models]
        for tenant_id, model in zip(made, models, strict=True):
            provision(self.world, tenant_id, model)
        self.made += made
        return made

    def tools(self) -> Tools:
        invoker: Any = self.backups
        first = BackupsFirst(self.progress, BackupRequests(self.registry, self.progress, invoker))
        return Tools(Places(self.registry, self.servers), self.leases, self.store, self.ledger, first, self.sizes)

    def start(self, *waves: Wave, target: str = "head", **rules: Any) -> Rollout:
        return self.rollouts.start(RolloutOrder(target, waves, Rules(**rules)), "somebody")

    def work(self, slices: Sequence[dict[str, Any]]) -> None:
        """Let workers do their slices, all at the same time."""
        scripts = RenderedHistory(History())

        def work(order: Slice) -> None:
            migrate_slice(order, self.tools(), scripts, lambda: math.inf)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, map(slice_from, slices)))

    def run(self, rounds: int = 50, wait: bool = True) -> Rollout:
        """Let the newest execution run, as the state machine does, until it ends; what is waited for comes at once.

        :param wait: False: stop at the first wait.
        """
        given = self.machine.started[-1]
        for _ in range(rounds):
            found: Next = self.conductor.next(given["rollout_id"], given["execution"])
            if found.action == "work":
                self.work(found.slices)
            elif found.action == "end" or not wait:
                return self.store.get(given["rollout_id"])
            else:
                self.let_time_pass(given["rollout_id"])
        raise AssertionError("The rollout does not end.")

    def let_time_pass(self, rollout_id: str) -> None:
        """Let come at once what is waited for: another attempt, or the end of the soak time."""
        for entry in self.ledger.all(rollout_id):
            self.ledger.put(rollout_id, replace(entry, not_before=""))
        now = datetime.now(UTC)
        self.store.change(rollout_id, lambda one: replace(one, soak_until=now) if one.soak_until else one)

    def lose_patience(self, rollout_id: str) -> None:
        """Let the time be over that blocked homes are tried."""
        for entry in self.ledger.all(rollout_id):
            if entry.began_at:
                self.ledger.put(rollout_id, replace(entry, began_at="2020-01-01T00:00:00+00:00"))

    def entries(self, rollout: Rollout) -> dict[str, Entry]:
        return {entry.unit: entry for entry in self.ledger.all(rollout.rollout_id)}

    def states(self, rollout: Rollout) -> dict[str, EntryState]:
        return {unit: entry.state for unit, entry in self.entries(rollout).items()}

    def revisions(self) -> dict[str, str]:
        """What the registry says."""
        return {tenant.tenant_id.value: tenant.schema_revision for tenant in self.registry.tenants()}

    def remove(self) -> None:
        for rollout in self.store.newest(100):
            if not rollout.is_over:
                self.steering.cancel(rollout.rollout_id)
            # A report on others is not to read them.
            self.store._delete(rollout.rollout_id)
        for tenant in list(self.registry.tenants()):
            self.registry.delete_tenant(tenant.tenant_id)


@contextmanager
def lone_world() -> Iterator[World]:
    """Start a server of its own, with a registry and secrets."""
    with temporary_postgres("rollouts") as server, mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        clear_caches()
        yield World(server, create_registry(), SecretStore(aws_client("secretsmanager", REGION), STAGE))
        clear_caches()


def make_residents(world: World, folder: Path) -> list[Tenant]:
    """Make five tenants at the first revision: two databases, one schema, and two who share tables."""
    made = [new_id("r") for _ in range(5)]
    with copied_revisions(folder):
        for tenant_id, model in zip(made, (*MODELS, Isolation.DATABASE, Isolation.POOLED), strict=True):
            provision(world, tenant_id, model)
    found = [world.registry.tenant(tenant_id) for tenant_id in made]
    return [tenant for tenant in found if tenant]


@pytest.fixture(scope="module")
def own_world() -> Iterator[World]:
    """A server of its own: a file has it, as all of its AWS ends with it."""
    with lone_world() as world:
        yield world


@pytest.fixture(scope="module")
def residents(own_world: World, tmp_path_factory: pytest.TempPathFactory) -> list[Tenant]:
    """The tenants of that server."""
    return make_residents(own_world, tmp_path_factory.mktemp("first"))


@pytest.fixture
def fleet(own_world: World, versions: Versions, residents: list[Tenant]) -> Iterator[Fleet]:
    """The five tenants, as they were made."""
    made = Fleet(own_world)
    for tenant in residents:
        own_world.registry.put_tenant(tenant)
        made.made.append(tenant.tenant_id)
    yield made
    made.remove()
    for tenant in residents:
        take_back(own_world, tenant)


def take_back(world: World, tenant: Tenant) -> None:
    """Undo what a test's revisions and tenants have done to a home: making it anew takes ten times as long."""
    home = home_of(tenant, world.secrets.find(tenant.tenant_id))
    sweep = (Path(__file__).parent / "take_back.sql").read_text("utf-8").replace(":schema", f"'{home.schema}'")
    world.execute(sweep, home.database)

"""Rolls a revision out over tenants with databases of their own, and measures what each costs and who has to wait."""

import math
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.move import postgres_programs
from benchmarks.processor_time import processor_seconds
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import ERROR_COUNTS, PROJECT, STAGE, Stage, make_registry
from local.aws_server import REGION
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.patience import Patience
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId
from tenantry.operations.leases import Leases
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.rollouts.conducting import Conductor
from tenantry.rollouts.error_counts import ErrorCounts
from tenantry.rollouts.error_gate import ErrorGate
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.migrating import Tools, migrate_slice
from tenantry.rollouts.places import Places
from tenantry.rollouts.planning import RolloutOrder
from tenantry.rollouts.requests import Rollouts
from tenantry.rollouts.rollout import EntryState, Rollout, Rules, Wave
from tenantry.rollouts.rollout_store import RolloutStore
from tenantry.rollouts.safety import Safety
from tenantry.rollouts.sizes import Sizes
from tenantry.rollouts.slices import slice_from
from tenantry.rollouts.steering import Steering
from tenantry.servers.server_admin import ServerAdmin
from tenantry.servers.servers import Servers
from tenantry.tenants.provisioning import TenantRequest, provision_tenant

_TABLE = "tenantry-bench-rollouts"
_FEW, _MANY = 50, 200
_AT_ONCE = 4
_SECOND = '''"""A column."""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{revision}", "{before}"
def upgrade() -> None: op.add_column("candidates", sa.Column("note", sa.Text))
def downgrade() -> None: op.drop_column("candidates", "note")
'''
_AWS = "the local AWS"
_NOOP_MS, _APPLY_MS, _BLOCKED_SECONDS = 15.0, 130.0, 0.6


def run(stage: Stage) -> list[Result]:
    """A rollout over 200 databases where nothing is to be done (ms a tenant, and over that of 50 how linear), one that
    adds a nullable column (ms of a tenant's work; all over psql in a loop over the same databases; processor time of a
    tenant over that of such a loop, in both with PostgreSQL's and without the local AWS's), and the longest wait of
    another session while a reader holds a table that a revision wants.
    """
    with _fleet(stage) as fleet:
        fleet.make(_FEW)
        few = fleet.noop() / _FEW
        fleet.make(_MANY - _FEW)
        many = fleet.noop() / _MANY
        print(f"    nothing to do: {few * 1e3:.1f} ms a tenant of {_FEW}, {many * 1e3:.1f} of {_MANY}", flush=True)
        fleet.add_revision()
        before = fleet.spent()
        ours, work = fleet.apply()
        between = fleet.spent()
        theirs = fleet.psql()
        ours_spent, theirs_spent = _a_tenant(before, between), _a_tenant(between, fleet.spent())
        print(f"    a column: {ours:.1f} s with {_AT_ONCE} workers, psql in a loop {theirs:.1f} s", flush=True)
        print(f"    processor time of a tenant: {_told(ours_spent)}; with psql: {_told(theirs_spent)}", flush=True)
        fleet.revert()
        waited = fleet.blocked()
    return [
        Result("rollout_noop", "ms", many * 1e3, _NOOP_MS, at_most=1.0),
        Result("rollout_noop.linear", "ms", many * 1e3, few * 1e3, at_most=1.2),
        Result("rollout_apply.work", "ms", work * 1e3, _APPLY_MS, at_most=1.0),
        Result("rollout_apply", "s", ours, theirs, at_most=0.6),
        Result("rollout_apply.processor", "ms", *(_without_aws(spent) for spent in (ours_spent, theirs_spent))),
        Result("rollout_blocked", "s", waited, _BLOCKED_SECONDS, at_most=1.0),
    ]


def _a_tenant(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return by who computes the milliseconds of one tenant of many."""
    return {name: (after[name] - before[name]) * 1e3 / _MANY for name in after}


def _told(spent: dict[str, float]) -> str:
    return ", ".join(f"{name} {milliseconds:.1f} ms" for name, milliseconds in spent.items())


def _without_aws(spent: dict[str, float]) -> float:
    return sum(milliseconds for name, milliseconds in spent.items() if name != _AWS)


@dataclass(slots=True)
class _Machine:
    """Takes the place of Step Functions, whose own time is not what is measured."""

    started: list[dict[str, Any]] = field(default_factory=list)

    def start(self, _name: str, given: dict[str, Any]) -> None:
        """Remember what was started."""
        self.started.append(given)


@dataclass(slots=True)
class _Fleet:
    """Tenants on one server, and what rolls revisions out to them."""

    stage: Stage
    registry: Registry
    secrets: SecretStore
    servers: Servers
    tools: Tools
    rollouts: Rollouts
    steering: Steering
    conductor: Conductor
    machine: _Machine
    versions: Path
    names: list[str] = field(default_factory=list)
    last: str = ""

    def make(self, number: int) -> None:
        """Provision tenants with databases of their own."""
        place = self.registry.server("bench")
        if place is None:
            raise BenchmarkFailed("there is no server")
        for _ in range(number):
            tenant_id = TenantId(f"roll-{len(self.names):03}")
            provision_tenant(
                TenantRequest(tenant_id),
                server=place,
                admin=ServerAdmin(self.stage.connect),
                secret_store=self.secrets,
                registry=self.registry,
            )
            self.names.append(tenant_id.value)

    def add_revision(self) -> None:
        """Let the code have one revision more."""
        before = History().revisions[-1].revision_id
        revision = f"{int(before) + 1:04}"
        (self.versions / f"{revision}_note.py").write_text(_SECOND.format(revision=revision, before=before))

    def noop(self) -> float:
        """Roll out what everybody has; returns the seconds."""
        self._start()
        return self._finish()

    def apply(self) -> tuple[float, float]:
        """Roll the revision out; returns the seconds, and those of the work on one tenant, on average."""
        rollout = self._start()
        self.last = rollout.rollout_id
        seconds = self._finish()
        entries = self.tools.ledger.all(rollout.rollout_id)
        if {entry.state for entry in entries} != {EntryState.DONE}:
            raise BenchmarkFailed("not every tenant was migrated")
        return seconds, sum(entry.seconds for entry in entries) / len(entries)

    def revert(self) -> None:
        """Take it back."""
        self.rollouts.revert(self.last, "benchmark")
        self._finish()

    def psql(self) -> float:
        """Do the like with psql, in a loop over the same databases; returns the seconds."""
        postgres = self.stage.postgres
        environment = {
            **os.environ,
            "PGHOST": postgres.host,
            "PGPORT": str(postgres.port),
            "PGUSER": postgres.admin_user,
            "PGPASSWORD": postgres.admin_password,
            "PSQL": str(postgres_programs() / "psql"),
            "CHANGE": "SET lock_timeout = '500ms'; ALTER TABLE candidates ADD COLUMN remark text",
        }
        # A shell's loop: to start a program costs this process more.
        loop = 'for name in "$@"; do "$PSQL" -qX -v ON_ERROR_STOP=1 -1 -d "$name" -c "$CHANGE" || exit; done'
        began = time.perf_counter()
        subprocess.run(["/bin/sh", "-c", loop, "sh", *self.names], env=environment, check=True)
        return time.perf_counter() - began

    def spent(self) -> dict[str, float]:
        """Tell how long each has computed so far, in seconds: this process, those that it waited for, the servers."""
        times = os.times()
        return {
            "ours": times.user + times.system,
            "psql": times.children_user + times.children_system,
            **processor_seconds({"PostgreSQL": self.stage.postgres.pid, _AWS: self.stage.aws.pid}),
        }

    def blocked(self) -> float:
        """Roll out while a reader holds one tenant's table; returns the longest wait of a session that only reads."""
        held = self.names[0]
        over, waits = threading.Event(), [0.0]
        with closing(self.stage.postgres.connect(held)) as holder:
            holder.cursor().execute("SELECT count(*) FROM candidates")
            reader = threading.Thread(target=self._read, args=(held, over, waits))
            reader.start()
            try:
                rollout = self._start()
                self._finish(rounds=2)
            finally:
                over.set()
                reader.join()
        if self.tools.ledger.get(rollout.rollout_id, held).state is not EntryState.BLOCKED:
            raise BenchmarkFailed("nobody was in the way")
        self.steering.cancel(rollout.rollout_id)
        return max(waits)

    def _read(self, database: str, over: threading.Event, waits: list[float]) -> None:
        with closing(self.stage.connect(database)) as connection, connection.cursor() as cursor:
            while not over.is_set():
                began = time.perf_counter()
                cursor.execute("SELECT count(*) FROM candidates")
                waits.append(time.perf_counter() - began)

    def _start(self) -> Rollout:
        waves = (Wave("all", at_once_per_server=_AT_ONCE, max_failed=_MANY),)
        return self.rollouts.start(RolloutOrder(waves=waves, rules=Rules()), "benchmark")

    def _finish(self, rounds: int = 100) -> float:
        """Let the newest execution run; returns the seconds."""
        given, began = self.machine.started[-1], time.perf_counter()
        for _ in range(rounds):
            found = self.conductor.next(given["rollout_id"], given["execution"])
            if found.action == "end":
                return time.perf_counter() - began
            self._work(found.slices)
        return time.perf_counter() - began

    def _work(self, slices: Sequence[dict[str, Any]]) -> None:
        def work(event: dict[str, Any]) -> None:
            migrate_slice(slice_from(event), self.tools, RenderedHistory(History()), lambda: math.inf)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(work, slices))


@contextmanager
def _fleet(stage: Stage) -> Iterator[_Fleet]:
    versions = Path(shutil.copytree(PROJECT / "functions/migrations/versions", stage.directory / "versions"))
    os.environ["REVISIONS_DIRECTORY"] = str(versions)
    try:
        yield _wire(stage, versions)
    finally:
        del os.environ["REVISIONS_DIRECTORY"]


def _wire(stage: Stage, versions: Path) -> _Fleet:
    dynamodb, client = stage.aws.client("dynamodb"), stage.aws.client("secretsmanager")
    registry, administrators, postgres = make_registry(dynamodb, _TABLE), ServerSecrets(client, STAGE), stage.postgres
    administrators.write(
        "bench",
        Credentials(postgres.host, postgres.port, "postgres", postgres.admin_user, postgres.admin_password, "disable"),
    )
    registry.put_server(Server("bench", REGION, postgres.host, postgres.port, sslmode="disable"))
    servers = Servers(registry, administrators, Patience(2.0))
    machine: Any = _Machine()
    rollouts, ledger = RolloutStore(dynamodb, _TABLE), Ledger(dynamodb, _TABLE)
    # Nobody asks for a backup.
    backups: Any = _NoBackups()
    tools = Tools(Places(registry, servers), Leases(dynamodb, _TABLE, 900), rollouts, ledger, backups, Sizes({}))
    return _Fleet(
        stage=stage,
        registry=registry,
        secrets=SecretStore(client, STAGE),
        servers=servers,
        tools=tools,
        rollouts=Rollouts(registry, rollouts, ledger, machine, Safety({})),
        steering=Steering(rollouts, ledger, machine),
        conductor=Conductor(
            registry, rollouts, ledger, machine, ErrorGate(registry, ErrorCounts(dynamodb, ERROR_COUNTS))
        ),
        machine=machine,
        versions=versions,
    )


class _NoBackups:
    """Asks for none."""

    def require(self, *_: Any) -> None:
        """Do nothing."""

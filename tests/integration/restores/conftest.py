"""Tenants on two real servers, their backups in a bucket, and workers that restore them and can be cut off."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from psycopg2 import sql

from handlers import back_up_tenant
from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.backup import BackupId
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.operation import Operation
from tenantry.domain.residency import BackupBucket, BackupBuckets
from tenantry.domain.tenant import Home, Isolation, TenantId
from tenantry.homes.factory import home_of
from tenantry.operations.operations import Performer, Step
from tenantry.restores.archive.source import ArchiveSource
from tenantry.restores.requests import RestoreRequest, Restores
from tenantry.restores.scratch import ScratchOrder, ScratchRestorer
from tenantry.restores.steps import RestoreAdapters
from tenantry.restores.workflow import restoration_workflows
from tests.integration.conftest import REGION, World, clear_caches
from tests.integration.relocation.conftest import (  # noqa: F401
    BINARIES,
    ROWS,
    Cut,
    Yard,
    dying_after,
    second_postgres,
    servers_of_the_module,
)

BUCKET = "backups"
TOOLS = CopyTools(str(BINARIES), connect_timeout=5, lock_timeout_ms=2000)


class Vault(Yard):
    """Tenants, their backups, and the actions on these."""

    def __init__(self, world: World, second: PostgresServer, s3: Any, **others: Any) -> None:
        super().__init__(world, second, **others)
        self.s3 = s3
        self.catalogue = BackupCatalogue(s3, BUCKET)
        self.archives = ArchiveSource({BUCKET: s3})
        self.deadline = time.monotonic() + 60

    def restores(self) -> Restores:
        buckets = BackupBuckets(BackupBucket(REGION, BUCKET))
        return Restores(
            self.world.registry,
            self.world.secrets,
            self.servers,
            self.leases,
            self.operations,
            self.catalogue,
            buckets,
        )

    def start(self, backup: CataloguedBackup, **request: Any) -> Operation:
        whose = request.pop("tenant_id", backup.tenant_id)
        return self.restores().start(RestoreRequest(whose, backup.backup_id, **request), "op-1")

    def perform(
        self, operation: Operation, wrap: Callable[[Step], Step] = lambda step: step, seconds: float = 60
    ) -> Operation:
        """Perform an operation as the worker does, in a worker of its own."""
        self.deadline = time.monotonic() + seconds
        workflows, compensations = restoration_workflows(
            RestoreAdapters(
                self.world.registry,
                self.servers,
                self.world.secrets,
                self.catalogue,
                self.scratches(),
                TOOLS,
                ConnectSettings(application_name="tenantry-restore"),
                lambda: self.deadline,
            ),
            lambda tenant, admin_email: replace(tenant, usage_key=f"key of {tenant.tenant_id} {admin_email}"),
        )
        if operation.kind not in workflows:
            return super().perform(operation, wrap, seconds)
        wrapped = {kind: [wrap(step) for step in steps] for kind, steps in workflows.items()}
        return Performer(self.store, self.leases, wrapped, compensations).perform(operation.operation_id)

    def home(self, tenant_id: TenantId) -> Home:
        """Return a tenant's home."""
        return home_of(self.tenant(tenant_id), self.credentials(tenant_id))

    def scratches(self) -> ScratchRestorer:
        return ScratchRestorer(self.servers, self.archives, TOOLS, lambda: self.deadline)

    def back_up(self, tenant_id: TenantId) -> CataloguedBackup:
        answer = back_up_tenant.handler({"tenant_id": tenant_id.value, "trigger": "test"}, Context())
        found = self.catalogue.find(BackupId(answer["backup_id"]), tenant_id)
        assert found
        assert not found.broken
        return found

    def order(self, backup: CataloguedBackup, server: str = "here") -> ScratchOrder:
        assert backup.manifest
        name = f"{backup.tenant_id}_drill_{backup.backup_id.value[-10:].lower()}"
        return ScratchOrder(backup.manifest, backup.bucket, backup.tenant_id, server, name)

    def leftovers(self, tenant_id: TenantId) -> list[str]:
        """List this tenant's databases, schemas, logins and sessions that only a restore needs, and its programs."""
        found: list[str] = []
        for server in self.postgres:
            rows = self.execute(
                server,
                f"""SELECT 'database ' || datname FROM pg_database WHERE starts_with(datname, '{tenant_id}_')
                    UNION ALL SELECT 'login ' || rolname FROM pg_roles WHERE rolname = '{tenant_id}_copy'
                    UNION ALL SELECT 'session of ' || usename FROM pg_stat_activity
                    WHERE usename = '{tenant_id}_copy'""",
            )
            found += [name for (name,) in rows]
            if self.execute(server, "SELECT 1 FROM pg_database WHERE datname = 'tenantry_schemas'"):
                query = f"SELECT 'schema ' || nspname FROM pg_namespace WHERE starts_with(nspname, '{tenant_id}_')"
                found += [name for (name,) in self.execute(server, query, "tenantry_schemas")]
        found += [t.name for t in threading.enumerate() if t.name.startswith("pg-restore")]
        return sorted(found)

    def drop(self) -> None:
        for tenant_id in self.made:
            for server in self.postgres:
                names = self.execute(
                    server, f"SELECT datname FROM pg_database WHERE starts_with(datname, '{tenant_id}_')"
                )
                for (name,) in names:
                    self.execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')
        super().drop()


@dataclass(frozen=True)
class Kept:
    """A tenant with a backup, and the rows that are in it."""

    tenant_id: TenantId
    backup: CataloguedBackup
    rows: list[Any]


class Shelf:
    """Tenants that were backed up, for one test of a module after the other: to make one takes a second.

    A test may change the rows of candidates and move the tenant to and fro. It begins with rows of its own choice, not
    with those of the backup: the last test has left some.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._kept: dict[tuple[Isolation, str], Kept] = {}

    @contextmanager
    def lend(self, isolation: Isolation = Isolation.DATABASE, script: str = "") -> Iterator[Kept]:
        """Lend a tenant of a model, in which a script was run before its backup; nothing holds it afterwards.

        One that a failing test leaves is not lent again.
        """
        kept = self._kept.pop((isolation, script), None) or self._make(isolation, script)
        yield kept
        tenant = self._vault.tenant(kept.tenant_id)
        if tenant.former_home:
            self._vault.perform_well(self._vault.relocations.confirm(kept.tenant_id, "op-1"))
        assert (tenant.server_id, tenant.isolation, tenant.relocation) == ("here", isolation, "")
        assert self._vault.leftovers(kept.tenant_id) == []
        self._vault.run_as(kept.tenant_id, "DELETE FROM candidates WHERE email = 'new'")
        self._kept[isolation, script] = kept

    def _make(self, isolation: Isolation, script: str) -> Kept:
        tenant_id = self._vault.add(isolation)
        if script:
            self._vault.run_as(tenant_id, script)
        return Kept(tenant_id, self._vault.back_up(tenant_id), self._vault.run_as(tenant_id, ROWS))


class Context:
    """The context that Lambda gives to a handler."""

    aws_request_id = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


@pytest.fixture(scope="module")
def s3(empty_world: World) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKUP_BUCKET", BUCKET)
        patch.setenv("PG_CLIENT_DIRECTORY", str(BINARIES))
        clear_caches()
        client = aws_client("s3", REGION)
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def vault(servers_of_the_module: tuple[World, PostgresServer], s3: Any) -> Iterator[Vault]:  # noqa: F811
    clear_caches()
    made = Vault(*servers_of_the_module, s3)
    try:
        yield made
    finally:
        made.drop()


@pytest.fixture(scope="module")
def shelf(servers_of_the_module: tuple[World, PostgresServer], s3: Any) -> Iterator[Shelf]:  # noqa: F811
    vault = Vault(*servers_of_the_module, s3)
    try:
        yield Shelf(vault)
    finally:
        vault.drop()


__all__ = ["ROWS", "Callable", "Cut", "Isolation", "Shelf", "Vault", "dying_after", "json", "replace", "sql"]

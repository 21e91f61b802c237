"""Compares the registry with everything that it refers to, in both directions, and lists the disagreements."""

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.backups.inventory import BackupInventory
from tenantry.domain import operation_kinds
from tenantry.domain.errors import InvalidSetting, TenantryError
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import Tenant
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Step
from tenantry.reports.drift.findings import Drift, DriftFinding, DriftReport, Unread, sort_drift
from tenantry.reports.drift.fleet import Fleet, SecretFacts
from tenantry.reports.drift.fleet_inventory import FleetInventory
from tenantry.reports.drift.home_checks import ReadServer, judge_home, tenant_finding
from tenantry.reports.drift.judging import (
    judge_backups,
    judge_credentials,
    judge_keys,
    judge_registry,
    judge_secrets,
    judge_users,
    missing_secrets,
)
from tenantry.reports.drift.judging_servers import judge_server
from tenantry.reports.drift.references import Place, References
from tenantry.reports.drift.server_inventory import ServerInventory
from tenantry.reports.drift.structures import Structures
from tenantry.reports.report_store import ReportStore
from tenantry.reports.stored_reports import stored_step
from tenantry.servers.servers import connector_of

KIND, TARGET = operation_kinds.REPORT_DRIFT, "fleet/drift"

_WORKERS = 8


class DriftAudit:
    """Compares everything of one stage; changes nothing."""

    def __init__(
        self,
        registry: Registry,
        operations: OperationStore,
        secrets: SecretStore,
        administrators: ServerSecrets,
        inventory: FleetInventory,
        backups: BackupInventory,
        stage: str,
        references: References | None = None,
    ) -> None:
        """Take the adapters.

        :param references: what homes are compared with, for all runs; None: each run reads its own.
        """
        self._registry = registry
        self._operations = operations
        self._secrets = secrets
        self._administrators = administrators
        self._inventory = inventory
        self._backups = backups
        self._stage = stage
        self._references = references

    def run(self, deadline: float | None = None, now: datetime | None = None) -> DriftReport:
        """Compare everything. What can't be read is listed, and does not stop the rest.

        :param deadline: a `time.monotonic()`; no tenant or server is read after it.
        :param now: the time from which ages are counted.
        :raises DependencyFailed: the registry did not answer.
        """
        started, now = time.monotonic(), now or datetime.now(UTC)
        fleet = Fleet(self._registry.tenants(), self._registry.servers())
        found, structures = _Found(), Structures(self._references or References(), deadline)
        found.add(judge_registry(fleet))
        self._compare_lists(fleet, found, now)
        with ThreadPoolExecutor(_WORKERS) as pool:
            ids = fleet.server_ids()
            servers = dict(zip(ids, pool.map(lambda name: self._read_server(name, found), ids), strict=True))
            found.add(_judge_servers(fleet, servers))

            def compare_shared(server_id: str) -> None:
                with found.reading("structure", server_id):
                    found.add(_judge_structure(fleet, servers[server_id], structures))

            def compare(tenant: Tenant) -> None:
                with found.reading("tenant", tenant.server_id, tenant):
                    structures.require_time()
                    found.add(self._judge_tenant(fleet, tenant, servers[tenant.server_id], structures))

            list(pool.map(compare_shared, (name for name in ids if servers[name])))
            list(pool.map(compare, fleet.tenants.values()))
        return DriftReport(
            started_at=now.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - started, 3),
            tenants=len(fleet.tenants),
            servers=len(fleet.servers),
            findings=sort_drift(found.findings),
            unchecked=sorted(found.unread),
            compared=structures.compared,
            own_objects=sorted(structures.own_objects, reverse=True),
        )

    def _compare_lists(self, fleet: Fleet, found: "_Found", now: datetime) -> None:
        """Compare the complete lists: secrets, API keys, users, backups."""
        secrets: list[SecretFacts] = []
        with found.reading("secrets"):
            secrets = self._inventory.secrets()
            # What was made within the last minutes may not be listed yet.
            secrets += self._inventory.find_secrets(missing_secrets(fleet, self._stage, secrets))
            found.add(judge_secrets(fleet, self._stage, secrets, now))
        with found.reading("usage_keys"):
            found.add(judge_keys(fleet, self._stage, self._inventory.usage_keys()))
        with found.reading("users"):
            found.add(judge_users(fleet, self._inventory.users()))
        with found.reading("backups"):
            prefix = f"tenantry/{self._stage}/tenants/"
            since = {secret.name.removeprefix(prefix): secret.created_at for secret in secrets}
            found.add(judge_backups(fleet, self._backups.read(), since, now))

    def _read_server(self, server_id: str, found: "_Found") -> ReadServer | None:
        """Read a server's content; None where it can't be read."""
        read = None
        with found.reading("server", server_id):
            administrator = self._administrators.find(server_id)
            # A missing administrator is a finding already: from the list of secrets, or of an unregistered server.
            if administrator:
                place = Place(server_id, administrator, connector_of(administrator))
                read = ReadServer(place, ServerInventory(administrator).read())
        return read

    def _judge_tenant(
        self, fleet: Fleet, tenant: Tenant, server: ReadServer | None, structures: Structures
    ) -> Iterator[DriftFinding]:
        """Compare a tenant's secret with the registry, and log in with it."""
        if tenant.relocation:
            yield from self._judge_relocation(tenant)
        elif tenant in fleet.settled:
            try:
                credentials = self._secrets.find(tenant.tenant_id)
            except InvalidSetting:
                yield tenant_finding(Drift.SECRET_UNREADABLE, tenant, "")
                return
            differences = list(judge_credentials(fleet, tenant, credentials)) if credentials else []
            yield from differences
            # Don't log in with a secret that leads to another place than the registry says.
            if credentials and not differences:
                yield from judge_home(tenant, credentials, server, structures)

    def _judge_relocation(self, tenant: Tenant) -> Iterator[DriftFinding]:
        """Check that the operation that holds a tenant is still running."""
        operation = self._operations.get(tenant.relocation)
        if operation is None or operation.status is not OperationStatus.RUNNING:
            yield tenant_finding(Drift.RELOCATION_LEFT, tenant, tenant.relocation)


def _judge_servers(fleet: Fleet, servers: Mapping[str, ReadServer | None]) -> Iterator[DriftFinding]:
    """Compare the servers' contents with the registry. One server under several ids has the tenants of all of them."""
    contents = {server_id: read.content for server_id, read in servers.items() if read}
    for server_id, content in contents.items():
        same = [name for name, other in contents.items() if content.running in {other.running} - {None}]
        twins = sorted({*same} - {server_id})
        if twins:
            yield DriftFinding(Drift.SERVER_TWICE, "", server_id, ", ".join(twins))
        yield from judge_server(fleet, server_id, content, twins)


def _judge_structure(fleet: Fleet, server: ReadServer | None, structures: Structures) -> Iterator[DriftFinding]:
    """Read what a server's homes are compared with, and compare its shared tables."""
    if server and server.content.pool_revision:
        structures.require_time()
    if server and not structures.is_late:
        structures.prepare(server.place, fleet, server.content.pool_revision)
        if server.content.pool_revision:
            yield from structures.judge_pool(server.place)


class _Found:
    """Collects findings from several threads."""

    def __init__(self) -> None:
        self.findings: list[DriftFinding] = []
        self.unread: list[Unread] = []

    def add(self, findings: Iterable[DriftFinding]) -> None:
        for finding in findings:  # one by one: a failure half-way keeps the earlier findings
            self.findings.append(finding)

    @contextmanager
    def reading(self, what: str, server: str = "", tenant: Tenant | None = None) -> Iterator[None]:
        """Record a failure to read, and continue."""
        try:
            yield
        except TenantryError as error:
            self.unread.append(Unread(what, server, tenant.tenant_id.value if tenant else "", error.code))


def steps(audit: DriftAudit, seconds: float, store: ReportStore) -> tuple[Step, ...]:
    """Return the steps of a comparison, which may take this many seconds."""
    return (stored_step("compare", KIND, lambda: audit.run(time.monotonic() + seconds).to_json(), store),)

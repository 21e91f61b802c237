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
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseTimeout, DatabaseUnavailable, IdentityMismatch, InvalidSetting, TenantryError
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import Isolation, Tenant
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Step
from tenantry.reports.drift.findings import Drift, DriftFinding, DriftReport, Unread, sort_drift
from tenantry.reports.drift.fleet import Fleet, SecretFacts, ServerContent
from tenantry.reports.drift.fleet_inventory import FleetInventory
from tenantry.reports.drift.judging import (
    judge_backups,
    judge_credentials,
    judge_keys,
    judge_registry,
    judge_secrets,
    judge_users,
)
from tenantry.reports.drift.judging_servers import judge_server
from tenantry.reports.drift.server_inventory import ServerInventory, check_login
from tenantry.reports.report_store import ReportStore
from tenantry.reports.stored_reports import stored_step

KIND, TARGET = operation_kinds.REPORT_DRIFT, "fleet/drift"

_WORKERS = 8
# SQLSTATE classes of refused logins that concern the tenant: not a server that is full, starting or unreachable.
_REFUSAL_CLASSES = ("28", "42", "3D", "55")


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
    ) -> None:
        """Take the adapters."""
        self._registry = registry
        self._operations = operations
        self._secrets = secrets
        self._administrators = administrators
        self._inventory = inventory
        self._backups = backups
        self._stage = stage

    def run(self, deadline: float | None = None, now: datetime | None = None) -> DriftReport:
        """Compare everything. What can't be read is listed, and does not stop the rest.

        :param deadline: a `time.monotonic()`; no tenant or server is read after it.
        :param now: the time from which ages are counted.
        :raises DependencyFailed: the registry did not answer.
        """
        started, now = time.monotonic(), now or datetime.now(UTC)
        fleet = Fleet(self._registry.tenants(), self._registry.servers())
        found = _Found()
        found.add(judge_registry(fleet))
        self._compare_lists(fleet, found, now)
        with ThreadPoolExecutor(_WORKERS) as pool:
            ids = fleet.server_ids()
            contents = dict(zip(ids, pool.map(lambda name: self._read_server(name, found), ids), strict=True))
            found.add(_judge_servers(fleet, contents))

            def compare(tenant: Tenant) -> None:
                with found.reading("tenant", tenant.server_id, tenant):
                    _check_time(deadline)
                    found.add(self._judge_tenant(fleet, tenant, contents[tenant.server_id]))

            list(pool.map(compare, fleet.tenants.values()))
        return DriftReport(
            started_at=now.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - started, 3),
            tenants=len(fleet.tenants),
            servers=len(fleet.servers),
            findings=sort_drift(found.findings),
            unchecked=sorted(found.unread),
        )

    def _compare_lists(self, fleet: Fleet, found: "_Found", now: datetime) -> None:
        """Compare the complete lists: secrets, API keys, users, backups."""
        secrets: list[SecretFacts] = []
        with found.reading("secrets"):
            secrets = self._inventory.secrets()
            found.add(judge_secrets(fleet, self._stage, secrets, now))
        with found.reading("usage_keys"):
            found.add(judge_keys(fleet, self._stage, self._inventory.usage_keys()))
        with found.reading("users"):
            found.add(judge_users(fleet, self._inventory.users()))
        with found.reading("backups"):
            prefix = f"tenantry/{self._stage}/tenants/"
            since = {secret.name.removeprefix(prefix): secret.created_at for secret in secrets}
            found.add(judge_backups(fleet, self._backups.read(), since, now))

    def _read_server(self, server_id: str, found: "_Found") -> ServerContent | None:
        """Read a server's content; None where it can't be read."""
        content = None
        with found.reading("server", server_id):
            administrator = self._administrators.find(server_id)
            # A missing administrator is a finding already: from the list of secrets, or of an unregistered server.
            if administrator:
                content = ServerInventory(administrator).read()
        return content

    def _judge_tenant(self, fleet: Fleet, tenant: Tenant, content: ServerContent | None) -> Iterator[DriftFinding]:
        """Compare a tenant's secret with the registry, and log in with it."""
        if tenant.relocation:
            yield from self._judge_relocation(tenant)
        elif tenant in fleet.settled:
            credentials = self._secrets.find(tenant.tenant_id)
            differences = list(judge_credentials(fleet, tenant, credentials)) if credentials else []
            yield from differences
            # Don't log in with a secret that leads to another place than the registry says.
            if credentials and not differences:
                yield from _judge_login(tenant, credentials, content)

    def _judge_relocation(self, tenant: Tenant) -> Iterator[DriftFinding]:
        """Check that the operation that holds a tenant is still running."""
        operation = self._operations.get(tenant.relocation)
        if operation is None or operation.status is not OperationStatus.RUNNING:
            yield _finding(Drift.RELOCATION_LEFT, tenant, tenant.relocation)


def _judge_servers(fleet: Fleet, contents: Mapping[str, ServerContent | None]) -> Iterator[DriftFinding]:
    """Compare the servers' contents with the registry. One server under several ids has the tenants of all of them."""
    for server_id, content in contents.items():
        if content:
            same = [name for name, other in contents.items() if other and content.running in {other.running} - {None}]
            twins = sorted({*same} - {server_id})
            if twins:
                yield DriftFinding(Drift.SERVER_TWICE, "", server_id, ", ".join(twins))
            yield from judge_server(fleet, server_id, content, twins)


def _judge_login(tenant: Tenant, credentials: Credentials, content: ServerContent | None) -> Iterator[DriftFinding]:
    """Log in as the tenant, and compare its schema's revision with the registry."""
    try:
        revision = check_login(tenant.tenant_id, credentials)
    except IdentityMismatch:
        yield _finding(Drift.DATABASE_IDENTITY, tenant, credentials.dbname)
        return
    except DatabaseUnavailable as error:
        if not error.code.startswith(_REFUSAL_CLASSES):
            raise
        yield _finding(Drift.LOGIN_REFUSED, tenant, error.code)
        return
    if credentials.isolation is Isolation.POOLED:
        revision = content.pool_revision if content else tenant.schema_revision
    if tenant.schema_revision and revision != tenant.schema_revision:
        where = f"{revision or 'none'}, in the registry {tenant.schema_revision}"
        yield _finding(Drift.SCHEMA_REVISION, tenant, where)


def _check_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise DatabaseTimeout(code="out_of_time")


def _finding(kind: Drift, tenant: Tenant, where: str) -> DriftFinding:
    return DriftFinding(kind, tenant.tenant_id.value, tenant.server_id, where)


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
        except InvalidSetting as error:
            if tenant is None:
                self.unread.append(Unread(what, server, "", error.code))
            else:
                self.add([_finding(Drift.SECRET_UNREADABLE, tenant, "")])
        except TenantryError as error:
            self.unread.append(Unread(what, server, tenant.tenant_id.value if tenant else "", error.code))


def steps(audit: DriftAudit, seconds: float, store: ReportStore) -> tuple[Step, ...]:
    """Return the steps of a comparison, which may take this many seconds."""
    return (stored_step("compare", KIND, lambda: audit.run(time.monotonic() + seconds).to_json(), store),)

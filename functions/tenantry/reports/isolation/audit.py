"""Proves that tenants are isolated: logs in as each of them and tries what it must not be able to do."""

import secrets
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain import operation_kinds
from tenantry.domain.errors import NotFound, TenantryError
from tenantry.domain.server import Server
from tenantry.domain.tenant import Tenant
from tenantry.operations.operations import Step
from tenantry.reports.isolation.findings import (
    Finding,
    Hole,
    IsolationReport,
    Severity,
    Unchecked,
    fold,
    sort_findings,
)
from tenantry.reports.isolation.ground import Ground
from tenantry.reports.isolation.judging import judge
from tenantry.reports.isolation.outcome import Outcome
from tenantry.reports.isolation.probe import DatedSecrets, ServerAudit
from tenantry.reports.isolation.residents import LocatedTenant, ServerTenants
from tenantry.reports.isolation.sampling import Sample, sample_for
from tenantry.reports.isolation.tries import Fleet, TenantTries
from tenantry.reports.isolation.walls import DatabaseContent
from tenantry.reports.report_store import ReportStore
from tenantry.reports.stored_reports import stored_step

KIND, TARGET = operation_kinds.REPORT_ISOLATION, "fleet/isolation"

_WORKERS = 8


class IsolationAudit:
    """Audits all tenants of one stage; nothing that it does stays."""

    def __init__(
        self,
        registry: Registry,
        dated: DatedSecrets,
        administrators: ServerSecrets,
        max_secret_age: timedelta,
        choose: Callable[[int, str], Sample] = sample_for,
    ) -> None:
        """Take the adapters, the age at which a secret should have been rotated, and how the sample is chosen."""
        self._registry = registry
        self._secrets = dated
        self._administrators = administrators
        self._max_secret_age = max_secret_age
        self._choose = choose

    def run(self, deadline: float | None = None, seed: str = "") -> IsolationReport:
        """Try everything; what cannot be checked stops nothing else and is listed.

        :param deadline: by `time.monotonic()`; no attempt begins after it.
        :param seed: chooses the sample, such as an earlier report's; another one each time if it is empty.
        :raises DependencyFailed: the registry did not answer.
        """
        started_at, started = datetime.now(UTC), time.monotonic()
        tenants = list(self._registry.tenants())
        servers = {server.server_id: server for server in self._registry.servers()}
        total = Outcome()
        sample = self._choose(len(tenants), seed or secrets.token_hex(8))
        with ThreadPoolExecutor(_WORKERS) as pool:
            residents = [found for found in pool.map(lambda t: self._find(t, total), tenants) if found]
            grounds = {
                server_id: self._survey(
                    ServerTenants(server_id, residents, tenants), servers.get(server_id), total, pool
                )
                for server_id in sorted({*servers, *(tenant.server_id for tenant in tenants)})
            }
            fleet = Fleet(grounds, sample, deadline)
            tries = [TenantTries(resident, fleet) for resident in residents]
            outcomes = dict(zip((r.name for r in residents), pool.map(TenantTries.run, tries), strict=True))
        return _report(started_at, time.monotonic() - started, tenants, total, outcomes, sample)

    def _find(self, tenant: Tenant, total: Outcome) -> LocatedTenant | None:
        """Read a tenant's secret, and look at its age."""
        name = tenant.tenant_id.value
        try:
            found = self._secrets.find_dated(tenant.tenant_id)
            if found is None:
                raise NotFound(code="credentials_missing", hint="Repeat the call that makes the tenant.")
        except TenantryError as error:
            total.unchecked.add(Unchecked(tenant.server_id, name, "", error.code))
            return None
        credentials, stored_at = found
        age = datetime.now(UTC) - stored_at
        if age > self._max_secret_age:
            where = f"{age.days} days"
            total.findings.add(Finding(Hole.ROTATION_OVERDUE, Severity.MEDIUM, tenant.server_id, name, where=where))
        return LocatedTenant(tenant, credentials)

    def _survey(self, there: ServerTenants, server: Server | None, total: Outcome, pool: ThreadPoolExecutor) -> Ground:
        """Read and judge what a server is set to."""
        try:
            administrator = self._administrators.find(there.server_id)
            if administrator is None:
                raise NotFound(code="server_unknown", hint="Register the server once more, with its administrator.")
            audit = ServerAudit(administrator)
            facts = audit.server()
        except TenantryError as error:
            total.unchecked.add(Unchecked(there.server_id, "", "", error.code))
            return Ground(there, server)

        def read(database: str) -> DatabaseContent | None:
            try:
                return audit.content(database, there.owner_of(database))
            except TenantryError as error:
                total.unchecked.add(Unchecked(there.server_id, there.owner_of(database), database, error.code))
                return None

        names = sorted({resident.credentials.dbname for resident in there.all})
        contents = {name: found for name, found in zip(names, pool.map(read, names), strict=True) if found}
        total.findings.update(judge(there, facts, contents))
        for name, content in contents.items():
            total.unchecked.update(
                Unchecked(there.server_id, there.maker_of(name, schema), name, code)
                for schema, code in content.overfull
            )
        return Ground(there, server, facts, contents, audit)


def _report(
    started_at: datetime,
    seconds: float,
    tenants: list[Tenant],
    total: Outcome,
    outcomes: dict[str, Outcome],
    sample: Sample,
) -> IsolationReport:
    by_tenant = {name: outcome.attempts for name, outcome in outcomes.items()}
    by_server: Counter[str] = Counter()
    for tenant in tenants:
        by_server[tenant.server_id] += by_tenant.get(tenant.tenant_id.value, 0)
    return IsolationReport(
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        tenants=len(tenants),
        attempts=by_server.total(),
        attempts_by_server=dict(by_server),
        attempts_by_tenant=by_tenant,
        pairs=len(outcomes) * (len(outcomes) - 1),
        pairs_tried=sum(len(outcome.tried) for outcome in outcomes.values()),
        seed=sample.seed,
        findings=sort_findings(fold(total.findings.union(*(outcome.findings for outcome in outcomes.values())))),
        unchecked=sorted(total.unchecked.union(*(outcome.unchecked for outcome in outcomes.values()))),
    )


def steps(audit: IsolationAudit, seconds: float, store: ReportStore) -> tuple[Step, ...]:
    """Make the operation of an audit, which may take so many seconds."""
    return (stored_step("audit", KIND, lambda: audit.run(time.monotonic() + seconds).to_json(), store),)

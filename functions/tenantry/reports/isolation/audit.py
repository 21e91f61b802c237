"""Proves that tenants are isolated: logs in as each of them and tries what it must not be able to do."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain import operation_kinds
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseTimeout, NotFound, TenantryError
from tenantry.domain.server import Server
from tenantry.domain.tenant import Tenant, pool_groups
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
from tenantry.reports.isolation.judging import judge
from tenantry.reports.isolation.probe import (
    LET_IN,
    LOGIN,
    NO_ANSWER,
    DatedSecrets,
    ServerAudit,
    TenantProbe,
    is_refusal,
    try_login,
)
from tenantry.reports.isolation.residents import LocatedTenant, ServerTenants
from tenantry.reports.isolation.walls import UNREAD, UNSEEN, DatabaseContent, Relation, ServerWalls
from tenantry.reports.report_store import ReportStore
from tenantry.reports.stored_reports import stored_step

KIND, TARGET = operation_kinds.REPORT_ISOLATION, "fleet/isolation"

_WORKERS = 8


@dataclass(frozen=True, slots=True)
class _Ground:
    """A server: who lives there and what its administrator sees, as far as it could be read."""

    residents: ServerTenants
    server: Server | None
    facts: ServerWalls = UNSEEN
    contents: dict[str, DatabaseContent] = field(default_factory=dict)
    # Tenants that took a neighbour's time until it was up: nobody else tries them.
    slow: set[str] = field(default_factory=set)

    def databases(self, tenant: str) -> set[str]:
        """Name every database that can be tried, but what a move or a restore left aside of the tenant's own."""
        taken = {resident.credentials.dbname for resident in self.residents.all}
        return taken | {database.name for database in self.facts.databases if database.identity != tenant}


@dataclass(slots=True)
class _Outcome:
    """What one part of the audit came to."""

    attempts: int = 0
    findings: set[Finding] = field(default_factory=set)
    unchecked: set[Unchecked] = field(default_factory=set)


class IsolationAudit:
    """Audits all tenants of one stage; nothing that it does stays."""

    def __init__(
        self, registry: Registry, secrets: DatedSecrets, administrators: ServerSecrets, max_secret_age: timedelta
    ) -> None:
        """Take the adapters, and the age at which a secret should have been rotated."""
        self._registry = registry
        self._secrets = secrets
        self._administrators = administrators
        self._max_secret_age = max_secret_age

    def run(self, deadline: float | None = None) -> IsolationReport:
        """Try everything; what cannot be checked stops nothing else and is listed.

        :param deadline: by `time.monotonic()`; no attempt begins after it.
        :raises DependencyFailed: the registry did not answer.
        """
        started_at, started = datetime.now(UTC), time.monotonic()
        tenants = list(self._registry.tenants())
        servers = {server.server_id: server for server in self._registry.servers()}
        total = _Outcome()
        with ThreadPoolExecutor(_WORKERS) as pool:
            residents = [found for found in pool.map(lambda t: self._find(t, total), tenants) if found]
            grounds = {
                server_id: self._survey(
                    ServerTenants(server_id, residents, tenants), servers.get(server_id), total, pool
                )
                for server_id in sorted({*servers, *(tenant.server_id for tenant in tenants)})
            }
            probes = [_Probe(resident, grounds, deadline) for resident in residents]
            outcomes = dict(zip((r.name for r in residents), pool.map(_Probe.run, probes), strict=True))
        return _report(started_at, time.monotonic() - started, tenants, total, outcomes)

    def _find(self, tenant: Tenant, total: _Outcome) -> LocatedTenant | None:
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

    def _survey(
        self, there: ServerTenants, server: Server | None, total: _Outcome, pool: ThreadPoolExecutor
    ) -> _Ground:
        """Read and judge what a server is set to."""
        try:
            administrator = self._administrators.find(there.server_id)
            if administrator is None:
                raise NotFound(code="server_unknown", hint="Register the server once more, with its administrator.")
            audit = ServerAudit(administrator)
            facts = audit.server()
        except TenantryError as error:
            total.unchecked.add(Unchecked(there.server_id, "", "", error.code))
            return _Ground(there, server)

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
        return _Ground(there, server, facts, contents)


class _Probe:
    """What is tried as one tenant, one attempt after the other: it may have few sessions."""

    def __init__(self, resident: LocatedTenant, grounds: dict[str, _Ground], deadline: float | None) -> None:
        self._resident = resident
        self._credentials = resident.credentials
        self._home = grounds[resident.tenant.server_id]
        # Where a server is not registered, only those who live there know how to reach it.
        self._grounds = [ground for ground in grounds.values() if ground.server or ground is self._home]
        self._deadline = deadline
        self._outcome = _Outcome()

    def run(self) -> _Outcome:
        """Try everything."""
        try:
            self._check_time()
            with closing(TenantProbe(self._credentials)) as session:
                may_connect = self._try_inside(session)
            self._try_databases(may_connect)
        except TenantryError as error:
            self._give_up("", error.code)
        return self._outcome

    def _try_inside(self, session: TenantProbe) -> set[str]:
        """Try what can be tried from its own database; returns the databases that it may connect to."""
        try:
            identity = session.identity()
            if identity != self._resident.name:
                self._report(Hole.WRONG_IDENTITY, identity or "", self._credentials.dbname)
            for hole in session.open_rights(self._own_roles()):
                self._report(hole)
            self._try_roles(session)
            for neighbour in self._home.residents.of(self._credentials.dbname):
                if neighbour is not self._resident and neighbour.name not in self._home.slow:
                    self._check_time()
                    self._try_patiently(session, neighbour)
            return set(session.databases())
        finally:
            self._outcome.attempts += session.attempts

    def _try_roles(self, session: TenantProbe) -> None:
        holder = self._home.residents.holder_of
        # In PostgreSQL 15 a pooled tenant may become the group itself, which has no rights but those it has anyway.
        shared = pool_groups(self._resident.tenant.tenant_id).values() if self._shares_tables() else ()
        roles = [role.name for role in self._home.facts.roles if role.name not in shared]
        for role in session.assumable([role for role in roles if holder(role) != self._resident.name]):
            self._report(Hole.ROLE_ASSUMED, holder(role) or role, role)

    def _try_patiently(self, session: TenantProbe, neighbour: LocatedTenant) -> None:
        """Try to reach a neighbour; where that takes too long, it is the neighbour who could not be checked."""
        try:
            self._try_neighbour(session, neighbour)
        except DatabaseTimeout as error:
            self._home.slow.add(neighbour.name)
            unchecked = Unchecked(self._home.residents.server_id, neighbour.name, self._resident.name, error.code)
            self._outcome.unchecked.add(unchecked)

    def _try_neighbour(self, session: TenantProbe, neighbour: LocatedTenant) -> None:
        """Try to reach a tenant that lives in the same database: by its schema or, in a shared one, by its rows."""
        schema, roles = neighbour.credentials.schema, self._own_roles()
        content = self._home.contents.get(neighbour.credentials.dbname, UNREAD)
        tables = [table for table in content.relations if table.schema == schema]
        if schema != self._credentials.schema:
            if session.can_make_tables(roles, schema):
                self._report(Hole.ROWS_WRITABLE, neighbour.name, schema)
            self._report_tables(Hole.ROWS_READABLE, neighbour.name, session.readable(roles, tables))
            return
        shared = [table for table in tables if table.has_tenant_id]
        self._report_tables(Hole.ROWS_READABLE, neighbour.name, session.rows_seen(roles, shared, neighbour.name))
        own_rows = [table for table in shared if table.kind in "rp"]
        self._report_tables(Hole.ROWS_WRITABLE, neighbour.name, session.rows_taken(roles, own_rows, neighbour.name))

    def _try_databases(self, may_connect: set[str]) -> None:
        for ground in self._grounds:
            own = {self._credentials.dbname} if ground is self._home else set()
            for database in sorted(ground.databases(self._resident.name) - own):
                self._check_time()
                if self._try_database(ground, database, may_connect) == NO_ANSWER:
                    break

    def _try_database(self, ground: _Ground, database: str, may_connect: set[str]) -> str:
        self._outcome.attempts += 1
        at_home = ground is self._home
        credentials = self._credentials_for(ground, database)
        other = ground.residents.owner_of(database) or database
        outcome = try_login(credentials)
        if outcome == LET_IN:
            self._report(Hole.LOGIN_ACCEPTED, other, f"{ground.residents.server_id}: {database}")
            self._try_tables(ground, database, other, credentials)
        elif at_home and database in may_connect:
            self._report(Hole.MAY_CONNECT, other, database)
        elif not is_refusal(outcome, elsewhere=not at_home):
            self._give_up(other, outcome)
        return outcome

    def _try_tables(self, ground: _Ground, database: str, other: str, credentials: Credentials) -> None:
        """Look what it could read where it was let in."""
        roles = self._own_roles() if ground is self._home else [LOGIN]
        tables = ground.contents.get(database, UNREAD).relations
        try:
            with closing(TenantProbe(credentials)) as session:
                self._report_tables(Hole.ROWS_READABLE, other, session.readable(roles, tables))
                self._outcome.attempts += session.attempts
        except TenantryError as error:
            self._give_up(other, error.code)

    def _credentials_for(self, ground: _Ground, database: str) -> Credentials:
        mine, server = replace(self._credentials, dbname=database), ground.server
        if ground is self._home or server is None:
            return mine
        return replace(mine, host=server.host, port=server.port, sslmode=server.sslmode, sslrootcert=server.sslrootcert)

    def _shares_tables(self) -> bool:
        return self._home.residents.shares_tables(self._resident.name)

    def _own_roles(self) -> list[str]:
        """Name what it can be: its login as it is, and each role that it may become."""
        roles, holder = self._home.facts.roles, self._home.residents.holder_of
        return [
            LOGIN,
            *(role.name for role in roles if not role.may_log_in and holder(role.name) == self._resident.name),
        ]

    def _report_tables(self, hole: Hole, other: str, tables: list[Relation]) -> None:
        for table in tables:
            self._report(hole, other, f"{table.schema}.{table.name}")

    def _report(self, hole: Hole, other: str = "", where: str = "") -> None:
        finding = Finding(hole, Severity.CRITICAL, self._home.residents.server_id, self._resident.name, other, where)
        self._outcome.findings.add(finding)

    def _give_up(self, other: str, code: str) -> None:
        self._outcome.unchecked.add(Unchecked(self._home.residents.server_id, self._resident.name, other, code))

    def _check_time(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise DatabaseTimeout(code="out_of_time")


def _report(
    started_at: datetime, seconds: float, tenants: list[Tenant], total: _Outcome, outcomes: dict[str, _Outcome]
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
        findings=sort_findings(fold(total.findings.union(*(outcome.findings for outcome in outcomes.values())))),
        unchecked=sorted(total.unchecked.union(*(outcome.unchecked for outcome in outcomes.values()))),
    )


def steps(audit: IsolationAudit, seconds: float, store: ReportStore) -> tuple[Step, ...]:
    """Make the operation of an audit, which may take so many seconds."""
    return (stored_step("audit", KIND, lambda: audit.run(time.monotonic() + seconds).to_json(), store),)

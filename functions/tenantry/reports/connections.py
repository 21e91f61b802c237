"""The budget of sessions on each server: how many are available, how many could be opened, and whether that fits."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.domain.errors import NotFound, TenantryError
from tenantry.domain.tenant import Tenant
from tenantry.reports.isolation.probe import ServerAudit
from tenantry.reports.isolation.residents import LocatedTenant, ServerTenants
from tenantry.reports.isolation.walls import AuditedRole

_NO_LIMIT = -1
# Of what is available: who could take more is warned before it is all.
_TIGHT = 0.8
# A pooler keeps a pool for each, and during a rotation both are used.
_LOGINS = 2


class Verdict(StrEnum):
    """Whether the tenants of a server can use up its sessions."""

    FITS = "fits"
    TIGHT = "tight"
    CAN_BE_EXHAUSTED = "can_be_exhausted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ServerBudget:
    """One server's sessions.

    `available` is what tenants can share: all connections except the reserved ones and those that others hold now.
    `possible_by_limits` is the sum of the limits of the tenants' logins, or None if one has no limit; each tenant has
    two logins, and during a rotation sessions of both. `possible_by_concurrency` is what the functions can open: each
    environment keeps one session for each of a number of tenants. `possible_by_pooler` is what a pooler opens for the
    logins of all tenants, or None without a pooler whose `pool_size` is registered. `possible` is what all allow; more
    than four fifths of `available` is tight. `possible_by_one` is
    what the `largest_tenant` can open alone, past the functions, with the passwords of its logins; None: it has no
    limit. `code` is the error if the budget is unknown.
    """

    server: str
    verdict: Verdict
    tenants: int
    max_connections: int = 0
    reserved: int = 0
    used: int = 0
    used_by_tenant: dict[str, int] = field(default_factory=dict)
    available: int = 0
    possible_by_limits: int | None = None
    possible_by_concurrency: int = 0
    possible_by_pooler: int | None = None
    possible: int = 0
    possible_by_one: int | None = 0
    largest_tenant: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """The budgets of all servers, with the functions' settings that they are computed from."""

    concurrency: int
    max_connections_per_environment: int
    servers: list[ServerBudget]
    # Tenants whose secret could not be read, with the error's code; a login of theirs with an unusual name isn't
    # counted.
    unchecked: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the answer to an operator as JSON values."""
        return asdict(self)


class ConnectionBudget:
    """Compares the sessions that a stage's functions could open with those that its servers have."""

    def __init__(
        self,
        registry: Registry,
        secrets: SecretStore,
        administrators: ServerSecrets,
        concurrency: int,
        max_connections_per_environment: int,
    ) -> None:
        """Take the adapters.

        :param concurrency: how many environments of query_tenant can run at once.
        :param max_connections_per_environment: how many tenants' sessions each environment keeps.
        """
        self._registry = registry
        self._secrets = secrets
        self._administrators = administrators
        self._concurrency = concurrency
        self._per_environment = max_connections_per_environment

    def run(self) -> ConnectionReport:
        """Ask every server; a server that does not answer is in the report with the reason.

        :raises DependencyFailed: the registry did not answer.
        """
        tenants = list(self._registry.tenants())
        pools = {server.server_id: server.pool_size for server in self._registry.servers()}
        ids = pools.keys() | {tenant.server_id for tenant in tenants}
        unchecked: dict[str, str] = {}
        residents = [found for tenant in tenants if (found := self._find(tenant, unchecked))]
        budgets = []
        for server_id in sorted(ids):
            living = sum(tenant.server_id == server_id for tenant in tenants)
            by_pooler = size * _LOGINS * living if (size := pools.get(server_id)) else None
            budgets.append(self._budget(ServerTenants(server_id, residents, tenants), living, by_pooler))
        return ConnectionReport(self._concurrency, self._per_environment, budgets, unchecked)

    def _find(self, tenant: Tenant, unchecked: dict[str, str]) -> LocatedTenant | None:
        try:
            credentials = self._secrets.find(tenant.tenant_id)
            if credentials is None:
                raise NotFound(code="credentials_missing", hint="Repeat the call that makes the tenant.")
        except TenantryError as error:
            unchecked[tenant.tenant_id.value] = error.code
            return None
        return LocatedTenant(tenant, credentials)

    def _budget(self, residents: ServerTenants, tenants: int, by_pooler: int | None) -> ServerBudget:
        try:
            administrator = self._administrators.find(residents.server_id)
            if administrator is None:
                raise NotFound(code="server_unknown", hint="Register the server once more, with its administrator.")
            facts, roles = ServerAudit(administrator).connections()
        except TenantryError as error:
            return ServerBudget(residents.server_id, Verdict.UNKNOWN, tenants, code=error.code)
        used: Counter[str] = Counter()
        for role, sessions in facts.sessions.items():
            used[residents.holder_of(role)] += sessions
        available = facts.max_connections - facts.reserved - used[""]
        limits = _limits_by_tenant(residents, roles)
        by_limits, bounded = self._sums(limits)
        largest, by_one = _largest(limits)
        by_concurrency = self._concurrency * min(self._per_environment, tenants)
        possible = min(bounded, by_concurrency, by_concurrency if by_pooler is None else by_pooler)
        return ServerBudget(
            server=residents.server_id,
            verdict=_verdict(available, possible, by_one),
            tenants=tenants,
            max_connections=facts.max_connections,
            reserved=facts.reserved,
            used=used.total(),
            used_by_tenant={name: sessions for name, sessions in sorted(used.items()) if name},
            available=available,
            possible_by_limits=by_limits,
            possible_by_concurrency=by_concurrency,
            possible_by_pooler=by_pooler,
            possible=possible,
            possible_by_one=by_one,
            largest_tenant=largest,
        )

    def _sums(self, limits: dict[str, list[int]]) -> tuple[int | None, int]:
        """Sum the logins' limits: as they are, and with each tenant capped at one session per environment."""
        endless = any(_NO_LIMIT in of_tenant for of_tenant in limits.values())
        bounded = sum(
            self._concurrency if _NO_LIMIT in of_tenant else min(sum(of_tenant), self._concurrency)
            for of_tenant in limits.values()
        )
        return None if endless else sum(map(sum, limits.values())), bounded


def _limits_by_tenant(residents: ServerTenants, roles: list[AuditedRole]) -> dict[str, list[int]]:
    limits: dict[str, list[int]] = {}
    for role in roles:
        if role.may_log_in and (holder := residents.holder_of(role.name)):
            limits.setdefault(holder, []).append(role.connection_limit)
    return limits


def _largest(limits: dict[str, list[int]]) -> tuple[str, int | None]:
    """Find the tenant that can open the most sessions by itself, and how many; None: any number."""
    for tenant, of_tenant in sorted(limits.items()):
        if _NO_LIMIT in of_tenant:
            return tenant, None
    return max(((tenant, sum(found)) for tenant, found in limits.items()), key=lambda one: one[1], default=("", 0))


def _verdict(available: int, possible: int, by_one: int | None) -> Verdict:
    if possible > available or by_one is None or by_one > available:
        return Verdict.CAN_BE_EXHAUSTED
    return Verdict.TIGHT if possible > available * _TIGHT else Verdict.FITS

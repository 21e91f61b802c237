"""Finds the tenants that use more of their server's disk than their quota, and marks them in the registry.

The authorizer reads the mark there, and the data API accepts no more data from such a tenant. No request measures
anything itself.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from tenantry.aws.registry import Registry
from tenantry.domain.errors import TenantryError
from tenantry.domain.quota import is_nearly_full, is_over, quota_of
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus
from tenantry.servers.servers import Servers
from tenantry.servers.tenant_sizes import Measured, measure

# The seconds between a round over all tenants and the next, and the seconds that one call may measure.
_PAUSE = 900.0
_CALL = 15.0
_SERVERS_AT_ONCE = 8


class TenantUse(NamedTuple):
    """The bytes that a tenant uses, and its quota in bytes."""

    tenant_id: str
    server_id: str
    bytes: int
    max_bytes: int


@dataclass(slots=True)
class QuotaReport:
    """The result of one call: tenants over and near their quota, and those that could not be measured, with codes."""

    measured: int = 0
    over: list[TenantUse] = field(default_factory=list)
    near: list[TenantUse] = field(default_factory=list)
    unmeasured: dict[str, str] = field(default_factory=dict)


class QuotaWatch:
    """Measures the tenants of a stage that have a quota: all of them in a round, which may take several calls."""

    def __init__(self, registry: Registry, servers: Servers, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the adapters, and a clock that returns seconds."""
        self._registry = registry
        self._servers = servers
        self._clock = clock
        self._next_round = clock()
        self._done: set[TenantId] = set()

    def run(self) -> QuotaReport:
        """Measure the tenants that are due, for some seconds; between two rounds this does nothing.

        :raises DependencyFailed: the registry did not answer; the tenants of that server are due again.
        """
        report, now = QuotaReport(), self._clock()
        if now < self._next_round:
            return report
        due = self._due()
        until = now + _CALL
        with ThreadPoolExecutor(_SERVERS_AT_ONCE) as pool:
            for found in pool.map(lambda here: self._measured(here, until), due.values()):
                for tenant, size in found:
                    self._note(tenant, size, report)
        if all(tenant.tenant_id in self._done for here in due.values() for tenant in here):
            self._done.clear()
            self._next_round = self._clock() + _PAUSE
        return report

    def _due(self) -> dict[str, list[Tenant]]:
        by_server: dict[str, list[Tenant]] = defaultdict(list)
        for tenant in self._registry.tenants():
            if not quota_of(tenant.limits):
                self._mark(tenant, is_full=False)
            elif _is_settled(tenant) and tenant.tenant_id not in self._done:
                by_server[tenant.server_id].append(tenant)
        return by_server

    def _measured(self, tenants: list[Tenant], until: float) -> list[Measured]:
        """Measure tenants of one server until the clock reads `until`; the rest are due in the next call."""
        found: list[Measured] = []
        if self._clock() > until:
            return found
        try:
            with closing(measure(self._servers.connector(tenants[0].server_id), tenants)) as sizes:
                for measured in sizes:
                    found.append(measured)
                    if self._clock() > until:
                        break
        except TenantryError as error:
            known = {tenant.tenant_id for tenant, _ in found}
            found.extend((tenant, error) for tenant in tenants if tenant.tenant_id not in known)
        return found

    def _note(self, tenant: Tenant, size: int | TenantryError, report: QuotaReport) -> None:
        name, quota = tenant.tenant_id.value, quota_of(tenant.limits)
        if isinstance(size, TenantryError):
            report.unmeasured[name] = size.code
        else:
            is_full = is_over(size, quota, was_over=tenant.over_quota)
            self._mark(tenant, is_full=is_full)
            report.measured += 1
            use = TenantUse(name, tenant.server_id, size, quota)
            if is_full:
                report.over.append(use)
            elif is_nearly_full(size, quota):
                report.near.append(use)
        self._done.add(tenant.tenant_id)

    def _mark(self, tenant: Tenant, *, is_full: bool) -> None:
        if is_full is not tenant.over_quota:
            self._registry.mark_over_quota(tenant.tenant_id, is_over=is_full)


def _is_settled(tenant: Tenant) -> bool:
    """Whether a tenant is active or suspended, and not being relocated."""
    return tenant.status in (TenantStatus.ACTIVE, TenantStatus.SUSPENDED) and not tenant.relocation

"""Estimates what each tenant costs in a month, from present sizes and counts."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.backups.inventory import BackupInventory
from tenantry.domain import operation_kinds
from tenantry.domain.errors import DatabaseTimeout, TenantryError
from tenantry.domain.tenant import Tenant
from tenantry.homes.factory import home_of
from tenantry.operations.operations import Step
from tenantry.reports.cost.cost import CostReport, PriceList, ServerShare, TenantCost, Usage, charge, share_server
from tenantry.reports.cost.price_file import PriceFile
from tenantry.reports.cost.usage_metering import UsageMetering
from tenantry.reports.drift.fleet import Fleet
from tenantry.reports.drift.fleet_inventory import FleetInventory
from tenantry.reports.report_store import ReportStore
from tenantry.reports.stored_reports import stored_step
from tenantry.servers.servers import Servers

KIND, TARGET = operation_kinds.REPORT_COST, "fleet/cost"

_WORKERS = 8


class CostEstimate:
    """Measures the tenants of one stage and computes their cost."""

    def __init__(
        self,
        registry: Registry,
        secrets: SecretStore,
        servers: Servers,
        inventory: FleetInventory,
        backups: BackupInventory,
        metering: UsageMetering,
        prices: PriceFile,
        region: str,
        retention_mode: str,
    ) -> None:
        """Take the adapters, the region of the stack: of its functions, secrets and bucket; and what retention does."""
        self._retention_mode = retention_mode
        self._registry = registry
        self._secrets = secrets
        self._servers = servers
        self._inventory = inventory
        self._backups = backups
        self._metering = metering
        self._prices = prices
        self._region = region

    def run(self, deadline: float | None = None) -> CostReport:
        """Measure all tenants and compute their cost. A part that can't be measured costs nothing, and a note says so.

        :param deadline: a `time.monotonic()`; no tenant is measured after it.
        :raises DependencyFailed: the registry did not answer.
        :raises InvalidSetting: the price file can't be read.
        """
        started_at, started, prices = datetime.now(UTC), time.monotonic(), self._prices.read()
        fleet, unchecked = Fleet(self._registry.tenants(), self._registry.servers()), _Unchecked()
        usages = self._measure(fleet, unchecked, deadline)
        server_shares = [
            ServerShare(name, server.region, server.monthly_price)
            if (server := fleet.servers.get(name))
            else ServerShare(name, "", None)
            for name in fleet.server_ids()
        ]
        return CostReport(
            started_at=started_at.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - started, 3),
            prices=prices,
            server_shares=server_shares,
            tenants=[cost for share in server_shares for cost in self._charge(share, usages, prices)],
            unchecked=unchecked.found,
            retention_mode=self._retention_mode,
        )

    def _charge(self, share: ServerShare, usages: list[Usage], prices: PriceList) -> Iterator[TenantCost]:
        here = [usage for usage in usages if usage.server == share.server]
        shares = share_server(share, here)
        for usage in here:
            yield charge(usage, share, shares[usage.tenant], prices, self._region)

    def _measure(self, fleet: Fleet, unchecked: "_Unchecked", deadline: float | None) -> list[Usage]:
        backups: dict[str, int] | None = None
        with unchecked.reading("backups"):
            stored = self._backups.read()
            backups = {name: found.bytes for name, found in stored.items()}
        requests: dict[str, int] | None = None
        with unchecked.reading("requests"):
            counted = self._metering.requests(datetime.now(UTC).date())
            requests = {key.tenant: counted.get(key.key_id, 0) for key in self._inventory.usage_keys()}

        def size(tenant: Tenant) -> int | None:
            with unchecked.reading("size", tenant.tenant_id.value):
                if deadline is not None and time.monotonic() > deadline:
                    raise DatabaseTimeout(code="out_of_time")
                return self._size(tenant)
            return None

        with ThreadPoolExecutor(_WORKERS) as pool:
            sizes = dict(zip(fleet.tenants, pool.map(size, fleet.tenants.values()), strict=True))
        return [
            Usage(
                tenant=name,
                isolation=tenant.isolation.value,
                server=tenant.server_id,
                data_bytes=sizes[name],
                backup_bytes=None if backups is None else sum(backups.get(known, 0) for known in _ids(tenant)),
                requests=None if requests is None else requests.get(name),
            )
            for name, tenant in fleet.tenants.items()
        ]

    def _size(self, tenant: Tenant) -> int:
        """Measure a tenant's home and the former home that it can return to, in bytes: both take up disk."""
        homes = [home_of(tenant, self._secrets.find(tenant.tenant_id))]
        if tenant.former_home:
            homes.append(tenant.former_home)
        return sum(self._servers.home(tenant.tenant_id, home).size() or 0 for home in homes)


def _ids(tenant: Tenant) -> list[str]:
    return [tenant.tenant_id.value, *(former.value for former in tenant.former_ids)]


class _Unchecked:
    """Collects what could not be measured, from several threads."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    @contextmanager
    def reading(self, what: str, tenant: str = "") -> Iterator[None]:
        """Record a failure to read, and continue."""
        try:
            yield
        except TenantryError as error:
            self.found.append({"what": what, "tenant": tenant, "code": error.code})


def steps(estimate: CostEstimate, seconds: float, store: ReportStore) -> tuple[Step, ...]:
    """Return the steps of an estimate, which may take this many seconds."""
    return (stored_step("estimate", KIND, lambda: estimate.run(time.monotonic() + seconds).to_json(), store),)

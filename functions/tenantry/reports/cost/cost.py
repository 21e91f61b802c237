"""Computes what a tenant costs in a month: measured quantities times listed prices, in exact decimals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.tenant import Isolation

GIB = 1 << 30
# The smallest amount in a report; the measurements are no more precise.
_CENT_PARTS = Decimal("0.0001")
_MILLION, _TEN_THOUSAND = Decimal(1_000_000), Decimal(10_000)

# Quantities that are assumed, because they are not measured per tenant. A request takes 50 ms in a function of 1 GB.
# The secret is read once a day by a backup, a dozen times a month by a rotation, and at most once in five minutes
# while requests come in.
GB_SECONDS_OF_A_REQUEST = Decimal("0.05")
_FIXED_SECRET_CALLS, _MOST_SECRET_CALLS = 30 + 12, 30 * 24 * 12
ASSUMPTIONS = {
    "lambda_gb_seconds_of_a_request": str(GB_SECONDS_OF_A_REQUEST),
    "secret_calls": f"{_FIXED_SECRET_CALLS} a month, and one for each request up to {_MOST_SECRET_CALLS}",
    "server": "half of its monthly price in equal parts to its tenants, half by the size of their data",
    "gb": "2^30 bytes",
}

_RETENTION_NOTES = {
    mode: f"The parameter RetentionMode is {mode}: no backup is ever deleted, so their storage grows every month."
    for mode in ("DRY_RUN", "DISABLED")
}


@dataclass(frozen=True, slots=True)
class Prices:
    """One region's prices; the names have the units, storage is per month."""

    storage_gb: Decimal
    backup_gb: Decimal
    secret: Decimal
    secret_calls_10000: Decimal
    api_requests_million: Decimal
    lambda_requests_million: Decimal
    lambda_gb_second: Decimal


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of some regions at a date (ISO 8601); other regions have the prices of the fallback region."""

    date: str
    currency: str
    fallback_region: str
    sources: Mapping[str, str]
    regions: Mapping[str, Prices]

    def of(self, region: str) -> tuple[Prices, str]:
        """Return the prices for a region, and the region that they belong to."""
        used = region if region in self.regions else self.fallback_region
        return self.regions[used], used


def parse_prices(content: Any) -> PriceList:
    """Read a price file.

    :param content: its JSON.
    :raises InvalidSetting: a field is missing, or is not a price.
    """
    try:
        regions = {name: _prices(given) for name, given in content["regions"].items()}
        found = PriceList(
            content["date"], content["currency"], content["fallback_region"], dict(content["sources"]), regions
        )
        # Each price needs a source, and the fallback region has to exist.
        _ = (regions[found.fallback_region], [found.sources[price.name] for price in fields(Prices)])
    except (KeyError, TypeError, AttributeError, ValueError, InvalidOperation) as exc:
        raise InvalidSetting("The price file is incomplete, or holds what is no price.", code="invalid_prices") from exc
    return found


def _prices(given: Mapping[str, str]) -> Prices:
    prices = {price.name: Decimal(str(given[price.name])) for price in fields(Prices)}
    if not all(price.is_finite() and price >= 0 for price in prices.values()):
        raise ValueError
    return Prices(**prices)


# That of its logins for requests and that of its logins for backups, which pooled tenants have not.
_SECRETS = {False: 2, True: 1}


@dataclass(frozen=True, slots=True)
class Usage:
    """A tenant's measured use: bytes on its server and in the buckets, requests in a month; None if unknown.

    A former home that the tenant can return to counts too.
    """

    tenant: str
    isolation: str
    server: str
    data_bytes: int | None
    backup_bytes: int | None
    requests: int | None


@dataclass(frozen=True, slots=True)
class TenantCost:
    """A tenant's monthly cost by purpose; `notes` are codes of the parts that are missing."""

    usage: Usage
    lines: Mapping[str, Decimal]
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """The sum of the lines."""
        return sum(self.lines.values(), Decimal(0))

    def to_json(self) -> dict[str, Any]:
        """Return the answer to an operator as JSON values."""
        measured = {part.name: getattr(self.usage, part.name) for part in fields(Usage)}
        return {
            **measured,
            **{name: str(amount) for name, amount in self.lines.items()},
            "total": str(self.total),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class ServerShare:
    """A server whose price is shared among its tenants: its region, and its monthly price if that is known."""

    server: str
    region: str
    monthly_price: Decimal | None


def share_server(share: ServerShare, usages: Iterable[Usage]) -> dict[str, Decimal]:
    """Divide a server's price among its tenants: half in equal parts, half by size. The shares are not rounded."""
    here = list(usages)
    if not here or share.monthly_price is None:
        return {usage.tenant: Decimal(0) for usage in here}
    sizes = {usage.tenant: Decimal(usage.data_bytes or 0) for usage in here}
    everything, equal = sum(sizes.values(), Decimal(0)), Decimal(1) / len(here)
    half = share.monthly_price / 2
    return {name: half * equal + half * (size / everything if everything else equal) for name, size in sizes.items()}


def charge(usage: Usage, share: ServerShare, server_share: Decimal, prices: PriceList, home_region: str) -> TenantCost:
    """Compute a tenant's cost.

    :param home_region: the region of secrets, functions and the bucket; the server may be in another one.
    """
    at_server, server_region = prices.of(share.region)
    at_home, priced_as = prices.of(home_region)
    requests = Decimal(usage.requests or 0)
    calls = _FIXED_SECRET_CALLS + min(requests, Decimal(_MOST_SECRET_CALLS))
    lines = {
        "storage": at_server.storage_gb * (usage.data_bytes or 0) / GIB,
        "server_share": server_share,
        "secret": at_home.secret * _SECRETS[usage.isolation == Isolation.POOLED],
        "secret_calls": at_home.secret_calls_10000 * calls / _TEN_THOUSAND,
        "api_requests": at_home.api_requests_million * requests / _MILLION,
        "lambda": at_home.lambda_requests_million * requests / _MILLION
        + at_home.lambda_gb_second * GB_SECONDS_OF_A_REQUEST * requests,
        "backups": at_home.backup_gb * (usage.backup_bytes or 0) / GIB,
    }
    missing = {
        "size_unknown": usage.data_bytes is None,
        "backups_unknown": usage.backup_bytes is None,
        "requests_unknown": usage.requests is None,
        "server_price_unknown": share.monthly_price is None,
    }
    borrowed = {used for used, region in ((server_region, share.region), (priced_as, home_region)) if used != region}
    notes = [note for note, is_so in missing.items() if is_so] + [f"prices_of_{region}" for region in sorted(borrowed)]
    rounded = {name: amount.quantize(_CENT_PARTS, ROUND_HALF_UP) for name, amount in lines.items()}
    return TenantCost(usage, rounded, tuple(notes))


@dataclass(frozen=True, slots=True)
class CostReport:
    """The monthly cost of all tenants; `started_at` is ISO 8601 in UTC. Totals are the sums of the tenants' lines."""

    started_at: str
    seconds: float
    prices: PriceList
    server_shares: list[ServerShare]
    tenants: list[TenantCost]
    unchecked: list[dict[str, str]] = field(default_factory=list)
    # ENABLED, DRY_RUN or DISABLED: whether backups that are not wanted any more are deleted.
    retention_mode: str = "ENABLED"

    def to_json(self) -> dict[str, Any]:
        """Return the answer to an operator as JSON values; amounts are text, as floating point would change them."""
        prices = self.prices
        return {
            "started_at": self.started_at,
            "seconds": self.seconds,
            "currency": prices.currency,
            "price_date": prices.date,
            "price_regions": sorted(prices.regions),
            "price_sources": dict(prices.sources),
            "assumptions": ASSUMPTIONS,
            "retention": {"mode": self.retention_mode, "note": _RETENTION_NOTES.get(self.retention_mode)},
            "total": str(_total(self.tenants)),
            "servers": [self._server(share) for share in self.server_shares],
            "isolation": {
                model: str(_total(cost for cost in self.tenants if cost.usage.isolation == model))
                for model in sorted({cost.usage.isolation for cost in self.tenants})
            },
            "tenants": [
                cost.to_json() for cost in sorted(self.tenants, key=lambda cost: (-cost.total, cost.usage.tenant))
            ],
            "unchecked": self.unchecked,
        }

    def _server(self, share: ServerShare) -> dict[str, Any]:
        here = [cost for cost in self.tenants if cost.usage.server == share.server]
        return {
            "server": share.server,
            "region": share.region,
            "monthly_price": None if share.monthly_price is None else str(share.monthly_price),
            "tenants": len(here),
            "data_bytes": sum(cost.usage.data_bytes or 0 for cost in here),
            "total": str(_total(here)),
        }


def _total(costs: Iterable[TenantCost]) -> Decimal:
    return sum((cost.total for cost in costs), Decimal(0))

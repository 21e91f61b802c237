"""Which homes a rollout migrates, and in which wave each is."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantStatus
from tenantry.rollouts.rollout import POOL, Entry, EntryState, Match, Rollout, Wave

ADOPTED = "adopted"
_SHARES = 10_000


@dataclass(frozen=True, slots=True)
class Unit:
    """What is migrated at once: a tenant's own home or, for all who live there, the shared tables of one server."""

    name: str
    server: Server | None
    server_id: str
    isolation: Isolation
    tenants: Sequence[Tenant]


def units_of(tenants: Iterable[Tenant], servers: Mapping[str, Server]) -> Iterator[Unit]:
    """Yield the homes of tenants: each has its own, or shares its server's pool. Those to be erased have none."""
    pools: dict[str, list[Tenant]] = defaultdict(list)
    for tenant in tenants:
        if tenant.status is TenantStatus.ERASING:
            continue
        if tenant.isolation is Isolation.POOLED:
            pools[tenant.server_id].append(tenant)
            continue
        server = servers.get(tenant.server_id)
        yield Unit(tenant.tenant_id.value, server, tenant.server_id, tenant.isolation, (tenant,))
    for server_id, sharing in sorted(pools.items()):
        yield Unit(f"{POOL}{server_id}", servers.get(server_id), server_id, Isolation.POOLED, sharing)


def wave_of(unit: Unit, waves: Sequence[Wave]) -> int | None:
    """Return the number of the first wave that a home belongs to; None if it belongs to none."""
    return next((number for number, wave in enumerate(waves) if _fits(unit, wave.match)), None)


def new_entry(unit: Unit, rollout: Rollout, wave: int) -> Entry:
    """Make the ledger's first entry of a home."""
    is_left_out = is_adopted(unit) and not rollout.rules.adopted
    return Entry(
        unit=unit.name,
        server_id=unit.server_id,
        isolation=unit.isolation.value,
        wave=wave,
        goal=rollout.target,
        state=EntryState.SKIPPED if is_left_out else EntryState.PENDING,
        tenants=len(unit.tenants),
        revision=unit.tenants[0].schema_revision or None,
        reason=ADOPTED if is_left_out else "",
    )


def is_adopted(unit: Unit) -> bool:
    """Whether its tables are its application's, and none of ours."""
    return any(tenant.adopted_database for tenant in unit.tenants)


def _fits(unit: Unit, match: Match) -> bool:
    names = {tenant.tenant_id.value for tenant in unit.tenants}
    plans = {tenant.limits.plan for tenant in unit.tenants}
    server = unit.server
    return (
        (not match.tenants or bool(names & {*match.tenants}))
        and (not match.plan or plans == {match.plan})
        and (not match.isolation or unit.isolation == match.isolation)
        and (not match.region or (server is not None and server.region == match.region))
        and (not match.labels or (server is not None and {*match.labels} <= server.labels))
        and _share(unit.name) < match.percent * _SHARES // 100
    )


def _share(name: str) -> int:
    """Give a home a place among all that has nothing to do with its name, and is always the same."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % _SHARES

"""The gate that looks at errors: a wave's tenants, while they have soaked, against the time before the wave began."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from tenantry.aws.registry import Registry
from tenantry.domain.error_buckets import BUCKET, buckets_until, end_of_bucket, whole_buckets
from tenantry.domain.tenant import Isolation
from tenantry.rollouts.erring import ErrorComparison, find_erring
from tenantry.rollouts.error_counts import ErrorCounts
from tenantry.rollouts.rollout import POOL, Entry, Rollout, Wave

# Of a longer soak time its end is compared. A bucket is a query, of some milliseconds.
_MOST_COMPARED: Final = timedelta(days=1)
# A count is written ten seconds after an error at most, if the tenant goes on to err.
_UNTIL_WRITTEN: Final = timedelta(seconds=30)


def soaked_at(wave: Wave, now: datetime) -> datetime:
    """Return when a wave that is done has soaked; where errors are compared, whole buckets have to be over."""
    soak = timedelta(minutes=wave.soak_minutes)
    if wave.max_erring is None:
        return now + soak
    return end_of_bucket(now) + whole_buckets(soak) * BUCKET + _UNTIL_WRITTEN


class ErrorGate:
    """Compares what the data path has counted."""

    def __init__(self, registry: Registry, counts: ErrorCounts) -> None:
        """Take what knows who lives in shared tables, and the counts."""
        self._registry = registry
        self._counts = counts

    def compare(self, rollout: Rollout, entries: Iterable[Entry], until: datetime) -> ErrorComparison:
        """Compare the errors of those whose schema was changed, up to when the wave had soaked.

        :param entries: the homes of the present wave.
        :raises DependencyFailed: the counts or the registry could not be read.
        """
        soak = timedelta(minutes=rollout.current.soak_minutes)
        number = whole_buckets(min(soak, _MOST_COMPARED))
        began = rollout.wave_began_at or rollout.requested_at
        before = self._counts.of(buckets_until(began, number))
        after = self._counts.of(buckets_until(until, number))
        erring, named = find_erring(self._tenants(entries), before, after)
        minutes = number * BUCKET // timedelta(minutes=1)
        return ErrorComparison(rollout.current.name, minutes, until.isoformat(), erring, named)

    def _tenants(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Yield who lives in the homes that were changed."""
        changed = {entry.unit for entry in entries if entry.steps}
        yield from (unit for unit in changed if not unit.startswith(POOL))
        if any(unit.startswith(POOL) for unit in changed):
            for tenant in self._registry.tenants():
                if tenant.isolation is Isolation.POOLED and f"{POOL}{tenant.server_id}" in changed:
                    yield tenant.tenant_id.value

"""Plans a run over the fleet for Step Functions, and sums up its outcomes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tenantry.domain.server import Server
from tenantry.domain.tenant import Tenant
from tenantry.fleet.run import RunId, RunSummary, WorkOrder, summarise
from tenantry.fleet.run_store import RunStore

# The name of the one list of a run that loads no server.
_WHOLE_FLEET = "fleet"


@dataclass(frozen=True, slots=True)
class ServerConcurrency:
    """How many tenants of one server are worked on at the same time: the server's own number, or the default."""

    everybody: int
    own: Mapping[str, int] = field(default_factory=dict)

    def of(self, server_id: str) -> int:
        """Return the number for one server, which may be unregistered."""
        return self.own.get(server_id, self.everybody)


def backups_of(servers: Iterable[Server], everybody: int) -> ServerConcurrency:
    """Read how many backups may run on each server at the same time."""
    return ServerConcurrency(
        everybody, {one.server_id: one.backup_concurrency for one in servers if one.backup_concurrency}
    )


def plan_run(
    run: RunId,
    trigger: str,
    orders: Iterable[tuple[Tenant, WorkOrder]],
    store: RunStore,
    concurrency: ServerConcurrency,
) -> dict[str, Any]:
    """Store each server's orders in the bucket and return their keys: an execution's state is too small for orders.

    :returns: `{"run", "bucket", "tenants", "servers": [{"server_id", "tenants", "items", "at_once"}]}`.
    :raises DependencyFailed: S3 did not take the orders; nothing was started.
    """
    by_server: dict[str, list[WorkOrder]] = defaultdict(list)
    for tenant, order in orders:
        by_server[tenant.server_id].append(order)
    return _stored(run, trigger, by_server, store, concurrency)


def plan_run_of_no_server(
    run: RunId, trigger: str, orders: Iterable[WorkOrder], store: RunStore, at_once: int
) -> dict[str, Any]:
    """Store the orders of work that loads no server as one list; returns what `plan_run` does.

    :param at_once: how many tenants of the whole fleet are worked on at the same time.
    :raises DependencyFailed: S3 did not take the orders; nothing was started.
    """
    everybody = list(orders)
    groups = {_WHOLE_FLEET: everybody} if everybody else {}
    return _stored(run, trigger, groups, store, ServerConcurrency(at_once))


def _stored(
    run: RunId, trigger: str, groups: Mapping[str, Sequence[WorkOrder]], store: RunStore, concurrency: ServerConcurrency
) -> dict[str, Any]:
    servers = [
        {
            "server_id": name,
            "tenants": len(orders),
            "items": store.put_plan(run, name, [order.event(run, trigger) for order in orders]),
            "at_once": concurrency.of(name),
        }
        for name, orders in sorted(groups.items())
    ]
    tenants = sum(map(len, groups.values()))
    return {"run": run.prefix, "bucket": store.bucket, "tenants": tenants, "servers": servers}


def sum_up(run: RunId, started_at: datetime, at: datetime, store: RunStore) -> RunSummary:
    """Compare the plan with the workers' outcomes, and store the summary.

    :raises DependencyFailed: S3 did not answer.
    """
    summary = summarise(run, store.planned(run), store.outcomes(run), started_at, at)
    store.put_summary(run, summary)
    return summary

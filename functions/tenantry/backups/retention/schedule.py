"""The daily retention of the fleet: whose it is, and each tenant's as an operation of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from tenantry.aws.registry import Registry
from tenantry.backups.retention.run import KIND, PLAN_KIND
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus
from tenantry.domain.ulid import new_ulid, ulid_time
from tenantry.fleet.run import RunId
from tenantry.fleet.work import Done, NothingToDo
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Performer

_ACTOR = "schedule"
# Who has no backups yet, and whose go with the tenant.
_WITHOUT = frozenset({TenantStatus.PROVISIONING, TenantStatus.ERASING})


@dataclass(frozen=True, slots=True)
class RetentionOrder:
    """A worker's order for one tenant; `kind` is that of the operation, which tells a dry run from a real one."""

    tenant_id: TenantId
    kind: str

    def event(self, run: RunId, trigger: str) -> dict[str, str]:
        """Return the order as the worker's event."""
        return {"tenant_id": self.tenant_id.value, "kind": self.kind, "trigger": trigger, "run": run.prefix}


def retention_orders(
    tenants: Iterable[Tenant], *, dry_run: bool, only: frozenset[str] = frozenset()
) -> Iterator[RetentionOrder]:
    """Yield an order for each tenant that is complete and not being erased; with `only`, for these ids alone."""
    kind = PLAN_KIND if dry_run else KIND
    for tenant in tenants:
        if tenant.status not in _WITHOUT and (not only or tenant.tenant_id.value in only):
            yield RetentionOrder(tenant.tenant_id, kind)


@dataclass(frozen=True, slots=True)
class Applied:
    """A tenant's operation when it has ended, and whether an earlier delivery had already performed it."""

    operation: Operation
    was_done_before: bool

    def word(self) -> Done:
        """Return what the run's summary counts: the bytes that were deleted, none in a dry run."""
        return Done(bytes=int(self.operation.facts.get("deleted_bytes", 0)), was_done_before=self.was_done_before)


class ScheduledRetention:
    """Applies one tenant's retention. It plans from scratch, so a failed one needs no repair: the next day follows."""

    def __init__(self, registry: Registry, store: OperationStore, performer: Performer) -> None:
        """Take the registry, the store of operations, and what performs the two kinds of the retention."""
        self._registry = registry
        self._store = store
        self._performer = performer

    def apply(self, tenant_id: TenantId, kind: str, run: RunId | None) -> Applied | NothingToDo:
        """Make the tenant's operation and perform it; the caller holds the tenant's lease.

        :param run: a second delivery of a run makes the same operation; without one, each call makes its own.
        :returns: NothingToDo if the tenant was erased or renamed since the plan, or is being erased.
        :raises TenantryError: a step failed; the operation has the code, and a repetition goes on with it.
        """
        tenant = self._registry.tenant(tenant_id)
        if tenant is None:
            return NothingToDo("tenant_unknown")
        if tenant.status is TenantStatus.ERASING:
            return NothingToDo("tenant_erasing")
        operation = self._operation(tenant_id, kind, run)
        was_done_before = operation.status is OperationStatus.SUCCEEDED
        return Applied(self._performer.perform_held(operation.operation_id), was_done_before)

    def _operation(self, tenant_id: TenantId, kind: str, run: RunId | None) -> Operation:
        now = datetime.now(UTC)
        operation_id = _operation_id(tenant_id, kind, run) if run else new_ulid(now)
        operation = self._store.get(operation_id)
        if operation is None:
            operation = Operation(operation_id, kind, f"tenant/{tenant_id.value}", _ACTOR, now)
            self._store.put(operation)
        return operation


def _operation_id(tenant_id: TenantId, kind: str, run: RunId) -> str:
    return new_ulid(ulid_time(run.ulid), f"{run.ulid}/{kind}/{tenant_id.value}")

"""Starts the daily retention: one operation per tenant, so that one failure does not stop the others."""

from datetime import UTC, datetime

from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.registry import Registry
from tenantry.backups.retention.run import KIND, PLAN_KIND
from tenantry.domain.errors import DependencyFailed, TenantryError, TenantUnknown
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus
from tenantry.domain.ulid import new_ulid
from tenantry.operations.operation_store import OperationStore

_ACTOR = "schedule"


class RetentionSchedule:
    """Starts retention runs. Each run plans from scratch, so a failed one needs no repair: the next one follows."""

    def __init__(self, registry: Registry, store: OperationStore, invoker: FunctionInvoker) -> None:
        """Take the registry, the store of operations, and the invoker of the function that performs them."""
        self._registry = registry
        self._store = store
        self._invoker = invoker

    def start(self, execution: str, *, dry_run: bool, tenant_id: str | None = None) -> int:
        """Start an operation for each tenant that is complete and not being erased, or for one tenant.

        :param execution: names the scheduled run; a second delivery makes the same operations.
        :returns: how many operations were started.
        :raises TenantUnknown: `tenant_id` is not registered.
        :raises DependencyFailed: some could not be started; repeat the call to start them.
        """
        failed: list[str] = []
        tenants = self._chosen(tenant_id)
        for tenant in tenants:
            try:
                self._start(tenant.tenant_id, execution, PLAN_KIND if dry_run else KIND)
            except TenantryError:
                failed.append(tenant.tenant_id.value)
        if failed:
            raise DependencyFailed(
                "The retention of some tenants could not be started.",
                code="retention_not_started",
                details=", ".join(failed),
            )
        return len(tenants)

    def _chosen(self, tenant_id: str | None) -> list[Tenant]:
        if tenant_id is None:
            idle = {TenantStatus.PROVISIONING, TenantStatus.ERASING}
            return [tenant for tenant in self._registry.tenants() if tenant.status not in idle]
        tenant = self._registry.tenant(TenantId(tenant_id))
        if tenant is None:
            raise TenantUnknown("There is no such tenant.")
        return [tenant]

    def _start(self, tenant_id: TenantId, execution: str, kind: str) -> None:
        now = datetime.now(UTC)
        # The day and not the millisecond goes into the id, so that a second delivery makes the same operation.
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        operation_id = new_ulid(day, f"{execution}/{kind}/{tenant_id.value}")
        if self._store.get(operation_id) is None:
            self._store.put(Operation(operation_id, kind, f"tenant/{tenant_id.value}", _ACTOR, now))
        self._invoker.start({"operation_id": operation_id})

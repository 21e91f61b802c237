"""Deletes the backups that a tenant's policy no longer keeps, and records which and why."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.backups.retention.plan import Decision, plan_retention
from tenantry.backups.retention.records import RetentionRecords
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.domain import operation_kinds
from tenantry.domain.errors import Conflict, TenantUnknown
from tenantry.domain.operation import Operation
from tenantry.domain.retention_policy import RetentionPolicy
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus, all_ids
from tenantry.operations.leases import RETENTION_LEASE, TENANT_LEASE, Leases
from tenantry.operations.operations import Step

KIND = operation_kinds.APPLY_RETENTION
# The kind of a dry run, which deletes nothing.
PLAN_KIND = operation_kinds.PLAN_RETENTION


class Retention:
    """Plans which backups of a tenant are deleted, by its own policy or the stack's."""

    def __init__(self, registry: Registry, catalogue: BackupCatalogue, policy: RetentionPolicy, leases: Leases) -> None:
        """Take the adapters, and the default policy for tenants without their own."""
        self._leases = leases
        self._registry = registry
        self._catalogue = catalogue
        self._policy = policy

    def plan(self, tenant_id: TenantId, now: datetime | None = None) -> list[Decision]:
        """Decide on each of a tenant's backups, oldest first.

        :raises TenantUnknown: there is no such tenant; an operator decides on what is left of one.
        :raises Conflict: the tenant is being erased.
        :raises DependencyFailed: the registry or S3 did not answer.
        """
        tenant = self._tenant(tenant_id)
        backups = self._catalogue.of(*all_ids(tenant))
        return plan_retention(backups, self.policy(tenant), now or datetime.now(UTC))

    def policy(self, tenant: Tenant) -> RetentionPolicy:
        """Return a tenant's own policy, or the default."""
        return tenant.retention or self._policy

    def set_policy(self, tenant_id: TenantId, policy: RetentionPolicy | None) -> Tenant:
        """Set a tenant's own policy; None goes back to the stack's.

        :raises TenantUnknown: there is no such tenant.
        :raises Conflict: the tenant is being erased, or another change of it is under way.
        :raises DependencyFailed: the registry did not answer.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = replace(self._tenant(tenant_id), retention=policy)
            self._registry.put_tenant(tenant)
        return tenant

    def show(self, tenant_id: TenantId) -> dict[str, Any]:
        """Plan a tenant's retention, and return it as JSON values.

        :raises TenantryError: see `plan`.
        """
        return self.describe(tenant_id, self.plan(tenant_id))

    def describe(self, tenant_id: TenantId, plan: Sequence[Decision]) -> dict[str, Any]:
        """Return a plan and the policy that it follows as JSON values.

        :raises TenantryError: see `plan`.
        """
        return summary(plan) | {
            "tenant_id": tenant_id.value,
            "policy": asdict(self.policy(self._tenant(tenant_id))),
            "decisions": [decision.to_json() for decision in plan],
        }

    def _tenant(self, tenant_id: TenantId) -> Tenant:
        tenant = self._registry.tenant(tenant_id)
        if tenant is None:
            raise TenantUnknown("There is no such tenant.", hint="GET /admin/v1/tenants lists them.")
        if tenant.status is TenantStatus.ERASING:
            raise Conflict("The tenant is to be erased.", code="tenant_erasing", hint="Its backups go with it.")
        return tenant


class RetentionRun:
    """The steps of a run. The record is written before anything is deleted, and again afterwards."""

    def __init__(self, retention: Retention, removal: BackupRemoval, records: RetentionRecords, leases: Leases) -> None:
        """Take the adapters."""
        self._retention = retention
        self._removal = removal
        self._records = records
        self._leases = leases

    def steps(self) -> Sequence[Step]:
        """List the steps in their order."""
        return (*self.dry_steps(), Step("delete", self._delete))

    def dry_steps(self) -> Sequence[Step]:
        """List the steps of a dry run."""
        return (Step("plan", self._plan),)

    def _plan(self, operation: Operation) -> dict[str, Any]:
        found = self._retention.show(_tenant_id(operation))
        key = self._record(operation, found)
        return {"record": key, "planned": {name: found[name] for name in ("keep", "delete", "delete_bytes")}}

    def _delete(self, operation: Operation) -> dict[str, Any]:
        tenant_id = _tenant_id(operation)
        with self._leases.hold(RETENTION_LEASE, tenant_id.value):
            # Plan again: this finishes what a dead worker began, and keeps what has been held since.
            plan = self._retention.plan(tenant_id)
            found = self._retention.describe(tenant_id, plan)
            self._record(operation, found)
            outcome = [self._delete_one(decision) for decision in plan if decision.delete]
        self._record(operation, found | {"outcome": outcome})
        refused = {one["backup_id"]: one["refused"] for one in outcome if one["refused"]}
        return {
            "deleted": len(outcome) - len(refused),
            "deleted_bytes": sum(one["deleted_bytes"] for one in outcome),
            "refused": refused,
        }

    def _delete_one(self, decision: Decision) -> dict[str, Any]:
        removed = self._removal.delete_one(decision.backup)
        return decision.to_json() | {"deleted_bytes": removed.bytes, "refused": removed.refused}

    def _record(self, operation: Operation, content: dict[str, Any]) -> str:
        header = {
            "operation_id": operation.operation_id,
            "requested_by": operation.requested_by,
            "dry_run": operation.kind == PLAN_KIND,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return self._records.put(_tenant_id(operation), operation.operation_id, header | content)


def summary(plan: Sequence[Decision]) -> dict[str, int]:
    """Count the kept and the deleted backups, and the bytes that the deletion frees."""
    gone = [decision for decision in plan if decision.delete]
    return {
        "keep": len(plan) - len(gone),
        "delete": len(gone),
        "delete_bytes": sum(decision.backup.bytes for decision in gone),
    }


def _tenant_id(operation: Operation) -> TenantId:
    return TenantId(operation.target.partition("/")[2])

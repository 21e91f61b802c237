"""Deletes the backups of one tenant that its policy no longer keeps, or says in a dry run which these are."""

from functools import cache
from typing import Any

from handlers.settings.backups import retention_settings
from handlers.wiring.retention import retention_workflows
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.backups.retention.run import KIND, PLAN_KIND
from tenantry.backups.retention.schedule import Applied, ScheduledRetention
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import TenantId
from tenantry.fleet.run import RunKind, run_of
from tenantry.fleet.run_store import RunStore
from tenantry.fleet.work import Done, FleetWork, NothingToDo
from tenantry.observability import logger
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Performer

# As long as the function may run: then the lease of a dead worker expires.
_LEASE_SECONDS = 900


@cache
def _wired() -> tuple[FleetWork, ScheduledRetention]:
    settings = retention_settings()
    dynamodb, table = aws_client("dynamodb", settings.region), settings.registry_table
    registry, store = Registry(dynamodb, table), OperationStore(dynamodb, table, settings.operation_retention_days)
    leases = Leases(dynamodb, table, _LEASE_SECONDS)
    performer = Performer(store, leases, retention_workflows(settings, registry, leases))
    runs = RunStore(aws_client("s3", settings.region), settings.bucket)
    # The lease on the tenant, which every operation on it holds.
    work = FleetWork(leases, TENANT_LEASE, "operation_in_progress", runs)
    return work, ScheduledRetention(registry, store, performer)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Apply one tenant's retention, as an operation of its own.

    :param event: `{"tenant_id", "kind"?, "run"?}`. Only `"kind": "apply_retention"` deletes, and only while the stack's
        mode is ENABLED: whoever changes the mode stops what is left of a run.
    :raises Conflict: another operation on the tenant is under way (`operation_in_progress`).
    :raises TenantryError: a step failed; a repetition goes on with it.
    """
    tenant_id, run = TenantId(str(event.get("tenant_id"))), run_of(event, RunKind.RETENTION)
    deletes = event.get("kind") == KIND and retention_settings().mode == "ENABLED"
    kind = KIND if deletes else PLAN_KIND
    names = {"tenant_id": tenant_id.value, "kind": kind}
    work, retention = _wired()
    try:
        found = work.perform(tenant_id, run, lambda: retention.apply(tenant_id, kind, run), _describe)
    except TenantryError as error:
        logger().error("retention failed", extra={"code": error.code, "reason": error.message, **names})
        raise error.without_cause() from None
    told = {"skipped": found.code} if isinstance(found, NothingToDo) else _told(found)
    logger().info("retention ended", extra=told | names)
    return told | names


def _describe(found: Applied | NothingToDo) -> Done | NothingToDo:
    return found if isinstance(found, NothingToDo) else found.word()


def _told(found: Applied) -> dict[str, Any]:
    facts = found.operation.facts
    told: dict[str, Any] = {name: facts[name] for name in ("planned", "deleted", "refused") if name in facts}
    return told | {"operation_id": found.operation.operation_id}

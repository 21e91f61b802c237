"""Started by EventBridge Scheduler: starts one `back_up_tenant` per tenant."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from tenantry.adapters.aws import aws_client
from tenantry.adapters.function_invocation import FunctionInvoker
from tenantry.adapters.registry import Registry
from tenantry.observability import count, logger
from tenantry.services.backup_schedule import ScheduledRun, start_backups
from tenantry.settings import schedule_settings


@cache
def _adapters() -> tuple[Registry, FunctionInvoker]:
    settings = schedule_settings()
    return (
        Registry(aws_client("dynamodb", settings.region), settings.registry_table),
        FunctionInvoker(aws_client("lambda", settings.region), settings.back_up_function),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start the backups of one scheduled run and say how many."""
    registry, invoker = _adapters()
    started = start_backups(_run(event, context), registry.tenants(), invoker)
    count("BackupsStarted", len(started))
    logger().info("backups started", tenants=[tenant_id.value for tenant_id in started])
    return {"started": len(started)}


def _run(event: dict[str, Any], context: Any) -> ScheduledRun:
    """Read what the scheduler put into the event; who starts the function by hand may leave it out."""
    try:
        at = datetime.fromisoformat(event["scheduled_at"])
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return ScheduledRun(at, str(event["execution_id"]), str(event.get("trigger", "schedule")))
    except (KeyError, ValueError):
        return ScheduledRun(datetime.now(UTC), context.aws_request_id, str(event.get("trigger", "manual")))

"""Started by EventBridge Scheduler every day: starts the retention of each tenant's backups."""

from functools import cache
from typing import Any

from handlers.settings.backups import retention_schedule_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.registry import Registry
from tenantry.backups.retention.schedule import RetentionSchedule
from tenantry.observability import count, logger
from tenantry.operations.operation_store import OperationStore


@cache
def _schedule() -> RetentionSchedule:
    settings = retention_schedule_settings()
    dynamodb = aws_client("dynamodb", settings.region)
    return RetentionSchedule(
        Registry(dynamodb, settings.registry_table),
        OperationStore(dynamodb, settings.registry_table),
        FunctionInvoker(aws_client("lambda", settings.region), settings.operation_function_arn),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start an operation for each tenant, or for one, and return how many.

    :param event: `{"tenant_id"?, "dry_run"?, "scheduled_at"?, "execution_id"?}`. A repeated execution id starts
        nothing twice.
    """
    mode = retention_schedule_settings().mode
    if mode == "DISABLED":
        return {"started": 0}
    dry_run = mode != "ENABLED" or event.get("dry_run") is True
    execution = str(event.get("execution_id") or context.aws_request_id)
    started = _schedule().start(execution, dry_run=dry_run, tenant_id=event.get("tenant_id"))
    count("RetentionsStarted", started)
    logger().info("retention started", extra={"started": started, "dry_run": dry_run})
    return {"started": started, "dry_run": dry_run}

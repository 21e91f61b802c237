"""Started by EventBridge Scheduler every hour: starts one `back_up_tenant` per tenant that is due."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from dateutil.tz import gettz

from tenantry.adapters.aws import aws_client
from tenantry.adapters.function_invocation import FunctionInvoker
from tenantry.adapters.registry import Registry
from tenantry.domain.backup_policy import BackupWindow
from tenantry.domain.errors import InvalidSetting
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


@cache
def _window() -> BackupWindow:
    settings = schedule_settings()
    # Lambda has no time zones of its own; dateutil brings them.
    timezone = gettz(settings.timezone)
    if timezone is None or not (settings.window_start < 24 and 1 <= settings.window_hours <= 24):
        raise InvalidSetting("The window of the backups is no part of a day, or its time zone is not known.")
    return BackupWindow(settings.window_start, settings.window_hours, timezone)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start the backups of one scheduled run and say how many.

    :param event: `{"trigger", "scheduled_at"?, "execution_id"?, "all"?}`; with `"all": true`, every tenant's.
    """
    registry, invoker = _adapters()
    started = start_backups(_run(event, context), registry.tenants(), _window(), invoker)
    count("BackupsStarted", len(started))
    logger().info("backups started", tenants=[tenant_id.value for tenant_id in started])
    return {"started": len(started)}


def _run(event: dict[str, Any], context: Any) -> ScheduledRun:
    """Read what the scheduler put into the event; who starts the function by hand may leave it out."""
    everyone = event.get("all") is True
    try:
        at = datetime.fromisoformat(event["scheduled_at"])
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return ScheduledRun(at, str(event["execution_id"]), str(event.get("trigger", "schedule")), everyone)
    except (KeyError, ValueError):
        trigger = str(event.get("trigger", "manual"))
        return ScheduledRun(datetime.now(UTC), context.aws_request_id, trigger, everyone)

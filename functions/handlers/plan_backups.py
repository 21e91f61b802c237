"""The first step of the backups' state machine: lists the tenants that are due in this hour, by server."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from dateutil.tz import gettz

from handlers.settings.backups import plan_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.backups.schedule import ScheduledRun, due_backups
from tenantry.domain.backup_policy import BackupWindow
from tenantry.domain.errors import InvalidSetting
from tenantry.fleet.order import check_order, require_known
from tenantry.fleet.run import RunKind, new_run
from tenantry.fleet.run_store import RunStore
from tenantry.fleet.runs import backups_of, plan_run
from tenantry.observability import count, logger


@cache
def _adapters() -> tuple[Registry, RunStore]:
    settings = plan_settings()
    return (
        Registry(aws_client("dynamodb", settings.region), settings.registry_table),
        RunStore(aws_client("s3", settings.region), settings.bucket),
    )


@cache
def _window() -> BackupWindow:
    settings = plan_settings()
    # Lambda has no time zone database; dateutil includes one.
    timezone = gettz(settings.timezone)
    if timezone is None or not (settings.window_start < 24 and 1 <= settings.window_hours <= 24):
        raise InvalidSetting("The window of the backups is no part of a day, or its time zone is not known.")
    return BackupWindow(settings.window_start, settings.window_hours, timezone)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Plan one run: store each server's list of tenants, and return its key and length.

    :param event: `{"order": {"trigger"?, "scheduled_at"?, "execution_id"?, "all"?, "tenants"?}, "execution_name"}`;
            with `"all": true` every tenant is due, with `tenants` only these.
    :raises BadRequest, TenantUnknown: the order does not fit, or names nobody's id; nothing is planned.
    """
    registry, runs = _adapters()
    scheduled = scheduled_run(event)
    run = new_run(RunKind.BACKUPS, scheduled.at, scheduled.execution_id)
    due = due_backups(scheduled, require_known(scheduled.only, registry.tenants()), _window())
    plan = plan_run(run, scheduled.trigger, due, runs, backups_of(registry.servers(), plan_settings().at_once))
    count("BackupsPlanned", plan["tenants"])
    logger().info("backups planned", extra={"run": run.prefix, "tenants": plan["tenants"]})
    return plan


def scheduled_run(event: dict[str, Any], flag: str = "all") -> ScheduledRun:
    """Read the scheduler's fields of the execution's input; they are optional when it is started by hand.

    :param flag: the field that may be true or false.
    :raises BadRequest: the input does not say what it means (`invalid_order`).
    """
    check_order(event.get("order"), flag)
    order = event.get("order") or {}
    everyone, only = order.get("all") is True, frozenset(map(str, order.get("tenants") or ()))
    try:
        at = datetime.fromisoformat(order["scheduled_at"])
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return ScheduledRun(at, str(order["execution_id"]), str(order.get("trigger", "schedule")), everyone, only)
    except (KeyError, ValueError):
        name, trigger = str(event.get("execution_name")), str(order.get("trigger", "manual"))
        return ScheduledRun(datetime.now(UTC), name, trigger, everyone, only)

"""The first step of the retention's state machine: lists the tenants whose backups are looked at today."""

from functools import cache
from typing import Any

from handlers.plan_backups import scheduled_run
from handlers.settings.backups import retention_schedule_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.backups.retention.schedule import retention_orders
from tenantry.fleet.order import require_known
from tenantry.fleet.run import RunKind, new_run
from tenantry.fleet.run_store import RunStore
from tenantry.fleet.runs import plan_run_of_no_server
from tenantry.observability import count, logger


@cache
def _adapters() -> tuple[Registry, RunStore]:
    settings = retention_schedule_settings()
    return (
        Registry(aws_client("dynamodb", settings.region), settings.registry_table),
        RunStore(aws_client("s3", settings.region), settings.bucket),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Plan one run: store the list of tenants, and return its key and length. Nobody is listed when it is disabled.

    :param event: `{"order": {"trigger"?, "scheduled_at"?, "execution_id"?, "tenants"?, "dry_run"?}, "execution_name"}`;
            with `"dry_run": true` nothing is deleted, whatever the stack's mode says.
    :raises BadRequest, TenantUnknown: the order does not fit, or names nobody's id; nothing is planned.
    """
    registry, runs = _adapters()
    settings, scheduled = retention_schedule_settings(), scheduled_run(event, "dry_run")
    run = new_run(RunKind.RETENTION, scheduled.at, scheduled.execution_id)
    dry_run = settings.mode != "ENABLED" or (event.get("order") or {}).get("dry_run") is True
    tenants = [] if settings.mode == "DISABLED" else require_known(scheduled.only, registry.tenants())
    orders = retention_orders(tenants, dry_run=dry_run, only=scheduled.only)
    plan = plan_run_of_no_server(run, scheduled.trigger, orders, runs, settings.at_once)
    count("RetentionsPlanned", plan["tenants"])
    logger().info("retention planned", extra={"run": run.prefix, "tenants": plan["tenants"], "dry_run": dry_run})
    return plan

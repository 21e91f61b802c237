"""The first step of the drills' state machine: lists the tenants whose backup is drilled today."""

from functools import cache
from typing import Any

from handlers.plan_backups import scheduled_run
from handlers.settings.backups import history_settings
from handlers.wiring.backups import backup_histories
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.backups.history import BackupHistories
from tenantry.fleet.order import require_known
from tenantry.fleet.run import RunKind, new_run
from tenantry.fleet.run_store import RunStore
from tenantry.fleet.runs import ServerConcurrency, plan_run
from tenantry.observability import count, logger
from tenantry.reports.backups import all_ids, settled
from tenantry.restores.drills.schedule import DrillRun, due_drills


@cache
def _adapters() -> tuple[Registry, BackupHistories, RunStore]:
    settings = history_settings()
    return (
        Registry(aws_client("dynamodb", settings.region), settings.registry_table),
        backup_histories(settings.buckets),
        RunStore(aws_client("s3", settings.region), settings.bucket),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Plan one run, as plan_backups does, with the backup of each tenant's drill.

    :param event: `{"order": {"trigger"?, "scheduled_at"?, "execution_id"?, "all"?, "tenants"?}, "execution_name"}`.
    """
    registry, histories, runs = _adapters()
    scheduled = scheduled_run(event)
    tenants = settled(require_known(scheduled.only, registry.tenants()))
    pairs = zip(tenants, histories.read([all_ids(tenant) for tenant in tenants]), strict=True)
    due = due_drills(DrillRun(scheduled.at, scheduled.everyone, scheduled.only), pairs)
    run = new_run(RunKind.DRILLS, scheduled.at, scheduled.execution_id)
    plan = plan_run(run, scheduled.trigger, due, runs, ServerConcurrency(history_settings().drills_at_once))
    count("DrillsPlanned", plan["tenants"])
    logger().info("drills planned", extra={"run": run.prefix, "tenants": plan["tenants"]})
    return plan

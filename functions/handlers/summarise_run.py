"""The last step of a state machine over the fleet: writes every tenant's outcome to the log, metrics and bucket."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from handlers.settings.backups import run_settings
from tenantry.aws.clients import aws_client
from tenantry.fleet.run import RunId, RunKind, RunSummary
from tenantry.fleet.run_store import RunStore
from tenantry.fleet.runs import sum_up
from tenantry.observability import MetricUnit, count, logger, measure

_METRICS = {RunKind.BACKUPS: "BackupRun", RunKind.DRILLS: "DrillRun", RunKind.RETENTION: "RetentionRun"}
# How many failures the log names; the summary in the bucket has all of them.
_NAMED = 50


@cache
def _runs() -> RunStore:
    settings = run_settings()
    return RunStore(aws_client("s3", settings.region), settings.bucket)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Sum up one run.

    :param event: `{"run", "started_at"}`; the time is in the form that Step Functions writes.
    """
    run = RunId(str(event["run"]))
    started_at = datetime.fromisoformat(str(event["started_at"]))
    summary = sum_up(run, started_at, datetime.now(UTC), _runs())
    _report(run, summary)
    counted = {name: getattr(summary, name) for name in ("tenants", "done", "skipped", "failed", "codes", "bytes")}
    return {
        "run": run.prefix,
        **counted,
        "seconds": summary.seconds,
        "within_tolerance": summary.is_within(run_settings().tolerated_percentage),
    }


def _report(run: RunId, summary: RunSummary) -> None:
    prefix = _METRICS[run.kind]
    for name, value in (("Done", summary.done), ("Skipped", summary.skipped), ("Failed", summary.failed)):
        count(f"{prefix}{name}", value)
    measure(f"{prefix}Bytes", summary.bytes, MetricUnit.Bytes)
    measure(f"{prefix}Seconds", summary.seconds, MetricUnit.Seconds)
    facts = summary.to_json()
    failures = [{"tenant_id": failure.tenant_id, "code": failure.code} for failure in summary.failures[:_NAMED]]
    write = logger().error if summary.failed else logger().info
    write("run ended", extra=facts | {"failures": failures})

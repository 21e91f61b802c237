"""Starts runs of the state machines over the fleet, on the running stack, and reads their results."""

import json
import time
import uuid
from datetime import datetime
from typing import Any, NamedTuple

from tests.e2e.api import Api

PATIENCE_SECONDS = 120


def start(api: Api, machine: str, **order: Any) -> str:
    """Start a run by hand; returns its execution."""
    answer = api.aws("stepfunctions").start_execution(
        stateMachineArn=api.resource(machine), name=f"test-{uuid.uuid4().hex}", input=json.dumps(order)
    )
    return str(answer["executionArn"])


def finish(api: Api, execution: str, *, succeeds: bool = True) -> dict[str, Any]:
    """Wait until a run ends and return its summary."""
    steps = api.aws("stepfunctions")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := steps.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, "the run does not end"
        time.sleep(0.2)  # the interval of polling, up to the deadline above
    assert found["status"] == ("SUCCEEDED" if succeeds else "FAILED"), found
    if succeeds:
        output: dict[str, Any] = json.loads(found["output"])
        return output
    return {"error": found.get("error")}


class Child(NamedTuple):
    """One tenant's part of a run: its event, its result, the number of failed attempts of its worker, and its times."""

    event: dict[str, str]
    status: str
    failures: int
    started: datetime
    stopped: datetime


def children(api: Api, execution: str) -> dict[str, Child]:
    """List the result of each tenant of a run."""
    steps = api.aws("stepfunctions")
    runs = steps.list_map_runs(executionArn=execution)["mapRuns"]
    found = [child for run in runs for child in steps.list_executions(mapRunArn=run["mapRunArn"])["executions"]]
    described = [steps.describe_execution(executionArn=child["executionArn"]) for child in found]
    made = [
        Child(
            json.loads(child["input"]),
            child["status"],
            _failures(steps, child["executionArn"]),
            child["startDate"],
            child["stopDate"],
        )
        for child in described
    ]
    return {child.event["tenant_id"]: child for child in made}


def limits(api: Api, execution: str) -> dict[frozenset[str], int]:
    """Read how many tenants each part of a run, which is one server's, may work on at the same time."""
    steps = api.aws("stepfunctions")
    found: dict[frozenset[str], int] = {}
    for run in steps.list_map_runs(executionArn=execution)["mapRuns"]:
        listed = steps.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        described = [steps.describe_execution(executionArn=child["executionArn"]) for child in listed]
        tenants = frozenset(json.loads(child["input"])["tenant_id"] for child in described)
        found[tenants] = steps.describe_map_run(mapRunArn=run["mapRunArn"])["maxConcurrency"]
    return found


def _failures(steps: Any, execution: str) -> int:
    events = steps.get_execution_history(executionArn=execution)["events"]
    return sum(event["type"] in {"TaskFailed", "LambdaFunctionFailed"} for event in events)


def summary(api: Api, run: str) -> dict[str, Any]:
    """Read the summary that a run has stored in the bucket."""
    body = api.aws("s3").get_object(Bucket=api.stack.backup_bucket, Key=f"{run}summary.json")["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found

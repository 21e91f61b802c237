"""The state machines over the fleet: their definition with substitutions, and the permissions of their roles."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.doctor.checks import quotas
from tenantry.backups.progress import QUEUED_AT_MOST
from tenantry.domain import errors
from tenantry.rollouts import conducting, slices
from tests.template.test_template import of_type, statements

type Template = dict[str, Any]
type Transform = Callable[..., Template]

DEFINITION = Path("statemachines/fleet.asl.json").read_text()
FLEETS = {
    "BackupFleet": ("PlanBackups", "BackUpTenant", "SummariseRun"),
    "DrillFleet": ("PlanDrills", "DrillBackup", "SummariseRun"),
    "RetentionFleet": ("ScheduleRetention", "RetainBackups", "SummariseRun"),
}
ROLLOUT = json.loads(Path("statemachines/rollout.asl.json").read_text())
# Events that an execution's history has room for, and those of one attempt at a function.
HISTORY, ATTEMPT = 25_000, 3
RUNS = {"BackupRun", "DrillRun", "RetentionRun"}
# What Step Functions gives each kind of state to say where to go on.
ENDS = {"Succeed", "Fail"}


def machine(template: Template, name: str) -> dict[str, Any]:
    """The definition with its substitutions, as CloudFormation makes them."""
    text = DEFINITION
    for key, value in of_type(template, "AWS::StepFunctions::StateMachine")[name]["DefinitionSubstitutions"].items():
        assert f"${{{key}}}" in text, key
        text = text.replace(f"${{{key}}}", json.dumps(value).replace('"', "'"))
    assert "${" not in text
    definition: dict[str, Any] = json.loads(text)
    return definition


def machines_in(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the machine itself and, from its maps, those inside it."""
    yield definition
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from machines_in(state["ItemProcessor"])


def successors(state: dict[str, Any]) -> set[str]:
    ways = [state, *state.get("Catch", []), *state.get("Choices", [])]
    return {way["Next"] for way in ways if "Next" in way} | ({state["Default"]} if "Default" in state else set())


@pytest.mark.parametrize("name", FLEETS)
def test_every_state_is_reached_and_leads_somewhere(transformed: Transform, name: str) -> None:
    for definition in machines_in(machine(transformed(), name)):
        states = definition["States"]
        reached, waiting = set(), {definition["StartAt"]}
        while waiting:
            state = waiting.pop()
            reached.add(state)
            waiting |= successors(states[state]) - reached
        assert reached == states.keys()
        for state in states.values():
            assert state.get("End") is True or successors(state) or state["Type"] in ENDS


@pytest.mark.parametrize("name", FLEETS)
def test_a_failing_tenant_or_server_stops_nobody_else(transformed: Transform, name: str) -> None:
    servers = machine(transformed(), name)["States"]["Servers"]
    tenants = servers["ItemProcessor"]["States"]["Tenants"]
    assert tenants["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert tenants["ToleratedFailurePercentage"] == 100
    assert [catch["ErrorEquals"] for catch in tenants["Catch"]] == [["States.ALL"]]
    # The state of an execution may have 256 KiB: what the children found is not in it.
    assert tenants["ItemProcessor"]["States"]["Work"]["OutputPath"] is None
    assert tenants["ResultPath"] is servers["ResultPath"] is None
    assert tenants["ItemReader"]["Parameters"].keys() == {"Bucket.$", "Key.$"}


@pytest.mark.parametrize(
    ("name", "plan", "variable", "parameter"),
    [
        ("BackupFleet", "PlanBackups", "BACKUPS_AT_ONCE", "BackupsAtOnce"),
        ("DrillFleet", "PlanDrills", "DRILLS_AT_ONCE", "DrillsAtOnce"),
        ("RetentionFleet", "ScheduleRetention", "RETENTIONS_AT_ONCE", "RetentionsAtOnce"),
    ],
)
def test_each_server_is_worked_on_by_as_many_as_the_plan_says(
    transformed: Transform, name: str, plan: str, variable: str, parameter: str
) -> None:
    template = transformed()
    servers = machine(template, name)["States"]["Servers"]
    tenants = servers["ItemProcessor"]["States"]["Tenants"]
    assert servers["ItemSelector"]["at_once.$"] == "$$.Map.Item.Value.at_once"
    assert tenants["MaxConcurrencyPath"] == "$.at_once"
    # Step Functions takes one of the two, and no limit of the fleet's.
    assert "MaxConcurrency" not in tenants.keys() | servers.keys()
    variables = of_type(template, "AWS::Lambda::Function")[plan]["Environment"]["Variables"]
    assert variables[variable] == {"Ref": parameter}
    # No number that a server or the stack may have is one that the local stack has no map for.
    assert template["Parameters"][parameter]["MaxValue"] <= 100


def throttling(work: dict[str, Any]) -> dict[str, Any]:
    """The rule for a worker that Lambda does not start, as all of its kind are busy: a rule of its own."""
    (rule,) = [rule for rule in work["Retry"] if "Lambda.TooManyRequestsException" in rule["ErrorEquals"]]
    assert rule["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    assert (rule["MaxDelaySeconds"], rule["JitterStrategy"]) == (60, "FULL")
    return dict(rule)


def waited(rule: dict[str, Any]) -> float:
    """The seconds that a rule waits on average: full jitter takes half of each delay."""
    delays = [rule["IntervalSeconds"] * rule["BackoffRate"] ** n for n in range(7)]
    attempts = [min(delay, rule["MaxDelaySeconds"]) for delay in delays]
    return float(sum(attempts) + (rule["MaxAttempts"] - len(attempts)) * rule["MaxDelaySeconds"]) / 2


def test_who_finds_all_workers_busy_is_waited_for_as_long_as_the_run_may_last(transformed: Transform) -> None:
    definition = machine(transformed(), "BackupFleet")
    tenants = definition["States"]["Servers"]["ItemProcessor"]["States"]["Tenants"]
    rule = throttling(tenants["ItemProcessor"]["States"]["Work"])
    assert waited(rule) > 0.99 * definition["TimeoutSeconds"]
    # Each tenant has an execution of its own, with a history of its own.
    assert rule["MaxAttempts"] * ATTEMPT < HISTORY


def test_a_slice_of_a_rollout_waits_longer_than_a_worker_may_run(transformed: Transform) -> None:
    rule = throttling(ROLLOUT["States"]["Slices"]["ItemProcessor"]["States"]["Migrate"])
    assert waited(rule) > of_type(transformed(), "AWS::Lambda::Function")["MigrateTenants"]["Timeout"]
    # All slices of a round share one history, of which the conductor keeps account.
    assert rule["MaxAttempts"] * ATTEMPT + 10 <= conducting._EVENTS_OF_SLICE
    most = conducting._EVENTS_OF_ROUND + slices._MOST_SLICES * conducting._EVENTS_OF_SLICE
    assert most <= conducting._MOST_EVENTS < HISTORY


def test_a_backup_that_is_asked_for_is_queued_as_long_as_lambda_keeps_it(transformed: Transform) -> None:
    configs = of_type(transformed(), "AWS::Lambda::EventInvokeConfig").values()
    (config,) = [one for one in configs if one["FunctionName"] == {"Ref": "BackUpTenant"}]
    assert config["MaximumEventAgeInSeconds"] == QUEUED_AT_MOST.total_seconds()
    assert config["DestinationConfig"]["OnFailure"]


WORKERS = {"BackUpTenant", "DrillBackup", "MigrateTenants", "RetainBackups"}


def test_the_fleets_workers_leave_the_data_api_its_own(transformed: Transform) -> None:
    def reserved(**parameters: str) -> dict[str, Any]:
        functions = of_type(transformed(**parameters), "AWS::Lambda::Function")
        found = {name: function.get("ReservedConcurrentExecutions") for name, function in functions.items()}
        return {name: number for name, number in found.items() if number is not None}

    assert reserved() == {}
    assert reserved(FleetConcurrency="20") == {name: {"Ref": "FleetConcurrency"} for name in WORKERS}
    # The doctor adds up what the stack reserves.
    every = reserved(FleetConcurrency="20", OperationConcurrency="5", QueryConcurrency="50").values()
    assert Counter(one["Ref"] for one in every) == quotas._RESERVING


def test_every_worker_of_a_state_machine_is_bounded(transformed: Transform) -> None:
    machines = of_type(transformed(), "AWS::StepFunctions::StateMachine").values()
    substitutions = [one["DefinitionSubstitutions"] for one in machines]
    work = [one.get("WorkFunction") or one["MigrateFunction"] for one in substitutions]
    assert {one["Fn::GetAtt"][0] for one in work} == WORKERS


def test_a_lease_that_a_dead_worker_holds_is_waited_for(transformed: Transform) -> None:
    """The wait is at most the function's 900 seconds, because the lease has expired by then."""
    servers = machine(transformed(), "BackupFleet")["States"]["Servers"]
    work = servers["ItemProcessor"]["States"]["Tenants"]["ItemProcessor"]["States"]["Work"]
    (retry,) = [retry for retry in work["Retry"] if retry["ErrorEquals"] == ["Conflict"]]
    assert (retry["BackoffRate"], retry["JitterStrategy"]) == (1, "NONE")
    assert retry["IntervalSeconds"] * retry["MaxAttempts"] > 900
    assert {one["JitterStrategy"] for one in work["Retry"] if one is not retry and one["MaxAttempts"]} == {"FULL"}


def test_what_no_repetition_changes_is_not_repeated(transformed: Transform) -> None:
    servers = machine(transformed(), "BackupFleet")["States"]["Servers"]
    work = servers["ItemProcessor"]["States"]["Tenants"]["ItemProcessor"]["States"]["Work"]
    never = next(retry["ErrorEquals"] for retry in work["Retry"] if retry["MaxAttempts"] == 0)
    named = [name for retry in work["Retry"] for name in retry["ErrorEquals"] if "." not in name]
    # Lambda names an error by its class.
    assert [name for name in named if not hasattr(errors, name)] == []
    assert {"TenantUnknown", "InvalidSetting"} <= set(never)
    # Whatever it is otherwise is tried again: the last word, for the first that matches decides.
    assert work["Retry"][-1]["ErrorEquals"] == ["States.TaskFailed"]


@pytest.mark.parametrize("name", FLEETS)
def test_a_role_covers_what_its_machine_does(transformed: Transform, name: str) -> None:
    template = transformed()
    properties = of_type(template, "AWS::StepFunctions::StateMachine")[name]
    used = {
        f"{step}Function": {"Fn::GetAtt": [function, "Arn"]}
        for step, function in zip(("Plan", "Work", "Summarise"), FLEETS[name], strict=True)
    }
    assert used.items() <= properties["DefinitionSubstitutions"].items()
    assert properties["RoleArn"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    by_sid = {statement["Sid"]: statement for statement in statements(template, f"{name}Role")}
    assert by_sid["PlanWorkAndSumUp"]["Resource"] == list(used.values())
    assert by_sid["ReadPlans"]["Resource"] == {"Fn::Sub": "${BackupBucket.Arn}/runs/*"}
    own = properties["StateMachineName"]["Fn::Sub"]
    assert by_sid["StartOneExecutionForEachTenant"]["Resource"]["Fn::Sub"].endswith(f":stateMachine:{own}")
    assert all(f":execution:{own}" in resource["Fn::Sub"] for resource in by_sid["FollowThem"]["Resource"])


@pytest.mark.parametrize("role", ["BackUpTenantRole", "DrillBackupRole", "RetainBackupsRole"])
def test_a_worker_writes_leases_and_no_other_item(transformed: Transform, role: str) -> None:
    (leases,) = [s for s in statements(transformed(), role) if s.get("Sid") == "HoldLeases"]
    # All that a transaction names, and not any.
    assert leases["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["LEASE"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def test_the_dashboard_shows_what_is_published(transformed: Transform) -> None:
    """Every metric of our own on the dashboard is one that the code publishes."""
    (dashboard,) = of_type(transformed(), "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"]["Fn::Sub"][0])["widgets"]
    metrics = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    shown = {metric[1] for metric in metrics if metric[0] == "Tenantry/${Stage}"}
    assert shown >= {"TenantsWithoutRecentBackup", "OldestVerificationHours", "BackupSeconds", "BackupBytes"}
    code = "".join(path.read_text() for path in Path("functions/handlers").glob("*.py"))
    runs = {f"{run}{name}" for run in RUNS for name in ("Done", "Skipped", "Failed", "Bytes")}
    assert [name for name in shown if f'"{name}"' not in code and name not in runs] == []
    assert {metric[1] for metric in metrics if isinstance(metric[1], str)} >= {"Latency", "5XXError", "Errors"}


def test_alarms_watch_what_is_published(transformed: Transform) -> None:
    code = "".join(path.read_text() for path in Path("functions/handlers").glob("*.py"))
    runs = {f"{run}Failed" for run in RUNS}
    own = [
        alarm["MetricName"]
        for alarm in of_type(transformed(), "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == {"Fn::Sub": "Tenantry/${Stage}"}
    ]
    assert [name for name in own if f'"{name}"' not in code and name not in runs] == []

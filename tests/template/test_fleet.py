"""The state machines over the fleet: their definition with substitutions, and the permissions of their roles."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tenantry.domain import errors
from tests.template.test_template import of_type, statements

type Template = dict[str, Any]
type Transform = Callable[..., Template]

DEFINITION = Path("statemachines/fleet.asl.json").read_text()
FLEETS = {
    "BackupFleet": ("PlanBackups", "BackUpTenant", "SummariseRun"),
    "DrillFleet": ("PlanDrills", "DrillBackup", "SummariseRun"),
}
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


@pytest.mark.parametrize("role", ["BackUpTenantRole", "DrillBackupRole"])
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
    runs = {f"{run}{name}" for run in ("BackupRun", "DrillRun") for name in ("Done", "Skipped", "Failed")}
    assert [name for name in shown if f'"{name}"' not in code and name not in runs] == []
    assert {metric[1] for metric in metrics if isinstance(metric[1], str)} >= {"Latency", "5XXError", "Errors"}


def test_alarms_watch_what_is_published(transformed: Transform) -> None:
    code = "".join(path.read_text() for path in Path("functions/handlers").glob("*.py"))
    runs = {"BackupRunFailed", "DrillRunFailed"}
    own = [
        alarm["MetricName"]
        for alarm in of_type(transformed(), "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == {"Fn::Sub": "Tenantry/${Stage}"}
    ]
    assert [name for name in own if f'"{name}"' not in code and name not in runs] == []

"""What .checkov.yaml says of checkov's findings is true of the template. How to run checkov itself stands there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.template.conftest import Template
from tests.template.test_template import IN_A_VPC, OPENING_CONNECTIONS, Transform, of_type

SETTINGS = Path(".checkov.yaml").read_text("utf-8")
SKIPPED = re.findall(r"^  - (CKV2?_AWS_\d+)$", SETTINGS, re.MULTILINE)
# The comment above each.
REASONS = dict(reversed(found) for found in re.findall(r"((?:^  # .*\n)+)  - (CKV2?_AWS_\d+)$", SETTINGS, re.MULTILINE))
INVOKED_WITHOUT_WAITING = {"BackUpTenant", "PerformOperation"}


def test_every_finding_that_is_left_has_its_reason() -> None:
    assert sorted(REASONS) == sorted(SKIPPED)
    assert len(set(SKIPPED)) == len(SKIPPED)
    assert all(len(reason.replace("#", "").split()) > 10 for reason in REASONS.values())


@pytest.fixture
def functions(transformed: Transform) -> dict[str, Any]:
    return of_type(transformed(**IN_A_VPC), "AWS::Lambda::Function")


def test_queues_and_tables_are_encrypted(transformed: Transform) -> None:
    template = transformed()
    assert all(queue["SqsManagedSseEnabled"] for queue in of_type(template, "AWS::SQS::Queue").values())
    tables = of_type(template, "AWS::DynamoDB::Table")
    assert all(table["SSESpecification"]["SSEEnabled"] for table in tables.values())
    assert [name for name, table in tables.items() if "PointInTimeRecoverySpecification" not in table] == [
        "ErrorCountsTable"
    ]


def test_what_is_invoked_without_waiting_has_a_queue_for_failures(transformed: Transform) -> None:
    template = transformed()
    configured = of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    kept = {c["FunctionName"]["Ref"] for c in configured if c["DestinationConfig"]["OnFailure"]["Destination"]}
    assert kept == INVOKED_WITHOUT_WAITING
    schedules = of_type(template, "AWS::Scheduler::Schedule")
    watches = {name for name, each in schedules.items() if "DeadLetterConfig" not in each["Target"]}
    # These come again in a minute or an hour.
    assert watches == {"BackupWatchRule", "SessionWatchRule"}


def test_only_what_opens_connections_is_in_the_vpc(functions: dict[str, Any]) -> None:
    assert {name for name, function in functions.items() if "VpcConfig" in function} == OPENING_CONNECTIONS


def test_no_variable_holds_a_secret(functions: dict[str, Any], source: Template) -> None:
    values = [function["Environment"]["Variables"] for function in functions.values()]
    # CloudFormation puts a secret there by a dynamic reference, or from a parameter that it does not show.
    assert "resolve:" not in json.dumps(values)
    assert not any(spec.get("NoEcho") for spec in source["Parameters"].values())


def test_the_gateway_keeps_no_answers(transformed: Transform) -> None:
    ((_, stage),) = of_type(transformed(), "AWS::ApiGateway::Stage").items()
    assert not stage.get("CacheClusterEnabled")
    assert not any(setting.get("CachingEnabled") for setting in stage["MethodSettings"])


def test_access_logs_are_a_parameter(transformed: Transform) -> None:
    ((_, stage),) = of_type(transformed(ApiAccessLogs="ENABLED"), "AWS::ApiGateway::Stage").items()
    assert stage["AccessLogSetting"]["DestinationArn"]

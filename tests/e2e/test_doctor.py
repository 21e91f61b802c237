"""The local stack, as it is made, is well; and what is told of it gives nothing away."""

import json
from urllib.parse import urlsplit

import pytest

from local.doctor import __main__ as command
from local.doctor.deployed_stack import DeployedStack
from local.doctor.examination import CHECKS, Result, examine
from local.doctor.finding import Verdict
from local.doctor.report import as_json, as_table, has_errors
from local.stack_file import StackFile


@pytest.fixture(scope="module")
def doctored(stack: StackFile) -> DeployedStack:
    return command.local_stack(stack)


@pytest.fixture
def as_on_aws(stack: StackFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of somebody who looks at a stack on AWS; AWS is the local one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws_endpoint_url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", stack.region)


@pytest.fixture(scope="module")
def results(doctored: DeployedStack) -> list[Result]:
    return list(examine(doctored))


def test_the_local_stack_is_well(results: list[Result]) -> None:
    assert [result for result in results if result.finding.verdict is Verdict.ERROR] == []
    assert not has_errors(results)
    unseen = {result.check for result in results if result.finding.verdict is Verdict.NOT_AVAILABLE}
    # What the local AWS can't show.
    assert unseen == {"usage keys", "executions at once"}
    assert {result.check for result in results} == CHECKS.keys()


def test_no_address_and_no_secret_is_shown(stack: StackFile, doctored: DeployedStack, results: list[Result]) -> None:
    shown = as_table(results, 10_000) + as_json(doctored.name, results)
    secrets = {doctored.token, *stack.passwords.values(), *(server.admin_password for server in stack.servers)}
    hosts = {str(urlsplit(stack.api_url).port), *(server.host for server in stack.servers)}
    assert [each for each in secrets | hosts if each in shown] == []


def test_the_probe_answers_with_names_alone(stack: StackFile, doctored: DeployedStack) -> None:
    probe = doctored.probe
    assert probe.servers == {server.id: "fine" for server in stack.servers}
    assert set(probe.services.values()) == {True}
    assert not any("." in name or "/" in name for name in probe.services)


@pytest.mark.usefixtures("as_on_aws")
def test_an_unknown_stack_is_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "tenantry-nowhere"]) == 2
    assert capsys.readouterr().err.startswith("There is no stack tenantry-nowhere in this region.")


@pytest.mark.usefixtures("as_on_aws")
def test_the_command_ends_with_1_where_something_is_wrong(
    stack: StackFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looked at as a stack on AWS, what the local stack leaves out is an error."""
    monkeypatch.delenv("TOKEN", raising=False)
    assert command.main(["--stack", stack.stack_name, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    errors = {each["check"] for each in found if each["verdict"] == "error"}
    assert (
        {"conditions of policies", "usage keys"}
        <= errors
        <= {"conditions of policies", "usage keys", "executions at once"}
    )

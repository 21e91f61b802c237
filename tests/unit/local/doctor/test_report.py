"""How results are shown, and what the command answers where there is nothing to examine."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.doctor import __main__ as command
from local.doctor.examination import Result
from local.doctor.finding import Verdict, error, hint, listed, ok
from local.doctor.report import as_json, as_table, has_errors
from local.ports import free_ports

WRONG = Result("servers' network", error("db-1: Nobody answers at that host and port.", "Check both, and more."))
RESULTS = [Result("clock", ok("Right.")), WRONG, Result("alarms", hint("Nobody is told.", "Tell somebody."))]


def test_a_table_fits_its_terminal_and_sums_up() -> None:
    lines = as_table(RESULTS, 70).splitlines()
    assert all(len(line) <= 75 for line in lines)
    assert lines[0].split() == ["ok", "clock", "Right."]
    assert lines[-1] == "1 ok, 1 hint, 1 error, 0 not available"
    assert "→ Check both," in "\n".join(lines)


def test_machines_get_the_same() -> None:
    shown = json.loads(as_json("tenantry", RESULTS))
    assert (shown["stack"], shown["errors"]) == ("tenantry", True)
    assert [finding["verdict"] for finding in shown["findings"]] == ["ok", "error", "hint"]
    assert shown["findings"][1]["what_to_do"] == "Check both, and more."


def test_only_errors_count_as_errors() -> None:
    assert has_errors(RESULTS)
    assert not has_errors([each for each in RESULTS if each.finding.verdict is not Verdict.ERROR])


def test_a_long_list_is_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"


def test_without_a_local_stack_it_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "DIRECTORY", tmp_path)
    assert command.main([]) == 2
    assert "make up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ValidationError", "There is no stack tenantry in this region."),
        ("AccessDenied", "Your credentials have to allow cloudformation:DescribeStacks."),
        ("ExpiredToken", "AWS answered ExpiredToken. Sign in to AWS anew"),
        ("InvalidClientTokenId", "AWS answered InvalidClientTokenId. Sign in to AWS anew"),
        ("SignatureDoesNotMatch", "this machine's clock"),
        ("Throttling", "in a minute"),
    ],
)
def test_a_stack_that_aws_does_not_show_is_told_by_its_reason(
    code: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "arn:aws:iam::123456789012:user/x"}}, "DescribeStacks")

    monkeypatch.setattr(command, "stack_on_aws", refuse)
    assert command.main(["--stack", "tenantry"]) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert "123456789012" not in shown.err + shown.out


def test_where_aws_does_not_answer_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    assert command.main(["--stack", "tenantry", "--region", "ap-south-1"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("AWS could not be asked (EndpointConnectionError).")
    assert told.endswith("AWS_ENDPOINT_URL is set: unset it.\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "no address")
    assert command.main(["--stack", "tenantry", "--region", "ap-south-1"]) == 2
    assert capsys.readouterr().err.startswith("AWS could not be asked (ValueError).")

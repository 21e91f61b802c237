"""A tenant's rotation is scheduled once: Secrets Manager takes no schedule while a version is pending."""

from typing import Any

import pytest
from botocore.stub import Stubber

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.tenant import TenantId

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:rotate"
RULES = {"ScheduleExpression": "cron(0 3 5 * ? *)", "Duration": "1h"}
NAME = "tenantry/prod/tenants/acme"
# As Secrets Manager tells it: with what it has worked out itself.
SET = {
    "Name": NAME,
    "RotationEnabled": True,
    "RotationLambdaARN": FUNCTION,
    "RotationRules": {**RULES, "AutomaticallyAfterDays": 31},
    "VersionIdsToStages": {"v1" * 16: ["AWSCURRENT"], "v2" * 16: ["AWSPENDING"]},
}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


def schedule(described: dict[str, Any], *, is_taken: bool | None) -> None:
    """Schedule the rotation; `is_taken` says what becomes of RotateSecret, None that it is not asked."""
    client = aws_client("secretsmanager", "eu-west-1")
    with Stubber(client) as stubber:
        stubber.add_response("describe_secret", described, {"SecretId": NAME})
        if is_taken:
            asked = {
                "SecretId": NAME,
                "RotationLambdaARN": FUNCTION,
                "RotationRules": RULES,
                "RotateImmediately": False,
            }
            stubber.add_response("rotate_secret", {"Name": NAME}, asked)
        elif is_taken is False:
            stubber.add_client_error("rotate_secret", "InvalidRequestException")
        SecretStore(client, "prod").schedule_rotation(TenantId("acme"), FUNCTION, RULES)
        stubber.assert_no_pending_responses()


def test_a_schedule_that_is_set_is_left_alone() -> None:
    schedule(SET, is_taken=None)


@pytest.mark.parametrize(
    "change",
    [
        {"RotationEnabled": False},
        {"RotationLambdaARN": f"{FUNCTION}-of-another-stack"},
        {"RotationRules": {"AutomaticallyAfterDays": 30}},
        {"RotationRules": {**RULES, "Duration": "2h"}},
    ],
)
def test_another_schedule_is_replaced(change: dict[str, Any]) -> None:
    schedule({**SET, **change}, is_taken=True)


def test_a_secret_that_was_never_rotated_gets_its_schedule() -> None:
    schedule({"Name": NAME}, is_taken=True)


def test_a_refusal_is_told() -> None:
    with pytest.raises(DependencyFailed):
        schedule({"Name": NAME}, is_taken=False)

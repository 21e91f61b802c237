"""What is told of people, quotas and parameters, and of what can't be looked at."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local.doctor.checks import people
from local.doctor.deployed_stack import DeployedStack, why_not_examined
from local.doctor.examination import CHECKS, run_check
from local.doctor.finding import Verdict
from tests.unit.local.doctor.conftest import Calls, Look, only, probed

TEMPLATE = Path(__file__).parents[4] / "template.yaml"


def user(status: str = "CONFIRMED", role: str = "operator", days: float = 0, *, enabled: bool = True) -> dict[str, Any]:
    return {
        "UserStatus": status,
        "Enabled": enabled,
        "UserLastModifiedDate": datetime.now(UTC) - timedelta(days=days),
        "Attributes": [{"Name": "custom:role", "Value": role}],
    }


@pytest.mark.parametrize(
    ("users", "verdict", "told"),
    [
        ([user()], Verdict.OK, "has signed in"),
        ([user("FORCE_CHANGE_PASSWORD", days=9), user()], Verdict.OK, "has signed in"),
        ([user("FORCE_CHANGE_PASSWORD", days=1)], Verdict.HINT, "signed in yet"),
        ([user("FORCE_CHANGE_PASSWORD", days=3.1)], Verdict.ERROR, "have ended"),
        ([user(role="admin")], Verdict.ERROR, "Nobody"),
        ([user(enabled=False)], Verdict.ERROR, "Nobody"),
        ([], Verdict.ERROR, "Nobody"),
    ],
)
def test_somebody_is_an_operator(look: Look, users: list[Any], verdict: Verdict, told: str) -> None:
    assert told in only(look("first operator", [("cognito-idp", "list_users", {"Users": users})]), verdict)


def test_operators_are_looked_for_on_every_page_up_to_a_bound(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: Calls = [
        ("cognito-idp", "list_users", {"Users": [], "PaginationToken": "more"}),
        ("cognito-idp", "list_users", {"Users": [user()]}),
    ]
    assert only(look("first operator", pages), Verdict.OK)
    monkeypatch.setattr(people, "_PAGES", 1)
    assert only(look("first operator", pages), Verdict.NOT_AVAILABLE)


def test_an_issuer_of_ones_own_keeps_its_operators(look: Look) -> None:
    issuer = "https://issuer.example"
    assert only(look("first operator", OidcIssuer=issuer), Verdict.NOT_AVAILABLE)
    assert only(look("invitations", OidcIssuer=issuer, EmailIdentityArn=""), Verdict.OK)


def test_a_first_password_lasts_as_long_as_the_template_says() -> None:
    pool = yaml_parse(TEMPLATE.read_text())["Resources"]["UserPool"]["Properties"]
    assert people._INVITATION.days == pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"]


@pytest.mark.parametrize(("left", "verdict"), [(10, Verdict.ERROR), (99, Verdict.ERROR), (100, Verdict.OK)])
def test_too_few_executions_are_found(look: Look, left: int, verdict: Verdict) -> None:
    limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": left}
    calls: Calls = [("lambda", "get_account_settings", {"AccountLimit": limits})]
    assert f"{left} of the account's 1000" in only(look("executions at once", calls), verdict)


def test_what_the_stack_reserves_is_told(look: Look) -> None:
    limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 700}
    calls: Calls = [("lambda", "get_account_settings", {"AccountLimit": limits})]
    reserving = {"QueryConcurrency": "200", "OperationConcurrency": "60", "FleetConcurrency": "10"}
    says = only(look("executions at once", calls, **reserving), Verdict.OK)
    assert says.endswith("; this stack reserves 300.")


@pytest.mark.parametrize(
    ("used", "verdict"), [(7_999, Verdict.OK), (8_000, Verdict.HINT), (9_999, Verdict.HINT), (10_000, Verdict.ERROR)]
)
def test_keys_that_run_out_are_found(look: Look, used: int, verdict: Verdict) -> None:
    first: Any = {"items": [{}] * (used - 5), "position": "more"}
    calls: Calls = [("apigateway", "get_api_keys", first), ("apigateway", "get_api_keys", {"items": [{}] * 5})]
    assert only(look("API keys", calls), verdict).startswith(f"{used:,} of")


@pytest.mark.parametrize(
    ("check", "parameters", "verdict", "told"),
    [
        ("invitations", {"EmailIdentityArn": ""}, Verdict.HINT, "some 50 a day"),
        ("alarms", {"AlarmTopicArn": ""}, Verdict.HINT, "nobody"),
        ("retention", {"RetentionMode": "DRY_RUN"}, Verdict.HINT, "DRY_RUN"),
        ("retention", {"RetentionMode": "DISABLED"}, Verdict.HINT, "DISABLED"),
        ("conditions of policies", {"PrincipalTagConditions": "DISABLED"}, Verdict.ERROR, "tenants apart"),
        # That it calls itself local does not make it so.
        ("conditions of policies", {"PrincipalTagConditions": "DISABLED", "Stage": "local"}, Verdict.ERROR, "apart"),
        ("conditions of policies", {"IdentityEndpoint": "http://localhost:1"}, Verdict.ERROR, "something else"),
    ],
)
def test_a_parameter_is_told(look: Look, check: str, parameters: dict[str, str], verdict: Verdict, told: str) -> None:
    assert only(look(check), Verdict.OK)
    assert told in only(look(check, **parameters), verdict)


@pytest.mark.parametrize(
    ("account", "verdict"),
    [({"cloudwatchRoleArn": "arn:aws:iam::123456789012:role/logs"}, Verdict.OK), ({}, Verdict.ERROR)],
)
def test_an_access_log_needs_the_accounts_role(look: Look, account: dict[str, str], verdict: Verdict) -> None:
    calls: Calls = [("apigateway", "get_account", account)]
    assert only(look("access log", calls, ApiAccessLogs="ENABLED"), verdict)
    assert only(look("access log"), Verdict.OK)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("CREATE_COMPLETE", Verdict.OK),
        ("UPDATE_IN_PROGRESS", Verdict.HINT),
        ("UPDATE_ROLLBACK_COMPLETE", Verdict.ERROR),
        ("ROLLBACK_IN_PROGRESS", Verdict.HINT),
    ],
)
def test_a_deployment_that_failed_is_found(
    make_stack: Callable[..., DeployedStack], status: str, verdict: Verdict
) -> None:
    stack = make_stack()
    stack.status = status
    assert only(CHECKS["deployment"](stack), verdict)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("ROLLBACK_COMPLETE", "delete the stack"),
        ("UPDATE_ROLLBACK_COMPLETE", "What was deployed before goes on"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("SOMETHING_NEW", "the first failure."),
    ],
)
def test_who_deployed_in_vain_is_told_what_cloudformation_wants_next(
    make_stack: Callable[..., DeployedStack], status: str, told: str
) -> None:
    stack = make_stack()
    stack.status = status
    (found,) = CHECKS["deployment"](stack)
    assert told in found.what_to_do


@pytest.mark.parametrize(
    ("code", "told"),
    [("ExpiredTokenException", "Sign in to AWS anew"), ("TooManyRequestsException", "Look again"), ("Odd", "")],
)
def test_a_call_that_is_refused_in_mid_run_says_what_to_do(look: Look, code: str, told: str) -> None:
    (found,) = look("clock", [("lambda", "invoke", code)])
    assert (found.verdict, found.says) == (Verdict.NOT_AVAILABLE, f"AWS answered {code} to Invoke.")
    assert found.what_to_do.startswith(told)
    assert bool(found.what_to_do) == bool(told)


@pytest.mark.parametrize(
    ("status", "lacks", "why"),
    [
        ("UPDATE_COMPLETE", "", ""),
        ("REVIEW_IN_PROGRESS", "Stage", "never deployed"),
        ("CREATE_COMPLETE", "RoleClaim", "not made from Tenantry's template"),
    ],
)
def test_what_is_no_stack_of_ours_is_not_examined(
    make_stack: Callable[..., DeployedStack], status: str, lacks: str, why: str
) -> None:
    stack = make_stack()
    stack.status = status
    stack.parameters = {name: value for name, value in stack.parameters.items() if name != lacks}
    found = why_not_examined(stack)
    assert why in found
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    ("check", "call"),
    [
        ("first operator", ("cognito-idp", "list_users")),
        ("executions at once", ("lambda", "get_account_settings")),
        ("API keys", ("apigateway", "get_api_keys")),
        ("authorizer", ("apigateway", "get_resources")),
        ("clock", ("lambda", "invoke")),
    ],
)
def test_what_the_credentials_may_not_see_is_not_available(look: Look, check: str, call: tuple[str, str]) -> None:
    says = only(look(check, [(*call, "AccessDeniedException")]), Verdict.NOT_AVAILABLE)
    assert says == f"Your credentials may not call {''.join(map(str.capitalize, call[1].split('_')))}."
    says = only(look(check, [(*call, "ThrottlingException")]), Verdict.NOT_AVAILABLE)
    assert says.startswith("AWS answered ThrottlingException to ")


def test_a_registry_that_may_not_be_read_is_not_available(look: Look) -> None:
    calls: Calls = [("dynamodb", "query", "AccessDeniedException")]
    assert only(look("servers' TLS", calls), Verdict.NOT_AVAILABLE)


def test_a_stack_from_before_the_probe_is_told_to_be_deployed(make_stack: Callable[..., DeployedStack]) -> None:
    stack = make_stack(probed())
    stack.outputs = {}
    (found,) = run_check(CHECKS["AWS's services"], stack)
    assert (found.verdict, found.what_to_do) == (Verdict.NOT_AVAILABLE, "Deploy this version of the template.")

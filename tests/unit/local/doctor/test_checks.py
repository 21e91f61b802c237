"""Each thing that can be wrong with a stack is found, and told with what to do."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local.doctor.checks import people
from local.doctor.deployed_stack import DeployedStack
from local.doctor.examination import CHECKS, run_check
from local.doctor.finding import Finding, Verdict
from tests.unit.local.doctor.conftest import OUTPUTS, Calls, Look, failed_probe, probed, registered

TEMPLATE = Path(__file__).parents[4] / "template.yaml"
CUSTOM = {"authorizationType": "CUSTOM", "apiKeyRequired": True}
ADMIN = {"authorizationType": "CUSTOM", "apiKeyRequired": False}
OPEN = {"authorizationType": "NONE", "apiKeyRequired": False}
PREFLIGHT = OPEN | {"methodIntegration": {"type": "MOCK"}}
GOOD = {
    "/health": {"GET": OPEN, "OPTIONS": PREFLIGHT},
    "/rest/v1": {"GET": CUSTOM, "OPTIONS": PREFLIGHT},
    "/backups/v1": {"POST": CUSTOM},
    "/admin/v1/servers": {"GET": ADMIN},
}
OUR_AUTHORIZER = f"arn:aws:apigateway:x:lambda:path/functions/y:function:{OUTPUTS['AuthorizeRequestName']}/invocations"


def gateway(defined: Any = GOOD, served: Any = GOOD, authorizer: str = OUR_AUTHORIZER) -> Calls:
    items = [{"path": path, "resourceMethods": methods} for path, methods in defined.items()]
    told = ("authorizationType", "apiKeyRequired")
    summary = {
        path: {method: {name: found[name] for name in told} for method, found in methods.items()}
        for path, methods in served.items()
    }
    return [
        ("apigateway", "get_resources", {"items": [*items, {"path": "/rest"}]}),
        ("apigateway", "get_stage", {"deploymentId": "d1"}),
        ("apigateway", "get_deployment", {"apiSummary": summary}),
        ("apigateway", "get_authorizers", {"items": [{"name": "tenantToken", "authorizerUri": authorizer}]}),
    ]


def only(findings: list[Finding], verdict: Verdict) -> str:
    """Return what the only finding says; what is wrong comes with what to do."""
    (found,) = findings
    assert found.verdict is verdict, found
    assert found.what_to_do or verdict in {Verdict.OK, Verdict.NOT_AVAILABLE}
    return found.says


OPENED = GOOD | {"/rest/v1": {"GET": CUSTOM, "POST": OPEN}}
# A preflight that starts a function.
STARTED = GOOD | {"/health": {"GET": OPEN, "OPTIONS": OPEN | {"methodIntegration": {"type": "AWS_PROXY"}}}}
# A method that says nothing asks nobody.
UNSAID = GOOD | {"/health": {"GET": OPEN, "POST": {}}}


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        (gateway(defined=OPENED), "Open to everybody: POST /rest/v1."),
        (gateway(served=OPENED), "Open to everybody: POST /rest/v1."),
        (gateway(defined=STARTED), "Open to everybody: OPTIONS /health."),
        (gateway(defined=UNSAID), "Open to everybody: POST /health."),
        (gateway(authorizer="arn:x:function:another/invocations"), "Authorizers that are not ours: tenantToken."),
        (gateway(authorizer=OUR_AUTHORIZER.replace("-1/", "-12/")), "Authorizers that are not ours: tenantToken."),
    ],
)
def test_a_route_that_anybody_may_call_is_found(look: Look, calls: Calls, told: str) -> None:
    assert only(look("authorizer", calls), Verdict.ERROR) == told


@pytest.mark.parametrize("path", ["/rest/v1/{table}", "/backups/v1/{backup_id}"])
def test_a_route_that_is_not_counted_is_found(look: Look, path: str) -> None:
    assert path in only(look("usage keys", gateway(served=GOOD | {path: {"GET": ADMIN}})), Verdict.ERROR)


def test_what_the_template_makes_is_good(look: Look) -> None:
    assert only(look("authorizer", gateway()), Verdict.OK)
    assert only(look("usage keys", gateway()), Verdict.OK)


def test_an_api_without_routes_is_not_called_good(look: Look) -> None:
    assert only(look("authorizer", gateway({}, {})), Verdict.NOT_AVAILABLE)


def test_a_service_without_a_way_to_it_is_found(look: Look) -> None:
    says = only(look("AWS's services", probed(services={"STS": False, "S3": True})), Verdict.ERROR)
    assert says == "The functions don't reach STS."
    assert only(look("AWS's services", probed()), Verdict.OK)


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        ("unreachable", "Nobody answers at that host and port"),
        ("no_tls", "The server has no TLS"),
        ("other_host", "it was issued for another host name"),
        ("untrusted", "nobody who is trusted has signed it"),
    ],
)
def test_a_server_that_the_functions_do_not_reach_is_found(look: Look, finding: str, told: str) -> None:
    says = only(look("servers' network", probed(servers={"db-1": finding, "db-2": "fine"})), Verdict.ERROR)
    assert says.startswith("db-1: ")
    assert told in says


def test_servers_that_the_functions_could_not_read_are_not_called_good(look: Look) -> None:
    assert only(look("servers' network", probed(servers=None)), Verdict.NOT_AVAILABLE)
    says = only(look("servers' network", failed_probe()), Verdict.NOT_AVAILABLE)
    assert says == "The function ProbeNetwork failed."


@pytest.mark.parametrize(("ahead", "told"), [(60, "behind the"), (-60, "ahead of the")])
def test_a_wrong_clock_is_found(look: Look, ahead: int, told: str) -> None:
    assert told in only(look("clock", probed(clock=time.time() + ahead)), Verdict.ERROR)


def test_a_clock_within_the_time_of_the_answer_is_right(look: Look) -> None:
    assert only(look("clock", probed()), Verdict.OK)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("ResourceNotFoundException", "db-1: its administrator's secret is missing."),
        ({"DeletedDate": datetime.now(UTC)}, "db-1: its administrator's secret is to be deleted."),
    ],
)
def test_a_missing_secret_is_found(look: Look, answer: Any, told: str) -> None:
    calls = [*registered(db_1="verify-full"), ("secretsmanager", "describe_secret", answer)]
    assert only(look("servers' secrets", calls), Verdict.ERROR) == told


@pytest.mark.parametrize("sslmode", ["disable", "require", "verify-ca"])
def test_a_server_that_nobody_verifies_is_told(look: Look, sslmode: str) -> None:
    says = only(look("servers' TLS", registered(db_1=sslmode, db_2="verify-full", lost="disable")), Verdict.HINT)
    assert says.startswith(f"db-1: sslmode is {sslmode}")
    assert only(look("servers' TLS", registered(db_1="verify-full")), Verdict.OK)


def test_a_stack_without_servers_says_so(look: Look) -> None:
    for check in ("servers' TLS", "servers' secrets", "servers' administrators"):
        assert only(look(check, registered()), Verdict.NOT_AVAILABLE) == "No server is registered."


@pytest.mark.parametrize(
    ("status", "body", "verdict", "told"),
    [
        (200, {}, Verdict.OK, "Each server lets"),
        (400, {"message": "The server is PostgreSQL 14.1.", "hint": "15."}, Verdict.ERROR, "db-1: The server is Post"),
        (502, "<html>", Verdict.ERROR, "db-1: the operators API answered 502."),
        (401, {"message": "Unauthorized"}, Verdict.NOT_AVAILABLE, "The operators' API does not take the token."),
        (403, {"message": "Forbidden"}, Verdict.NOT_AVAILABLE, "The operators' API does not take the token."),
    ],
)
def test_the_operators_api_is_asked_with_a_token(
    look: Look, status: int, body: Any, verdict: Verdict, told: str
) -> None:
    with _api(status, body) as (url, asked):
        known = {"api_url": url, "token": "a.b.c"}
        assert only(look("servers' administrators", registered(db_1="disable"), known), verdict).startswith(told)
    assert asked == [("/admin/v1/servers/db-1", "Bearer a.b.c")]


def test_nobody_is_asked_without_a_token(look: Look) -> None:
    for token in ("", "a\nb", "tokén"):
        findings = look("servers' administrators", registered(db_1="disable"), {"token": token})
        assert only(findings, Verdict.NOT_AVAILABLE) in {"Nobody asked the operators' API.", "That is no token."}


def test_an_api_that_does_not_answer_is_found(look: Look) -> None:
    findings = look("servers' administrators", registered(db_1="disable"), {"token": "a.b.c"})
    assert only(findings, Verdict.ERROR) == "db-1: the operators' API did not answer."


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
    reserving = {"QueryConcurrency": "200", "OperationConcurrency": "100"}
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


@contextmanager
def _api(status: int, body: Any) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    asked: list[tuple[str, str | None]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()

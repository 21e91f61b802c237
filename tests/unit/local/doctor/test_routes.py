"""Who may call which route is told, as it is defined and as it is served."""

from typing import Any

import pytest

from local.doctor.finding import Verdict
from tests.unit.local.doctor.conftest import OUTPUTS, Calls, Look, only

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

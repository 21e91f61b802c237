"""A stack whose AWS answers what a test says: botocore's own clients check that such calls and answers exist."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from local.doctor.deployed_stack import DeployedStack
from local.doctor.examination import CHECKS, run_check
from local.doctor.finding import Finding, Verdict

REGION = "ap-south-1"
PARAMETERS = {
    "Stage": "prod",
    "QueryConcurrency": "0",
    "ApiAccessLogs": "DISABLED",
    "AlarmTopicArn": "arn:aws:sns:ap-south-1:123456789012:alarms",
    "EmailIdentityArn": "arn:aws:ses:ap-south-1:123456789012:identity/acme.example",
    "OidcIssuer": "",
    "IdentityEndpoint": "",
    "PrincipalTagConditions": "ENABLED",
    "RetentionMode": "ENABLED",
    "RoleClaim": "custom:role",
}
OUTPUTS = {
    "ApiId": "api1234567",
    "ApiStage": "prod",
    "AuthorizeRequestName": "tenantry-AuthorizeRequest-1",
    "ProbeNetworkName": "tenantry-ProbeNetwork-1",
    "RegistryTableName": "registry",
    "UserPoolId": "ap-south-1_pool",
}

type Calls = list[tuple[str, str, dict[str, Any] | str]]
type Look = Callable[..., list[Finding]]


@pytest.fixture
def make_stack() -> Iterator[Callable[..., DeployedStack]]:
    """Make a stack: `calls` are (service, method, answer or error code), in their order; parameters by name."""
    with ExitStack() as stubbed:

        def make(
            calls: Calls | None = None,
            known: dict[str, Any] | None = None,
            **parameters: str,
        ) -> DeployedStack:
            stubbers: dict[str, Stubber] = {}
            for service, method, answer in calls or []:
                if service not in stubbers:
                    stubbers[service] = stubbed.enter_context(Stubber(_client(service)))
                if isinstance(answer, str):
                    stubbers[service].add_client_error(method, answer, "arn:aws:iam::123456789012:user/x")
                else:
                    stubbers[service].add_response(method, answer)
            return DeployedStack(
                name="tenantry",
                status="UPDATE_COMPLETE",
                parameters=PARAMETERS | parameters,
                outputs=OUTPUTS,
                make_client=lambda service: stubbers[service].client,
                **{"api_url": "http://127.0.0.1:9"} | (known or {}),
            )

        yield make


@pytest.fixture
def look(make_stack: Callable[..., DeployedStack]) -> Look:
    """Make one check, by its name, of such a stack."""

    def make(check: str, *arguments: Any, **parameters: Any) -> list[Finding]:
        return run_check(CHECKS[check], make_stack(*arguments, **parameters))

    return make


def only(findings: list[Finding], verdict: Verdict) -> str:
    """Return what the only finding says; what is wrong comes with what to do."""
    (found,) = findings
    assert found.verdict is verdict, found
    assert found.what_to_do or verdict in {Verdict.OK, Verdict.NOT_AVAILABLE}
    return found.says


def probed(**changed: Any) -> Calls:
    """The call of ProbeNetwork, whose answer is good but for what is changed."""
    answer = {"services": {"STS": True, "S3": True}, "servers": {"db-1": "fine"}, "clock": time.time()} | changed
    return [("lambda", "invoke", {"Payload": _body(answer)})]


def failed_probe() -> Calls:
    """The call of ProbeNetwork, which fails."""
    return [("lambda", "invoke", {"FunctionError": "Unhandled", "Payload": _body({"errorMessage": "10.1.2.3"})})]


def registered(**servers: str) -> Calls:
    """The servers of the registry, each with its sslmode."""
    items = [
        {
            "pk": {"S": "SERVER"},
            "sk": {"S": name.replace("_", "-")},
            "region": {"S": REGION},
            "host": {"S": "10.1.2.3"},
            "port": {"S": "5432"},
            "sslmode": {"S": sslmode},
            "max_tenants": {"S": "10"},
            "status": {"S": "lost" if name == "lost" else "active"},
        }
        for name, sslmode in servers.items()
    ]
    return [("dynamodb", "query", {"Items": items})]


def _body(answer: Any) -> StreamingBody:
    content = json.dumps(answer).encode()
    return StreamingBody(io.BytesIO(content), len(content))


def _client(service: str) -> Any:
    make_client: Any = boto3.client
    return make_client(service, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")

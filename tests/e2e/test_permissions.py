"""Least privilege is tested, not assumed: without any one permission, something stops working.

The local AWS does not evaluate the caller's sts:TagSession, so a test checks the template for it.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from tests.e2e.api import Api

CANDIDATES = "/rest/v1/candidates"


@contextmanager
def without(api: Api, role: str, action: str) -> Iterator[None]:
    """Remove one action from all policies of a role."""
    iam, name = api.aws("iam"), api.resource(role)
    changed: list[tuple[str, dict[str, Any]]] = []
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        reduced = json.loads(json.dumps(document))
        for statement in reduced["Statement"]:
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            # A statement needs an action: this one is of no use here.
            statement["Action"] = [a for a in actions if a != action] or ["sts:GetCallerIdentity"]
        if reduced != document:
            changed.append((policy, document))
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(reduced))
    assert changed, f"{role} has no {action}"
    try:
        yield
    finally:
        for policy, document in changed:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


def start_afresh(api: Api, function: str) -> None:
    """Change a variable, so that the next call gets a new execution environment with empty caches."""
    client, name = api.aws("lambda"), api.resource(function)
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables | {"GENERATION": uuid.uuid4().hex}}
    )


def invoke(api: Api, function: str, event: dict[str, Any]) -> tuple[bool, str]:
    """Invoke a function; returns whether it failed, and its answer."""
    answer = api.aws("lambda").invoke(FunctionName=api.resource(function), Payload=json.dumps(event))
    return "FunctionError" in answer, answer["Payload"].read().decode()


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("QueryTenantRole", "sts:AssumeRole"),
        ("TenantDataRole", "secretsmanager:GetSecretValue"),
        ("TenantDataRole", "secretsmanager:DescribeSecret"),
    ],
)
def test_a_data_request_needs(api: Api, role: str, action: str) -> None:
    token = api.token("mycompany")
    with without(api, role, action):
        start_afresh(api, "QueryTenant")
        answer = api.call("GET", CANDIDATES, token)
        assert answer.status_code in {403, 503}, answer.text
    start_afresh(api, "QueryTenant")
    assert api.call("GET", CANDIDATES, token).status_code == 200


def test_who_tries_the_network_needs_the_registry(api: Api) -> None:
    for held_back, servers in ((nullcontext(), "fine"), (without(api, "ProbeNetworkRole", "dynamodb:Query"), None)):
        with held_back:
            start_afresh(api, "ProbeNetwork")
            failed, answer = invoke(api, "ProbeNetwork", {})
            assert not failed
            assert set((json.loads(answer)["servers"] or {"": None}).values()) == {servers}
    start_afresh(api, "ProbeNetwork")


def test_the_authorizer_needs_the_registry(api: Api) -> None:
    event = {
        "type": "TOKEN",
        "authorizationToken": f"Bearer {api.token('mycompany')}",
        "methodArn": "arn:aws:execute-api:ap-south-1:000000000000:api/local/GET/rest/v1/candidates",
    }
    with without(api, "AuthorizeRequestRole", "dynamodb:GetItem"):
        start_afresh(api, "AuthorizeRequest")
        failed, said = invoke(api, "AuthorizeRequest", event)
        assert (failed, "registry_unavailable" in said) == (True, True)
    failed, said = invoke(api, "AuthorizeRequest", event)
    assert (failed, '"Allow"' in said) == (False, True)


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("BackUpTenantRole", "sts:AssumeRole"),
        ("BackUpTenantRole", "dynamodb:GetItem"),
        ("TenantBackupRole", "secretsmanager:GetSecretValue"),
        ("TenantBackupRole", "secretsmanager:DescribeSecret"),
        # And s3:GetObject, which spares a dump that was published already: without it, nothing is published twice.
        ("TenantBackupRole", "s3:PutObject"),
    ],
)
def test_a_backup_needs(api: Api, role: str, action: str) -> None:
    event = {"tenant_id": "mycompany", "trigger": "test"}
    with without(api, role, action):
        failed, said = invoke(api, "BackUpTenant", event)
        assert failed, said
    failed, said = invoke(api, "BackUpTenant", event)
    assert not failed, said


@pytest.mark.parametrize("action", ["dynamodb:Query", "s3:PutObject"])
@pytest.mark.parametrize("function", ["PlanBackups", "ScheduleRetention"])
def test_a_plan_needs(api: Api, function: str, action: str) -> None:
    order = {"trigger": "test", "scheduled_at": "2026-11-01T02:00:00Z", "execution_id": uuid.uuid4().hex, "all": True}
    event = {"order": order, "execution_name": "test"}
    with without(api, f"{function}Role", action):
        failed, said = invoke(api, function, event)
        assert failed, said


def errors_of(api: Api, tenant_id: str) -> int:
    """How many errors of a tenant were counted."""
    pages = api.aws("dynamodb").get_paginator("scan").paginate(TableName=api.resource("ErrorCountsTable"))
    items = [item for page in pages for item in page["Items"]]
    return sum(int(item["errors"]["N"]) for item in items if item["tenant_id"]["S"] == tenant_id)


def test_an_error_is_counted_with_a_permission_and_answered_without(api: Api) -> None:
    token, before = api.token("mycompany"), errors_of(api, "mycompany")
    with without(api, "QueryTenantRole", "dynamodb:UpdateItem"):
        start_afresh(api, "QueryTenant")
        usual = api.call("GET", "/rest/v1/no_such_table", token)
        assert (usual.status_code, usual.json()["code"]) == (404, "PGRST205")
        assert errors_of(api, "mycompany") == before
    start_afresh(api, "QueryTenant")
    assert api.call("GET", "/rest/v1/no_such_table", token).text == usual.text
    assert errors_of(api, "mycompany") == before + 1

"""The audit trail: who did what and when, with what result. Nobody can delete an entry, and none has a secret in it."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenantry.domain.errors import DependencyFailed
from tenantry.domain.paging import PageRequest
from tenantry.operations.audit_log import AuditFilter, AuditLog
from tests.e2e.api import Api
from tests.e2e.living import administer, living_tenant, operator

PASSWORD = "hunter2-hunter2-hunter2"


def trail(api: Api, target: str) -> list[dict[str, Any]]:
    """The entries about something, oldest first."""
    entries: list[dict[str, Any]] = administer(api, "GET", "/audit", params={"target": target})["items"]
    return entries[::-1]


def user_id(api: Api, username: str) -> str:
    user = api.aws("cognito-idp").admin_get_user(UserPoolId=api.stack.user_pool_id, Username=username)
    return next(str(item["Value"]) for item in user["UserAttributes"] if item["Name"] == "sub")


def test_what_succeeded_and_what_failed_stands_there_with_who_and_when(api: Api) -> None:
    before = datetime.now(UTC)
    with living_tenant(api, 1) as tenant:
        administer(api, "POST", f"/tenants/{tenant.name}/suspend")
        administer(api, "POST", f"/tenants/{tenant.name}/resume")
        body = {"tenant_id": "somebody-else", "undo_hours": 0}
        assert api.call("DELETE", f"/admin/v1/tenants/{tenant.name}", operator(api), json=body).status_code == 400
        refused = api.call("PUT", f"/admin/v1/tenants/{tenant.name}", operator(api), json={"region": "eu-north-1"})
        entries = trail(api, f"tenant/{tenant.name}")
    assert [(entry["action"], entry["outcome"]) for entry in entries] == [
        ("create_tenant", "succeeded"),
        ("suspend_tenant", "succeeded"),
        ("resume_tenant", "succeeded"),
        ("erase_tenant", "not_confirmed"),
        ("create_tenant", refused.json()["code"]),
    ]
    assert {entry["actor"] for entry in entries} == {user_id(api, api.stack.operator.username)}
    times = [datetime.fromisoformat(entry["at"]) for entry in entries]
    assert times == sorted(times)
    assert before - timedelta(seconds=1) < times[0]
    assert times[-1] < datetime.now(UTC) + timedelta(seconds=1)
    assert len({entry["entry_id"] for entry in entries}) == len(entries)


def test_an_entry_outlives_what_it_is_about(api: Api) -> None:
    with living_tenant(api, 1) as tenant:
        pass
    assert api.call("GET", f"/admin/v1/tenants/{tenant.name}", operator(api)).status_code == 404
    assert [entry["action"] for entry in trail(api, f"tenant/{tenant.name}")] == ["create_tenant", "erase_tenant"]


def test_a_secret_that_was_sent_stands_nowhere_in_it(api: Api) -> None:
    server = api.stack.servers[0]
    name = f"s{uuid.uuid4().hex[:10]}"
    admin = {"username": server.admin_user, "password": PASSWORD}
    place = {"region": "eu-north-1", "host": server.host, "port": server.port, "sslmode": "disable", "admin": admin}
    refused = api.call("PUT", f"/admin/v1/servers/{name}", operator(api), json=place)
    assert refused.json()["code"] == "server_unreachable"
    login = {"database": "postgres", "user": server.admin_user, "password": PASSWORD}
    body = {"server_id": server.id, "secret": login}
    assert api.call("POST", f"/admin/v1/tenants/{name}/adopt", operator(api), json=body).status_code == 400
    entries = trail(api, f"server/{name}") + trail(api, f"tenant/{name}")
    assert [(entry["action"], entry["outcome"]) for entry in entries] == [
        ("register_server", "server_unreachable"),
        ("adopt_tenant", "login_refused"),
    ]
    stored = json.dumps(items(api))
    assert name in stored
    assert PASSWORD not in stored
    assert server.admin_password not in stored


def items(api: Api) -> list[dict[str, Any]]:
    """This month's entries as they are stored."""
    pages = (
        api.aws("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=api.stack.registry_table,
            KeyConditionExpression="pk = :month",
            ExpressionAttributeValues={":month": {"S": f"AUDIT#{datetime.now(UTC):%Y-%m}"}},
        )
    )
    return [item for page in pages for item in page["Items"]]


def test_an_entry_is_never_written_over(api: Api) -> None:
    with living_tenant(api, 1) as tenant:
        pass
    log = AuditLog(api.aws("dynamodb"), api.stack.registry_table)
    day = timedelta(days=1)
    wanted = AuditFilter(datetime.now(UTC) - day, datetime.now(UTC) + day, f"tenant/{tenant.name}")
    first, *others = log.page(wanted, PageRequest()).items
    with pytest.raises(DependencyFailed):
        log.append(replace(first, actor="nobody", outcome="forged"))
    assert log.page(wanted, PageRequest()).items == (first, *others)


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_no_route_changes_it(api: Api, method: str) -> None:
    before = items(api)
    answer = api.call(method, "/admin/v1/audit", operator(api), json={"entry_id": before[0]["sk"]["S"]})
    assert answer.status_code in {403, 404, 405}
    assert items(api) == before

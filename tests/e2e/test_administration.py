"""An operator makes, suspends and resumes a tenant through API Gateway; the tenant's own user reads through it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.accounts import create_users
from tenantry.tenants.certificate import verify
from tests.e2e.api import Api, open_database
from tests.e2e.living import erase, wait_for

# Named so that no revision of the application has such a table.
TABLE = "of_administration_tests"
ROWS = f"/rest/v1/{TABLE}"


@pytest.fixture
def token(api: Api) -> str:
    return api.token_of(api.stack.operator.username)


@contextmanager
def tenant(api: Api, token: str, **body: Any) -> Iterator[str]:
    """A tenant that an operator makes; it is erased in the end."""
    name = f"e{uuid.uuid4().hex[:10]}"
    made = api.call("PUT", f"/admin/v1/tenants/{name}", token, json=body)
    assert made.status_code == 201, made.text
    try:
        yield name
    finally:
        erase(api, name)


def test_a_tenant_is_served_from_the_call_that_makes_it(api: Api, token: str) -> None:
    with tenant(api, token, region="us-east-1") as name:
        shown = api.call("GET", f"/admin/v1/tenants/{name}", token).json()
        assert (shown["status"], shown["server_id"]) == ("active", "us-east-1")
        secret = api.aws("secretsmanager").describe_secret(SecretId=f"tenantry/local/tenants/{name}")
        assert secret["RotationEnabled"]
        assert "cron(" in secret["RotationRules"]["ScheduleExpression"]
        server = next(server for server in api.stack.servers if server.id == "us-east-1")
        with open_database(server, name) as connection, connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{name}_owner"; CREATE TABLE {TABLE} (note text)')
        users = create_users(api.aws("cognito-idp"), api.stack.user_pool_id, name)
        try:
            editor = api._sign_in(users[1])
            assert api.call("POST", ROWS, editor, json={"note": "first"}).status_code == 201
            assert api.call("GET", ROWS, editor).json() == [{"note": "first"}]
        finally:
            for user in users:
                api.aws("cognito-idp").admin_delete_user(UserPoolId=api.stack.user_pool_id, Username=user.username)


def test_the_first_admin_gets_an_account_and_nobody_elses_is_taken(api: Api, token: str) -> None:
    cognito, email = api.aws("cognito-idp"), f"{uuid.uuid4().hex[:8]}@example.com"
    with tenant(api, token, admin_email=email) as name:
        user = cognito.admin_get_user(UserPoolId=api.stack.user_pool_id, Username=email)
        attributes = {item["Name"]: item["Value"] for item in user["UserAttributes"]}
        assert (attributes["custom:tenant_id"], attributes["custom:role"]) == (name, "admin")
        try:
            again = api.call("PUT", f"/admin/v1/tenants/{name}", token, json={"admin_email": email})
            assert again.status_code == 200
            taken = {"admin_email": "admin@mycompany.example.com"}
            refused = api.call("PUT", f"/admin/v1/tenants/{name}", token, json=taken)
            assert (refused.status_code, refused.json()["code"]) == (409, "user_exists")
            other = api.call("PUT", f"/admin/v1/tenants/{name}-x", token, json=taken)
            assert (other.status_code, other.json()["code"]) == (409, "user_exists")
            assert api.call("GET", f"/admin/v1/tenants/{name}-x", token).status_code == 404
        finally:
            cognito.admin_delete_user(UserPoolId=api.stack.user_pool_id, Username=email)


def test_a_suspended_tenant_is_told_so_and_served_again_after(api: Api, token: str) -> None:
    with tenant(api, token) as name:
        users = create_users(api.aws("cognito-idp"), api.stack.user_pool_id, name)
        try:
            assert api.call("POST", f"/admin/v1/tenants/{name}/suspend", token).status_code == 200
            # A new token each time: API Gateway keeps what the authorizer said of one for a minute.
            answer = api.call("GET", ROWS, api._sign_in(users[0]))
            assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")
            assert api.call("POST", f"/admin/v1/tenants/{name}/resume", token).status_code == 200
            assert api.call("GET", ROWS, api._sign_in(users[1])).json()["code"] == "PGRST205"
        finally:
            for user in users:
                api.aws("cognito-idp").admin_delete_user(UserPoolId=api.stack.user_pool_id, Username=user.username)


def test_an_erasure_leaves_a_certificate_and_nothing_else(api: Api, token: str) -> None:
    with tenant(api, token) as name:
        users = create_users(api.aws("cognito-idp"), api.stack.user_pool_id, name)
        viewer = api._sign_in(users[2])
        backup = api.aws("lambda").invoke(
            FunctionName=api.resource("BackUpTenant"), Payload=json.dumps({"tenant_id": name})
        )
        said = backup["Payload"].read()
        assert "FunctionError" not in backup, said
        begun = api.call("DELETE", f"/admin/v1/tenants/{name}", token, json={"tenant_id": name, "undo_hours": 0})
        assert begun.status_code == 202, begun.text
        operation = wait_for(api, begun.json()["operation_id"])
        assert operation["status"] == "succeeded", operation
        (certificate,) = api.call("GET", f"/admin/v1/tenants/{name}/certificates", token).json()["items"]
        assert verify(certificate)
        assert certificate["deleted"]["users"] == 3
        assert certificate["deleted"]["backup_versions"] == 2
        assert certificate["remains"] == []
        assert api.call("GET", f"/admin/v1/tenants/{name}", token).status_code == 404
        assert api.call("GET", ROWS, viewer).status_code in {403, 404}
        found = api.aws("s3").list_object_versions(Bucket=api.stack.backup_bucket, Prefix=f"tenants/{name}/")
        assert not found.get("Versions")


def test_an_erasure_waits_for_its_moment_and_can_be_undone(api: Api, token: str) -> None:
    with tenant(api, token) as name:
        api.call("DELETE", f"/admin/v1/tenants/{name}", token, json={"tenant_id": name, "undo_hours": 1})
        schedules = [s["Name"] for s in api.aws("scheduler").list_schedules()["Schedules"]]
        begun = api.call("GET", "/admin/v1/operations", token).json()["items"][0]
        assert f"tenantry-{begun['operation_id']}" in schedules
        assert api.call("POST", f"/admin/v1/tenants/{name}/keep", token).json()["status"] == "suspended"
        schedules = [s["Name"] for s in api.aws("scheduler").list_schedules()["Schedules"]]
        assert f"tenantry-{begun['operation_id']}" not in schedules
        assert api.call("POST", f"/admin/v1/tenants/{name}/resume", token).json()["status"] == "active"


def test_the_isolation_report_logs_in_as_everyone_and_finds_a_hole(api: Api, token: str) -> None:
    def report() -> dict[str, Any]:
        begun = api.call("POST", "/admin/v1/reports/isolation", token)
        assert begun.status_code == 202, begun.text
        operation = wait_for(api, begun.json()["operation_id"])
        assert operation["status"] == "succeeded", operation
        shown: dict[str, Any] = api.call("GET", "/admin/v1/reports/isolation", token).json()
        assert shown["operation_id"] == operation["operation_id"]
        return shown

    with (
        tenant(api, token, region="ap-south-1"),
        api.database("mycompany") as connection,
        connection.cursor() as cursor,
    ):
        clean = report()
        assert clean["passed"], clean["findings"] or clean["unchecked"]
        assert clean["attempts_by_tenant"].keys() >= {"mycompany", "mycompany1"}
        cursor.execute("GRANT CONNECT ON DATABASE mycompany TO PUBLIC")
        try:
            holed = report()
        finally:
            cursor.execute("REVOKE CONNECT ON DATABASE mycompany FROM PUBLIC")
        assert not holed["passed"]
        assert holed["findings"]


def test_the_connection_report_covers_every_server(api: Api, token: str) -> None:
    shown = api.call("GET", "/admin/v1/reports/connections", token)
    assert shown.status_code == 200, shown.text
    for server in api.stack.servers:
        assert server.id in shown.text
        assert server.admin_password not in shown.text


def test_servers_and_the_trail_are_shown_without_secrets(api: Api, token: str) -> None:
    servers = api.call("GET", "/admin/v1/servers", token).json()["items"]
    assert [server["server_id"] for server in servers] == ["ap-south-1", "us-east-1"]
    checked = api.call("GET", "/admin/v1/servers/ap-south-1", token)
    assert checked.json()["check"]["version"].startswith("18.")
    trail = api.call("GET", "/admin/v1/audit", token)
    assert trail.status_code == 200
    for server in api.stack.servers:
        assert server.admin_password not in checked.text + trail.text

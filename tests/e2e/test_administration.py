"""An operator makes, suspends and resumes a tenant through API Gateway; the tenant's own user reads through it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.accounts import create_users
from tests.e2e.api import Api, open_database


@pytest.fixture
def token(api: Api) -> str:
    return api.token_of(api.stack.operator.username)


@contextmanager
def tenant(api: Api, token: str, **body: Any) -> Iterator[str]:
    """A tenant that an operator made; nothing of it remains."""
    name = f"e{uuid.uuid4().hex[:10]}"
    made = api.call("PUT", f"/admin/v1/tenants/{name}", token, json=body)
    assert made.status_code == 201, made.text
    server = next(server for server in api.stack.servers if server.id == made.json()["server_id"])
    try:
        yield name
    finally:
        with open_database(server, "postgres") as connection, connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            for suffix in ("login_a", "login_b", "viewer", "editor", "owner"):
                cursor.execute(f'DROP ROLE IF EXISTS "{name}_{suffix}"')
        key = {"pk": {"S": "TENANT"}, "sk": {"S": name}}
        api.aws("dynamodb").delete_item(TableName=api.stack.registry_table, Key=key)
        api.aws("secretsmanager").delete_secret(
            SecretId=f"tenantry/local/tenants/{name}", ForceDeleteWithoutRecovery=True
        )


def test_a_tenant_is_served_from_the_call_that_makes_it(api: Api, token: str) -> None:
    with tenant(api, token, region="us-east-1") as name:
        shown = api.call("GET", f"/admin/v1/tenants/{name}", token).json()
        assert (shown["status"], shown["server_id"]) == ("active", "us-east-1")
        server = next(server for server in api.stack.servers if server.id == "us-east-1")
        with open_database(server, name) as connection, connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{name}_owner"; CREATE TABLE notes (note text)')
        users = create_users(api.aws("cognito-idp"), api.stack.user_pool_id, name)
        try:
            editor = api._sign_in(users[1])
            assert api.call("POST", "/rest/v1/notes", editor, json={"note": "first"}).status_code == 201
            assert api.call("GET", "/rest/v1/notes", editor).json() == [{"note": "first"}]
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
        finally:
            cognito.admin_delete_user(UserPoolId=api.stack.user_pool_id, Username=email)


def test_a_suspended_tenant_is_told_so_and_served_again_after(api: Api, token: str) -> None:
    with tenant(api, token) as name:
        users = create_users(api.aws("cognito-idp"), api.stack.user_pool_id, name)
        try:
            assert api.call("POST", f"/admin/v1/tenants/{name}/suspend", token).status_code == 200
            # A new token each time: API Gateway keeps what the authorizer said of one for a minute.
            answer = api.call("GET", "/rest/v1/notes", api._sign_in(users[0]))
            assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")
            assert api.call("POST", f"/admin/v1/tenants/{name}/resume", token).status_code == 200
            assert api.call("GET", "/rest/v1/notes", api._sign_in(users[1])).json()["code"] == "42P01"
        finally:
            for user in users:
                api.aws("cognito-idp").admin_delete_user(UserPoolId=api.stack.user_pool_id, Username=user.username)


def test_servers_and_the_trail_are_shown_without_secrets(api: Api, token: str) -> None:
    servers = api.call("GET", "/admin/v1/servers", token).json()
    assert [server["server_id"] for server in servers] == ["ap-south-1", "us-east-1"]
    checked = api.call("GET", "/admin/v1/servers/ap-south-1", token)
    assert checked.json()["check"]["version"].startswith("18.")
    trail = api.call("GET", "/admin/v1/audit", token)
    assert trail.status_code == 200
    for server in api.stack.servers:
        assert server.admin_password not in checked.text + trail.text

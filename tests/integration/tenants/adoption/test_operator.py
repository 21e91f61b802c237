"""An operator adopts a database over the API."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.settings.administration import administration_settings
from handlers.wiring import services as wiring
from tenantry.aws.clients import aws_client
from tenantry.domain.credentials import secret_name
from tests.integration.conftest import REGION, STAGE, TABLE, World
from tests.integration.tenants.adoption.conftest import PASSWORD, Legacy, assert_untouched, names
from tests.integration.tenants.test_administration import Operator


@pytest.fixture
def operator(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """An operator, and the server, registered as `first`."""
    monkeypatch.setenv("REGISTRY_TABLE", TABLE)
    monkeypatch.setenv("OPERATION_FUNCTION_ARN", "arn:aws:lambda:ap-south-1:123456789012:function:perform")
    monkeypatch.setenv("TIMER_ROLE_ARN", "arn:aws:iam::123456789012:role/timer")
    administration_settings.cache_clear()
    wiring.services.cache_clear()
    made = Operator(world)
    assert made.call("PUT", "/admin/v1/servers/first", made.server_body(max_tenants=50)).status == 200
    yield made
    world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": "first"}})


def secret_of(legacy: Legacy, **change: Any) -> dict[str, Any]:
    server = legacy.world.server
    place = {"host": server.host, "port": server.port, "database": legacy.name}
    return place | {"user": legacy.user, "password": PASSWORD} | change


def test_an_operator_adopts_with_a_hand_made_secret(operator: Operator, legacy: Legacy) -> None:
    path = f"/admin/v1/tenants/{legacy.name}"
    # Somebody tried to create it first, and was told that the database is there.
    assert operator.call("PUT", path, {}).json["code"] == "name_taken"
    reply = operator.call("POST", f"{path}/adopt", {"server_id": "first", "secret": secret_of(legacy)})
    assert (reply.status, reply.json["status"], reply.json["adopted_database"]) == (200, "active", legacy.name)
    assert reply.json["schema_revision"] is None
    assert operator.call("POST", f"{path}/adopt", {"server_id": "first", "secret": secret_of(legacy)}).status == 200
    assert operator.call("PUT", path, {}).json["code"] == "tenant_adopted"
    assert names(legacy.world, legacy.tenant_id) == ["Ada", "Grace"]
    trail = operator.call("GET", "/admin/v1/audit", target=f"tenant/{legacy.name}")
    assert ("adopt_tenant", "succeeded") in {(entry["action"], entry["outcome"]) for entry in trail.json["items"]}
    assert PASSWORD not in trail.text + reply.text


def test_an_operator_adopts_with_the_secret_that_is_stored_under_the_tenants_name(
    operator: Operator, legacy: Legacy
) -> None:
    path = f"/admin/v1/tenants/{legacy.name}/adopt"
    assert operator.call("POST", path, {"server_id": "first"}).json["code"] == "secret_missing"
    secrets = aws_client("secretsmanager", REGION)
    secrets.create_secret(Name=secret_name(STAGE, legacy.tenant_id), SecretString=json.dumps(secret_of(legacy)))
    assert operator.call("POST", path, {"server_id": "first"}).json["status"] == "active"
    assert operator.call("POST", path, {"server_id": "first"}).status == 200
    assert names(legacy.world, legacy.tenant_id) == ["Ada", "Grace"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"server_id": "nowhere"}, 404, "server_unknown"),
        ({"server_id": "first", "secret": {"password": "hunter2"}}, 400, "invalid_body"),
        ({"server_id": "first", "colour": "red"}, 400, "invalid_body"),
        ({"server_id": "first", "schema": "a\nb"}, 400, "invalid_body"),
        ({}, 400, "invalid_body"),
    ],
)
def test_a_malformed_adoption_is_told(
    operator: Operator, legacy: Legacy, body: dict[str, Any], status: int, code: str
) -> None:
    if body.get("server_id") == "nowhere":
        body = body | {"secret": secret_of(legacy)}
    reply = operator.call("POST", f"/admin/v1/tenants/{legacy.name}/adopt", body)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert "hunter2" not in reply.text
    assert_untouched(legacy)

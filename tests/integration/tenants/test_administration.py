"""The operators' API against a real PostgreSQL server."""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest

from handlers import administer_tenants
from handlers.settings.administration import administration_settings
from handlers.wiring import services as wiring
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.pooler import Pooler
from tenantry.domain.tenant import TenantId
from tests.integration.conftest import REGION, TABLE, Reply, World


class Operator:
    """Calls the handler as API Gateway does for an operator."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.made: list[str] = []

    def call(self, method: str, path: str, body: Any = None, role: str = "operator", **query: str) -> Reply:
        event = {
            "resource": path,
            "path": path,
            "httpMethod": method,
            "headers": {},
            "multiValueHeaders": {},
            "queryStringParameters": query or None,
            "multiValueQueryStringParameters": {key: [value] for key, value in query.items()} or None,
            "pathParameters": None,
            "requestContext": {"authorizer": {"role": role, "userId": "op-1"}},
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = administer_tenants.handler(event, None)
        return Reply(answer["statusCode"], answer["body"], answer.get("headers") or {})

    def server_body(self, **change: Any) -> dict[str, Any]:
        server = self.world.server
        admin = {"username": server.admin_user, "password": server.admin_password}
        place = {"region": REGION, "host": server.host, "port": server.port, "sslmode": "disable"}
        return place | {"labels": ["ssd"], "max_tenants": 5, "admin": admin} | change

    def stand_in(self, server_id: str, **change: Any) -> None:
        """Let the first server stand for another one, as no call registers it: the registry alone places tenants."""
        first = wiring.services().servers.get("first")
        self.world.registry.put_server(replace(first, server_id=server_id, **change))
        secrets = wiring.services().registrations._secrets
        credentials = secrets.find("first")
        assert credentials
        secrets.write(server_id, credentials)

    def create(self, tenant_id: str | None = None, **body: Any) -> Reply:
        name = tenant_id or f"a{uuid.uuid4().hex[:10]}"
        reply = self.call("PUT", f"/admin/v1/tenants/{name}", body)
        if reply.status < 300:
            self.made.append(name)
        return reply


@pytest.fixture
def operator(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    monkeypatch.setenv("REGISTRY_TABLE", TABLE)
    monkeypatch.setenv("OPERATION_FUNCTION_ARN", "arn:aws:lambda:ap-south-1:123456789012:function:perform")
    monkeypatch.setenv("TIMER_ROLE_ARN", "arn:aws:iam::123456789012:role/timer")
    administration_settings.cache_clear()
    wiring.services.cache_clear()
    made = Operator(world)
    assert made.call("PUT", "/admin/v1/servers/first", made.server_body()).status == 200
    yield made
    for name in made.made:
        world.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for suffix in ("dump", "count", "login_a", "login_b", "viewer", "editor", "owner"):
            world.execute(f'DROP ROLE IF EXISTS "{name}_{suffix}"')
        world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "TENANT"}, "sk": {"S": name}})
    for server in operator_servers(made):
        world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": server}})


def test_a_new_tenant_says_from_when_on_it_is_served(operator: Operator) -> None:
    """API Gateway takes some seconds until it knows a new usage key."""
    made = operator.create()
    after = datetime.fromisoformat(made.json["usable_after"]) - datetime.now(UTC)
    assert timedelta(seconds=30) < after <= timedelta(seconds=60)

    again = operator.create(operator.made[-1])
    assert (again.status, "usable_after" in again.json) == (200, False)


def operator_servers(operator: Operator) -> list[str]:
    return [server["server_id"] for server in operator.call("GET", "/admin/v1/servers").json["items"]]


def test_a_server_is_registered_after_a_check_and_tells_no_secret(operator: Operator) -> None:
    reply = operator.call("GET", "/admin/v1/servers/first")
    assert reply.status == 200
    check = reply.json["check"]
    assert check["version"].startswith("18.")
    assert 0 < check["free_connections"] <= check["max_connections"]
    assert abs(check["clock_skew"]) < 5
    assert operator.world.server.admin_password not in reply.text
    assert operator_servers(operator) == ["first"]


def test_a_server_may_bear_another_number_of_backups_than_the_rest(operator: Operator) -> None:
    assert operator.call("GET", "/admin/v1/servers/first").json["backup_concurrency"] is None
    for number in (2, 9):
        body = operator.server_body(backup_concurrency=number)
        assert operator.call("PUT", "/admin/v1/servers/first", body).json["backup_concurrency"] == number
    assert operator.call("POST", "/admin/v1/servers/first/drain").json["backup_concurrency"] == 9
    # What is left out is the stack's again, as with every field.
    assert operator.call("PUT", "/admin/v1/servers/first", operator.server_body()).json["backup_concurrency"] is None


def test_a_server_may_have_a_pooler_which_its_new_tenants_secrets_name(operator: Operator) -> None:
    assert operator.call("GET", "/admin/v1/servers/first").json["pooler"] is None
    pooler = {"mode": "transaction", "port": 6432, "host": None, "pool_size": 8}
    body = operator.server_body(pooler=pooler)
    assert operator.call("PUT", "/admin/v1/servers/first", body).json["pooler"] == pooler
    assert operator.call("GET", "/admin/v1/servers/first").json["pooler"] == pooler
    assert operator.create("behind").status == 201
    found = operator.world.secrets.find(TenantId("behind"))
    assert found
    assert found.pooler == Pooler(6432)
    assert operator.call("PUT", "/admin/v1/servers/first", operator.server_body()).json["pooler"] is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pooler": {"mode": "session", "port": 6432}}, "invalid_body"),
        ({"pooler": {"mode": "transaction"}}, "invalid_body"),
        ({"pooler": {"mode": "transaction", "port": 70000}}, "invalid_body"),
        ({"pooler": {"mode": "transaction", "port": 6432, "host": "a b"}}, "invalid_body"),
        ({"port": 6432, "pooler": {"mode": "transaction", "port": 6432}}, "pooler_is_server"),
        ({"port": 1}, "server_unreachable"),
        ({"backup_concurrency": 0}, "invalid_body"),
        ({"backup_concurrency": 101}, "invalid_body"),
        ({"sslmode": "require"}, "server_without_tls"),
        ({"sslmode": "verify-full"}, "server_without_tls"),
        ({"sslmode": "verify-ca"}, "invalid_body"),
        ({"admin": {"username": "tenantry_admin", "password": "not the password"}}, "server_unreachable"),
        ({"region": "Mumbai"}, "invalid_body"),
        ({"host": "a b"}, "invalid_body"),
        ({"port": 0}, "invalid_body"),
        ({"colour": "red"}, "invalid_body"),
        ({"admin": {"username": "x", "password": "hunter2"}}, "invalid_body"),
    ],
)
def test_a_server_that_is_no_good_is_not_taken_in(operator: Operator, change: dict[str, Any], code: str) -> None:
    reply = operator.call("PUT", "/admin/v1/servers/second", operator.server_body(**change))
    assert (reply.status, reply.json["code"]) == (400, code)
    assert "hunter2" not in reply.text
    assert operator_servers(operator) == ["first"]


def test_an_administrator_without_rights_is_refused(operator: Operator) -> None:
    operator.world.execute(
        "CREATE ROLE powerless LOGIN PASSWORD 'powerless-password'; GRANT CONNECT ON DATABASE postgres TO powerless"
    )
    try:
        admin = {"username": "powerless", "password": "powerless-password"}
        reply = operator.call("PUT", "/admin/v1/servers/second", operator.server_body(admin=admin))
    finally:
        operator.world.execute("REVOKE CONNECT ON DATABASE postgres FROM powerless; DROP ROLE powerless")
    assert (reply.status, reply.json["code"]) == (400, "server_rights")


def test_a_tenant_is_made_and_served(operator: Operator) -> None:
    reply = operator.create(region=REGION, labels=["ssd"])
    assert reply.status == 201, reply.text
    assert (reply.json["status"], reply.json["server_id"], reply.json["region"]) == ("active", "first", REGION)
    name = reply.json["tenant_id"]
    tenant_id = TenantId(name)
    operator.world.execute("CREATE TABLE notes (id int)", name, f"{name}_owner")
    assert operator.world.call(tenant_id, "POST", "notes", body={"id": 1}).status == 201
    shown = {key: value for key, value in reply.json.items() if key != "usable_after"}
    assert operator.call("GET", f"/admin/v1/tenants/{name}").json == shown
    assert name in [tenant["tenant_id"] for tenant in operator.call("GET", "/admin/v1/tenants").json["items"]]
    again = operator.create(name, region=REGION)
    assert (again.status, again.json) == (200, shown)
    assert operator.world.call(tenant_id, table="notes").json == [{"id": 1}]


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("postgres", {}, 400, "reserved_tenant_id"),
        ("My_Company", {}, 400, "invalid_tenant_id"),
        ("acme-x", {"region": "us-east-1"}, 409, "no_server"),
        ("acme-x", {"labels": ["gpu"]}, 409, "no_server"),
        ("acme-x", {"connection_limit": 0}, 400, "invalid_body"),
        ("acme-x", {"admin_email": "nobody"}, 400, "invalid_body"),
        ("acme-x", {"server": "first"}, 400, "invalid_body"),
    ],
)
def test_a_tenant_that_can_not_be_made_changes_nothing(
    operator: Operator, name: str, body: dict[str, Any], status: int, code: str
) -> None:
    before = operator.call("GET", "/admin/v1/tenants").text
    reply = operator.create(name, **body)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert operator.call("GET", "/admin/v1/tenants").text == before


def test_the_least_loaded_server_is_chosen_and_a_full_or_draining_one_never(operator: Operator) -> None:
    operator.stand_in("second", max_tenants=1)
    chosen = [operator.create().json["server_id"] for _ in range(3)]
    assert chosen == ["first", "second", "first"]
    assert operator.call("POST", "/admin/v1/servers/first/drain").json["status"] == "draining"
    assert operator.create().json["code"] == "no_server"


def test_a_tenant_stays_where_it_is(operator: Operator) -> None:
    name = operator.create().json["tenant_id"]
    reply = operator.create(name, region="us-east-1")
    assert (reply.status, reply.json["code"]) == (409, "tenant_elsewhere")


def test_a_database_of_somebody_elses_is_not_taken_over(operator: Operator) -> None:
    operator.world.execute("CREATE DATABASE legacy")
    try:
        reply = operator.create("legacy")
        assert (reply.status, reply.json["code"]) == (409, "name_taken")
    finally:
        operator.made.append("legacy")
        operator.world.execute("DROP DATABASE legacy")


def test_two_operations_on_one_tenant_at_once_are_refused(operator: Operator) -> None:
    name = operator.create().json["tenant_id"]
    tenants = wiring.services().tenants
    with tenants._leases.hold("tenant", name):
        reply = operator.call("POST", f"/admin/v1/tenants/{name}/suspend")
        assert (reply.status, reply.json["code"]) == (409, "operation_in_progress")
    assert operator.call("POST", f"/admin/v1/tenants/{name}/suspend").status == 200


def test_a_lease_of_a_dead_worker_ends(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    leases = wiring.services().tenants._leases
    monkeypatch.setattr(leases, "_seconds", -1)
    name = operator.create().json["tenant_id"]
    leases._take(f"tenant#{name}", "a worker that died")
    assert operator.create(name).status == 200


def test_suspending_ends_sessions_and_resuming_serves_again(operator: Operator) -> None:
    name = operator.create().json["tenant_id"]
    credentials = wiring.services().tenants._secrets.find(TenantId(name))
    assert credentials is not None
    with closing(connect(credentials, ConnectSettings())) as session:
        assert operator.call("POST", f"/admin/v1/tenants/{name}/suspend").json["status"] == "suspended"
        with pytest.raises(psycopg2.OperationalError), session.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert operator.create(name).json["code"] == "tenant_suspended"
    assert operator.call("POST", f"/admin/v1/tenants/{name}/resume").json["status"] == "active"
    assert operator.create(name).status == 200


def test_an_erasure_has_to_be_confirmed_and_can_be_undone(operator: Operator) -> None:
    name = operator.create().json["tenant_id"]
    for body in ({}, {"tenant_id": "another"}, {"tenant_id": name, "undo_hours": -1}):
        assert operator.call("DELETE", f"/admin/v1/tenants/{name}", body).status == 400
    assert operator.call("GET", f"/admin/v1/tenants/{name}").json["status"] == "active"
    begun = operator.call("DELETE", f"/admin/v1/tenants/{name}", {"tenant_id": name, "undo_hours": 72})
    assert (begun.status, begun.json["status"]) == (202, "running")
    again = operator.call("DELETE", f"/admin/v1/tenants/{name}", {"tenant_id": name, "undo_hours": 72})
    assert again.json["operation_id"] == begun.json["operation_id"]
    assert operator.call("GET", f"/admin/v1/tenants/{name}").json["status"] == "erasing"
    assert operator.create(name).json["code"] == "tenant_erasing"
    assert operator.call("POST", f"/admin/v1/tenants/{name}/resume").json["code"] == "tenant_erasing"
    assert operator.call("POST", f"/admin/v1/tenants/{name}/keep").json["status"] == "suspended"
    assert operator.call("POST", f"/admin/v1/tenants/{name}/keep").json["code"] == "not_erasing"
    shown = operator.call("GET", f"/admin/v1/operations/{begun.json['operation_id']}").json
    assert (shown["status"], shown["error"]) == ("failed", "undone")
    assert operator.call("POST", f"/admin/v1/tenants/{name}/resume").json["status"] == "active"
    assert operator.call("GET", f"/admin/v1/tenants/{name}/certificates").json["items"] == []
    anew = operator.call("DELETE", f"/admin/v1/tenants/{name}", {"tenant_id": name, "undo_hours": 72}).json
    assert anew["operation_id"] != begun.json["operation_id"]
    store = wiring.services().operations._store
    asked = store.get(anew["operation_id"])
    assert asked is not None
    store.put(replace(asked, done=("find", "drop_database")))
    too_late = operator.call("POST", f"/admin/v1/tenants/{name}/keep")
    assert (too_late.status, too_late.json["code"]) == (409, "operation_begun")
    assert operator.call("GET", f"/admin/v1/tenants/{name}").json["status"] == "erasing"


def test_every_action_is_in_the_audit_trail_with_its_outcome_and_no_secret(operator: Operator) -> None:
    name = operator.create().json["tenant_id"]
    operator.call("POST", f"/admin/v1/tenants/{name}/suspend")
    operator.call("POST", "/admin/v1/tenants/nobody/suspend")
    trail = operator.call("GET", "/admin/v1/audit", target=f"tenant/{name}").json["items"]
    assert [(entry["action"], entry["outcome"]) for entry in trail] == [
        ("suspend_tenant", "succeeded"),
        ("create_tenant", "succeeded"),
    ]
    assert {entry["actor"] for entry in trail} == {"op-1"}
    everything = operator.call("GET", "/admin/v1/audit")
    assert {"tenant/nobody", "server/first"} <= {entry["target"] for entry in everything.json["items"]}
    assert "tenant_unknown" in {entry["outcome"] for entry in everything.json["items"]}
    assert operator.world.server.admin_password not in everything.text
    assert operator.call("GET", "/admin/v1/audit", month="yesterday").json["code"] == "invalid_month"


@pytest.mark.parametrize("role", ["viewer", "editor", "admin", ""])
def test_nobody_but_an_operator_gets_in(operator: Operator, role: str) -> None:
    for method, path in (("GET", "/admin/v1/tenants"), ("PUT", "/admin/v1/tenants/x-y"), ("GET", "/admin/v1/audit")):
        reply = operator.call(method, path, role=role)
        assert (reply.status, reply.json["code"]) == (403, "access_denied")


def test_an_unknown_route_or_thing_is_told(operator: Operator) -> None:
    assert operator.call("GET", "/admin/v1/nothing").status == 404
    assert operator.call("GET", "/admin/v1/tenants/nobody").json["code"] == "tenant_unknown"
    assert operator.call("GET", "/admin/v1/servers/nowhere").json["code"] == "server_unknown"
    assert operator.call("PUT", "/admin/v1/tenants/acme-x", "{").json["code"] == "invalid_body"

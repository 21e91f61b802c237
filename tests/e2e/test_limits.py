"""Limits, usage keys, backup policy and residency, as an operator and a tenant's users see them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.deployment import STAGE
from tenantry.domain.tenant import TenantId
from tenantry.tenants.usage_plans import usage_key_name
from tests.e2e.api import Api
from tests.e2e.living import LivingTenant, administer, living_tenant

# The authorizer's answers are kept for a minute.
ELSEWHERE = "us-east-1"


@pytest.fixture(scope="module")
def tenant(api: Api) -> Iterator[LivingTenant]:
    with living_tenant(api, region="ap-south-1", limits={"plan": "free"}) as made:
        yield made


def keys_of(api: Api, name: str) -> list[dict[str, Any]]:
    wanted = usage_key_name(STAGE, TenantId(name))
    keys = api.aws("apigateway").get_api_keys(includeValues=True)["items"]
    return [key for key in keys if key["name"] == wanted]


def plans_of(api: Api, key_id: str) -> list[str]:
    gateway = api.aws("apigateway")
    return [
        plan["name"]
        for plan in gateway.get_usage_plans()["items"]
        if key_id in {key["id"] for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]}
    ]


def manifests(api: Api, bucket: str, name: str) -> list[str]:
    found = api.aws("s3").list_objects_v2(Bucket=bucket, Prefix=f"tenants/{name}/backups/").get("Contents", [])
    return [item["Key"] for item in found if item["Key"].endswith("/manifest.json")]


def invoke(api: Api, function: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = api.aws("lambda").invoke(FunctionName=api.resource(function), Payload=json.dumps(event).encode())
    payload: dict[str, Any] = json.loads(answer["Payload"].read())
    return payload


def test_every_tenant_has_a_key_in_its_plan(api: Api, tenant: LivingTenant) -> None:
    for name, plan in [(tenant.name, "free"), *((demo.tenant_id, "standard") for demo in api.stack.tenants)]:
        (key,) = keys_of(api, name)
        assert plans_of(api, key["id"]) == [f"tenantry-local-{plan}"]


def test_limits_take_effect_without_a_failed_request(api: Api, tenant: LivingTenant) -> None:
    assert tenant.call("GET").status_code == 200
    limits = {"connections": 6, "statement_timeout_ms": 1500, "plan": "premium"}
    shown = administer(api, "PUT", f"/tenants/{tenant.name}/limits", json=limits)
    assert shown["limits"] == {"max_bytes": -1, **limits}
    assert [tenant.call("GET").status_code for _ in range(5)] == [200] * 5
    (key,) = keys_of(api, tenant.name)
    assert plans_of(api, key["id"]) == ["tenantry-local-premium"]
    with api.database("mycompany") as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolconnlimit, rolconfig FROM pg_roles WHERE rolname LIKE %s ORDER BY 1",
            (f"{tenant.name}\\_login\\__",),
        )
        assert cursor.fetchall() == [(6, ["statement_timeout=1500"])] * 2


def test_limits_are_for_operators(tenant: LivingTenant) -> None:
    assert tenant.call("PUT", f"/admin/v1/tenants/{tenant.name}/limits", "admin", json={}).status_code == 403


def test_a_client_s_own_key_counts_for_nothing(tenant: LivingTenant) -> None:
    assert tenant.call("GET", headers={"x-api-key": "a key that a client made up"}).status_code == 200


def test_a_tenant_without_a_key_is_refused_until_it_has_one(api: Api) -> None:
    with living_tenant(api) as made:
        table, key = api.stack.registry_table, {"pk": {"S": "TENANT"}, "sk": {"S": made.name}}
        api.aws("dynamodb").update_item(TableName=table, Key=key, UpdateExpression="REMOVE usage_key")
        # Another user each time: API Gateway keeps what the authorizer said of a token for a minute.
        refused = made.call("GET", role="viewer")
        assert (refused.status_code, refused.json()["code"]) == (403, "tenant_unmetered")
        administer(api, "PUT", f"/tenants/{made.name}/limits", json={})
        assert made.call("GET", role="admin").status_code == 200


def test_an_erasure_takes_the_key_along_and_says_so(api: Api) -> None:
    with living_tenant(api) as made:
        (key,) = keys_of(api, made.name)
    assert keys_of(api, made.name) == []
    (certificate,) = administer(api, "GET", f"/tenants/{made.name}/certificates")["items"]
    assert certificate["found"]["usage_key"] is certificate["deleted"]["usage_key"] is True
    assert key["value"] not in json.dumps(certificate)


def test_backups_follow_the_tenants_policy(api: Api, tenant: LivingTenant) -> None:
    administer(api, "PUT", f"/tenants/{tenant.name}/limits", json={"backups": "hourly"})
    run = {"trigger": "schedule", "execution_id": f"test-{tenant.name}"}
    # Outside of the window of the daily ones.
    planned = invoke(api, "PlanBackups", {"order": run | {"scheduled_at": "2026-11-02T15:00:00Z"}})["tenants"]
    assert planned >= 1
    administer(api, "PUT", f"/tenants/{tenant.name}/limits", json={"backups": "daily"})
    later = {"order": run | {"scheduled_at": "2026-11-02T16:00:00Z"}}
    assert invoke(api, "PlanBackups", later)["tenants"] == planned - 1


@pytest.mark.parametrize("region", ["ap-south-1", ELSEWHERE])
def test_a_backup_stays_in_the_tenants_region(api: Api, region: str) -> None:
    buckets = {"ap-south-1": api.stack.backup_bucket, ELSEWHERE: f"tenantry-local-backups-{ELSEWHERE}"}
    with living_tenant(api, region=region) as made:
        assert made.server().region == region
        answer = invoke(api, "BackUpTenant", {"tenant_id": made.name})
        assert "manifest" in answer, answer
        found = {place: manifests(api, bucket, made.name) for place, bucket in buckets.items()}
        assert found.pop(region) == [answer["manifest"]]
        assert list(found.values()) == [[]]
    assert all(manifests(api, bucket, made.name) == [] for bucket in buckets.values())

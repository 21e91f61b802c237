"""The reports on drift and cost through the API, from real lists of secrets, keys, users and backups."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from tenantry.reports.drift.fleet import LOGIN_KINDS
from tests.e2e.api import Api, open_database
from tests.e2e.living import wait_for

DEMO = ("mycompany", "mycompany1")


@pytest.fixture
def token(api: Api) -> str:
    return api.token_of(api.stack.operator.username)


def report(api: Api, token: str, kind: str) -> dict[str, Any]:
    """Have a report made, and read it."""
    begun = api.call("POST", f"/admin/v1/reports/{kind}", token)
    assert begun.status_code == 202, begun.text
    operation = wait_for(api, begun.json()["operation_id"])
    assert operation["status"] == "succeeded", operation
    shown: dict[str, Any] = api.call("GET", f"/admin/v1/reports/{kind}", token).json()
    assert shown["operation_id"] == operation["operation_id"]
    assert operation["facts"]["report_key"] == shown["stored_at"]
    assert "findings" not in operation["facts"] or isinstance(operation["facts"]["findings"], int)
    for server in api.stack.servers:
        assert server.admin_password not in json.dumps(shown)
    return shown


def about(shown: dict[str, Any], tenant: str) -> set[str]:
    return {finding["kind"] for finding in shown["findings"] if finding["tenant"] == tenant}


@contextmanager
def removed_secret(api: Api, tenant: str) -> Iterator[None]:
    """Remove a tenant's secret, and put it back unchanged in the end."""
    secrets, name = api.aws("secretsmanager"), f"tenantry/local/tenants/{tenant}"
    text = secrets.get_secret_value(SecretId=name)["SecretString"]
    described = secrets.describe_secret(SecretId=name)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    try:
        yield
    finally:
        secrets.create_secret(Name=name, SecretString=text, Tags=described["Tags"])
        rules = {key: described[key] for key in ("RotationLambdaARN", "RotationRules")}
        secrets.rotate_secret(SecretId=name, RotateImmediately=False, **rules)


def test_the_demo_has_no_drift_and_a_removed_secret_is_found(api: Api, token: str) -> None:
    fresh = report(api, token, "drift")
    assert fresh["unchecked"] == []
    assert fresh["tenants"] >= 2
    assert fresh["servers"] == 2
    for tenant in DEMO:
        assert about(fresh, tenant) == set(), fresh["findings"]
    with removed_secret(api, "mycompany"):
        drifted = report(api, token, "drift")
    assert not drifted["passed"]
    assert "secret_missing" in about(drifted, "mycompany")
    assert about(drifted, "mycompany1") == set()


def test_what_is_left_of_nobody_is_found_in_every_list(api: Api, token: str) -> None:
    secrets, gateway, cognito, s3 = (api.aws(name) for name in ("secretsmanager", "apigateway", "cognito-idp", "s3"))
    ghost, backup = "left-over", {"Bucket": api.stack.backup_bucket, "Key": "tenants/left-over/backups/1/dump.zst"}
    name = f"tenantry/local/tenants/{ghost}"
    server = api.stack.servers[0]
    secrets.create_secret(Name=name, SecretString="{}")
    key = gateway.create_api_key(name=f"tenantry-local-{ghost}", tags={"TenantId": ghost, "Stage": "local"})["id"]
    user = {"UserPoolId": api.stack.user_pool_id, "Username": "left@example.com"}
    cognito.admin_create_user(**user, UserAttributes=[{"Name": "custom:tenant_id", "Value": ghost}])
    version = s3.put_object(**backup, Body=b"x")["VersionId"]
    with open_database(server, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{ghost}_{LOGIN_KINDS[0]}"')
        try:
            shown = report(api, token, "drift")
        finally:
            cursor.execute(f'DROP ROLE "{ghost}_{LOGIN_KINDS[0]}"')
            secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            gateway.delete_api_key(apiKey=key)
            cognito.admin_delete_user(**user)
            s3.delete_object(**backup, VersionId=version)
    found = about(shown, ghost)
    assert found == {"secret_unknown", "usage_key_unknown", "user_unknown", "backups_unknown", "role_unknown"}
    assert all(finding["hint"] for finding in shown["findings"])


def test_the_cost_of_every_tenant_is_estimated(api: Api, token: str) -> None:
    shown = report(api, token, "cost")
    costs = {tenant["tenant"]: tenant for tenant in shown["tenants"]}
    assert costs.keys() >= {*DEMO}
    for tenant in DEMO:
        assert costs[tenant]["server"] == api.server_of(tenant).id
        assert costs[tenant]["data_bytes"] > 5_000_000
        assert Decimal(costs[tenant]["storage"]) > 0
        assert Decimal(costs[tenant]["total"]) > Decimal("0.40")
        # The local stack knows no prices of its servers, and counts no requests.
        assert "server_price_unknown" in costs[tenant]["notes"]
    assert Decimal(shown["total"]) == sum(Decimal(tenant["total"]) for tenant in shown["tenants"])
    assert shown["price_date"]

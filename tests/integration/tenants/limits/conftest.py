"""The operators' API with a registered server, and a tenant made through it."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenantry.aws.clients import aws_client
from tenantry.domain.tenant import TenantId
from tenantry.tenants.usage_plans import UsagePlans, usage_key_name
from tests.integration.conftest import REGION, STAGE, World
from tests.integration.tenants.test_administration import Operator, operator

__all__ = ["operator"]

type MakeTenant = Callable[..., TenantId]


@pytest.fixture
def make_tenant(operator: Operator) -> MakeTenant:
    def make(**body: Any) -> TenantId:
        reply = operator.create(f"l{uuid.uuid4().hex[:10]}", **body)
        assert reply.status == 201, reply.text
        return TenantId(reply.json["tenant_id"])

    return make


@pytest.fixture
def gateway(world: World) -> Iterator[Any]:
    """API Gateway; its keys are deleted in the end."""
    client = aws_client("apigateway", REGION)
    yield client
    for key in client.get_api_keys()["items"]:
        client.delete_api_key(apiKey=key["id"])


@pytest.fixture
def usage_plans(gateway: Any) -> UsagePlans:
    return UsagePlans(gateway, STAGE)


def keys_of(gateway: Any, tenant_id: TenantId) -> list[dict[str, Any]]:
    found = gateway.get_api_keys(includeValues=True)["items"]
    return [key for key in found if key["name"] == usage_key_name(STAGE, tenant_id)]


def plans_of(gateway: Any, key_id: str) -> list[str]:
    plans = gateway.get_usage_plans()["items"]
    return [
        plan["name"].removeprefix(f"tenantry-{STAGE}-")
        for plan in plans
        if key_id in {key["id"] for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]}
    ]

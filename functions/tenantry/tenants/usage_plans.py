"""A tenant's API key and its usage plan, which limits the tenant's rate of requests.

The key is named `tenantry-{stage}-{tenant_id}`, the plans `tenantry-{stage}-{plan}`. The authorizer tells API Gateway
the key's value. A key that a client sends is ignored, so knowing the value gives no access (decision 14).
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import Conflict, DependencyFailed
from tenantry.domain.limits import PLANS
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

_MISSING, _ALREADY = "NotFoundException", "ConflictException"


def usage_key_name(stage: str, tenant_id: TenantId) -> str:
    """Return the name of a tenant's API key."""
    return f"tenantry-{stage}-{tenant_id}"


class UsagePlans:
    """The API keys of one stage's tenants. Every method may be repeated."""

    def __init__(self, gateway: "APIGatewayClient", stage: str) -> None:
        """Take a client of API Gateway."""
        self._gateway = gateway
        self._stage = stage

    def ensure(self, tenant_id: TenantId, plan: str) -> str:
        """Give a tenant a key in this plan, and in no other.

        The caller has to hold the tenant's lease, because API Gateway would make two keys of one name.

        :returns: the key's value, which the authorizer has to return.
        :raises Conflict: the stack has no such plan.
        :raises DependencyFailed: API Gateway did not answer.
        """
        plan_id = self._plan(plan)
        found = self._keys(tenant_id)
        key = found[0] if found else self._create(tenant_id)
        if found:
            self._delete([extra["id"] for extra in found[1:]])
            self._enable(key)
            others = [other for name, other in self._plans.items() if name != plan and self._has(other, key["id"])]
            if not others and self._has(plan_id, key["id"]):
                return str(key["value"])
            # A key can be in only one plan of an API, so it leaves the old plan just before it enters the new one.
            for other in others:
                self._call("delete_usage_plan_key", usagePlanId=other, keyId=key["id"])
        self._call("create_usage_plan_key", _ALREADY, usagePlanId=plan_id, keyId=key["id"], keyType="API_KEY")
        return str(key["value"])

    def exists(self, tenant_id: TenantId) -> bool:
        """Whether a tenant has a key.

        :raises DependencyFailed: API Gateway did not answer.
        """
        return bool(self._keys(tenant_id))

    def delete(self, tenant_id: TenantId) -> None:
        """Delete a tenant's key; a missing key counts as deleted.

        :raises DependencyFailed: API Gateway did not answer.
        """
        self._delete([key["id"] for key in self._keys(tenant_id)])

    @cached_property
    def _plans(self) -> dict[str, str]:
        """The ids of the stage's plans by name. No function's variable can hold them: plans depend on functions."""
        known = {f"tenantry-{self._stage}-{plan}": plan for plan in PLANS}
        pages = self._pages("get_usage_plans")
        return {known[plan["name"]]: plan["id"] for plan in pages if plan.get("name") in known}

    def _plan(self, plan: str) -> str:
        try:
            return self._plans[plan]
        except KeyError as exc:
            raise Conflict(
                "The stack has no such usage plan.", code="plan_unknown", hint=f"Plans are {', '.join(PLANS)}."
            ) from exc

    def _keys(self, tenant_id: TenantId) -> list[Any]:
        name = usage_key_name(self._stage, tenant_id)
        # The query matches prefixes: `acme` finds `acme-prod` too.
        found = self._pages("get_api_keys", nameQuery=name, includeValues=True)
        return sorted((key for key in found if key.get("name") == name), key=lambda key: str(key["id"]))

    def _create(self, tenant_id: TenantId) -> Any:
        tags = {"TenantId": tenant_id.value, "Stage": self._stage}
        return self._call("create_api_key", name=usage_key_name(self._stage, tenant_id), enabled=True, tags=tags)

    def _enable(self, key: Any) -> None:
        if not key.get("enabled", True):
            operations = [{"op": "replace", "path": "/enabled", "value": "true"}]
            self._call("update_api_key", apiKey=key["id"], patchOperations=operations)

    def _has(self, plan_id: str, key_id: str) -> bool:
        return self._call("get_usage_plan_key", _MISSING, usagePlanId=plan_id, keyId=key_id) is not None

    def _delete(self, key_ids: list[str]) -> None:
        for key_id in key_ids:
            self._call("delete_api_key", _MISSING, apiKey=key_id)

    def _call(self, operation: str, expected: str = "", **arguments: Any) -> Any:
        """Call API Gateway; None if it answers with the error code `expected`."""
        try:
            return getattr(self._gateway, operation)(**arguments)
        except ClientError as exc:
            if expected and exc.response["Error"]["Code"] == expected:
                return None
            raise _unavailable() from exc
        except BotoCoreError as exc:
            raise _unavailable() from exc

    def _pages(self, operation: str, **arguments: Any) -> list[Any]:
        paginator: Any = self._gateway.get_paginator(operation)  # type: ignore[call-overload]
        try:
            return [item for page in paginator.paginate(**arguments) for item in page.get("items", [])]
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The usage plans could not be read or changed.", code="usage_plans_unavailable")

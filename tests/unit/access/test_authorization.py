from datetime import UTC, datetime
from typing import Any

import pytest

from tenantry.access.authorization import Authorization, ClaimNames
from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.errors import TenantUnmetered, Unauthenticated
from tenantry.domain.tenant import FormerId, Isolation, Tenant, TenantId, TenantStatus, check_served

ARN = "arn:aws:execute-api:ap-south-1:123456789012:api/prod/GET/rest/v1/candidates"
STAGE_ARN = "arn:aws:execute-api:ap-south-1:123456789012:api/prod"
APIFUL = DataApiSettings(schemas=("public", "api"), aggregates=True)


class Verifier:
    def __init__(self, claims: dict[str, Any]) -> None:
        self.claims = claims

    def verify(self, token: str) -> dict[str, Any]:
        if token != "good":
            raise Unauthenticated()
        return {"sub": "someone", **self.claims}


class Registry:
    def tenant(self, tenant_id: TenantId) -> Tenant | None:
        served = dict.fromkeys(("mycompany", "keyless", "apiful", "full"), TenantStatus.ACTIVE)
        status = (served | {"paused": TenantStatus.SUSPENDED}).get(tenant_id.value)
        key = "" if tenant_id.value == "keyless" else f"key-of-{tenant_id}"
        data_api = APIFUL if tenant_id.value == "apiful" else DataApiSettings()
        if status is None:
            return None
        return Tenant(
            tenant_id,
            status,
            Isolation.DATABASE,
            "s1",
            usage_key=key,
            data_api=data_api,
            over_quota=tenant_id.value == "full",
        )

    def former_id(self, tenant_id: TenantId) -> FormerId | None:
        successor = TenantId("mycompany")
        return FormerId(tenant_id, successor, datetime.now(UTC)) if tenant_id.value == "oldcompany" else None


def authorize(token: str = "good", **claims: Any) -> dict[str, Any]:
    authorization = Authorization(Verifier(claims), Registry(), ClaimNames("tenant", "role"))  # type: ignore[arg-type]
    return authorization.authorize(token, ARN)


def allowed(answer: dict[str, Any]) -> tuple[str, str]:
    (statement,) = answer["policyDocument"]["Statement"]
    resources = statement["Resource"]
    return statement["Effect"], resources if isinstance(resources, str) else " ".join(resources)


def test_a_tenants_user_may_call_the_data_api_and_nothing_else() -> None:
    answer = authorize(tenant="mycompany", role="editor", email="a@example.com")
    assert allowed(answer) == ("Allow", f"{STAGE_ARN}/*/rest/v1 {STAGE_ARN}/*/rest/v1/*")
    context = answer["context"]
    assert (context["tenantId"], context["role"], context["tenantStatus"]) == ("mycompany", "editor", "active")
    assert '"email":"a@example.com"' in context["claims"]
    assert all(isinstance(value, str) for value in context.values())


def test_a_tenants_admin_may_also_call_the_backups() -> None:
    paths = ("/rest/v1", "/rest/v1/*", "/backups/v1", "/backups/v1/*")
    routes = " ".join(f"{STAGE_ARN}/*{path}" for path in paths)
    assert allowed(authorize(tenant="mycompany", role="admin")) == ("Allow", routes)
    assert "backups" not in allowed(authorize(tenant="mycompany", role="editor"))[1]


def test_an_operator_may_call_the_operators_api_and_is_of_no_tenant() -> None:
    answer = authorize(role="operator", tenant="mycompany")
    assert allowed(answer) == ("Allow", f"{STAGE_ARN}/*/admin/v1/*")
    assert "tenantId" not in answer["context"]
    assert "usageIdentifierKey" not in answer


def test_a_tenants_requests_count_under_its_own_key() -> None:
    assert authorize(tenant="mycompany", role="viewer")["usageIdentifierKey"] == "key-of-mycompany"


def test_the_data_apis_settings_go_along_where_they_are_not_the_default() -> None:
    assert "dataApi" not in authorize(tenant="mycompany", role="viewer")["context"]
    context = authorize(tenant="apiful", role="viewer")["context"]
    assert DataApiSettings.from_context(context["dataApi"]) == APIFUL


def test_it_goes_along_that_a_tenant_is_over_its_quota() -> None:
    assert "overQuota" not in authorize(tenant="mycompany", role="viewer")["context"]
    assert authorize(tenant="full", role="viewer")["context"]["overQuota"] == "yes"


def test_a_tenant_without_a_key_is_refused_and_told_why() -> None:
    answer = authorize(tenant="keyless", role="viewer")
    assert "usageIdentifierKey" not in answer
    with pytest.raises(TenantUnmetered):
        check_served(answer["context"]["tenantStatus"])


@pytest.mark.parametrize(
    ("tenant", "status"), [("paused", "suspended"), ("stranger", "unknown"), ("oldcompany", "renamed")]
)
def test_a_tenant_that_is_not_served_reaches_the_handler_with_its_status(tenant: str, status: str) -> None:
    assert authorize(tenant=tenant, role="viewer")["context"]["tenantStatus"] == status


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"tenant": "mycompany"},
        {"role": "viewer"},
        {"tenant": "mycompany", "role": "root"},
        {"tenant": "../x", "role": "viewer"},
        {"tenant": ["mycompany"], "role": "viewer"},
        {"tenant": "mycompany*", "role": "viewer"},
    ],
)
def test_a_token_without_a_tenant_and_a_role_of_ours_is_denied(claims: dict[str, Any]) -> None:
    answer = authorize(**claims)
    assert allowed(answer) == ("Deny", f"{STAGE_ARN}/*")
    assert answer["context"] == {}


def test_a_token_that_does_not_verify_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        authorize("bad", tenant="mycompany", role="viewer")

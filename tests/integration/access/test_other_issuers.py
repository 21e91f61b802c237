"""A provider that is not Cognito, set up with the parameters that the README names, signs users in."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers import authorize_request
from handlers.settings.authorizer import authorizer_settings
from tenantry.domain.tenant import TenantId
from tests.integration.conftest import World
from tests.issuer import AUDIENCE, Issuer

CLAIMS = {"TENANT_CLAIM": "https://acme.example/tenant_id", "ROLE_CLAIM": "https://acme.example/role"}
ARN = "arn:aws:execute-api:ap-south-1:123456789012:api/prod/GET/rest/v1/candidates"


@pytest.fixture
def issuer(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """An issuer that writes itself with a slash at its end, and namespaces its claims, as Auth0 does."""
    running = Issuer()
    running.claimed_issuer = f"{running.url}/"
    settings = {"ISSUER": running.claimed_issuer, "AUDIENCE": AUDIENCE, "JWKS_URL": "", "TOKEN_USE": "", **CLAIMS}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    clear()
    yield running
    running.stop()
    clear()


def clear() -> None:
    authorizer_settings.cache_clear()
    authorize_request._authorization.cache_clear()


def authorize(issuer: Issuer, **claims: Any) -> dict[str, Any]:
    made = issuer.token(iss=issuer.claimed_issuer, token_use=None, aud=[AUDIENCE, "others"], **claims)
    return authorize_request.handler({"authorizationToken": f"Bearer {made}", "methodArn": ARN}, None)


def claims(tenant: TenantId, role: str) -> dict[str, str]:
    return dict(zip(CLAIMS.values(), (tenant.value, role), strict=True))


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_a_user_of_another_provider_gets_the_tenant_and_the_role_of_the_claims(
    world: World, issuer: Issuer, role: str
) -> None:
    tenant = world.tenants[0]
    answer = authorize(issuer, **claims(tenant, role))

    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert (answer["context"]["tenantId"], answer["context"]["role"]) == (tenant.value, role)


def test_cognitos_claims_say_nothing_then(world: World, issuer: Issuer) -> None:
    theirs = {"custom:tenant_id": world.tenants[1].value, "custom:role": "admin"}
    answer = authorize(issuer, **theirs)
    assert (answer["policyDocument"]["Statement"][0]["Effect"], answer["context"]) == ("Deny", {})

    answer = authorize(issuer, **theirs, **claims(world.tenants[0], "viewer"))
    assert answer["context"]["tenantId"] == world.tenants[0].value


def test_the_readme_names_parameters_that_there_are() -> None:
    section = Path("README.md").read_text("utf-8").split("### Sign in from your own page")[1].split("\n#")[0]
    named = re.findall(r"`([A-Z]\w+)`", "".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)))
    template = Path("template.yaml").read_text("utf-8").split("\nParameters:\n")[1].split("\nRules:")[0]

    assert len(named) == 5
    assert set(named) <= set(re.findall(r"^  (\w+):$", template, re.MULTILINE))

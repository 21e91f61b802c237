"""A tenant whose schema lacks what the application needs is not served, and is at once when it has it."""

import time
from collections.abc import Iterator

import pytest

from handlers import authorize_request, query_tenant
from handlers.settings.query import query_settings
from tenantry.access.authorization import Authorization, ClaimNames
from tenantry.domain.tenant import TenantId
from tenantry.rollouts.rollout import RolloutState
from tests.integration.conftest import World, clear_caches, request_event
from tests.integration.revisions.conftest import Versions
from tests.integration.rollouts.conftest import ADD_NOTE, Fleet


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The application needs the second revision."""
    monkeypatch.setenv("REQUIRED_REVISION", "0002")
    clear_caches()
    yield "0002"
    query_tenant._data_requests()._connections.close()
    clear_caches()


class Tokens:
    """Believes that a token is a tenant's id."""

    def verify(self, token: str) -> dict[str, object]:
        return {"sub": "somebody", "role": "editor", "tenant": token, "iat": time.time()}


def context_of(fleet: Fleet, tenant_id: TenantId, required: str) -> dict[str, str]:
    """What the authorizer says, and API Gateway caches."""
    authorization = Authorization(Tokens(), fleet.registry, ClaimNames("tenant", "role"), required)  # type: ignore[arg-type]
    found: dict[str, str] = authorization.authorize(tenant_id.value, "arn:aws:execute-api:x/stage/GET/rest")["context"]
    return found


def ask(fleet: Fleet, tenant_id: TenantId, context: dict[str, str]) -> int:
    event = request_event(tenant_id, "GET", "candidates", role="editor", body=None, prefer="", query={"limit": "1"})
    event["requestContext"] = {"authorizer": context | {"tenantStatus": "active"}}
    answer = query_tenant.handler(event, None)
    if answer["statusCode"] == 503:
        assert "schema_behind" in answer["body"]
        assert answer["headers"]["Retry-After"] == "30"
    return int(answer["statusCode"])


def test_who_is_behind_is_served_from_the_moment_of_the_migration(
    fleet: Fleet, versions: Versions, own_world: World, required: str
) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    assert query_settings().required_revision == required
    contexts = {tenant_id: context_of(fleet, tenant_id, required) for tenant_id in fleet.made}
    assert {context["schemaBehind"] for context in contexts.values()} == {"yes"}
    assert {ask(fleet, tenant_id, context) for tenant_id, context in contexts.items()} == {503}

    fleet.start()
    assert fleet.run().state is RolloutState.DONE

    # The authorizer's answer is still the cached one.
    assert {ask(fleet, tenant_id, context) for tenant_id, context in contexts.items()} == {200}
    assert ["schemaBehind" in context_of(fleet, tenant_id, required) for tenant_id in fleet.made] == [False] * 5
    assert ["schemaBehind" in context_of(fleet, tenant_id, "") for tenant_id in fleet.made] == [False] * 5


@pytest.mark.parametrize(
    ("wanted", "required"), [("", ""), ("0001", "0001"), ("0002", "0002"), ("0003", ""), ("9999", "")]
)
def test_a_revision_that_is_not_deployed_is_required_of_nobody(versions: Versions, wanted: str, required: str) -> None:
    """An operator's slip would keep every tenant out."""
    versions.add("0002", "0001", "pass")
    assert authorize_request.required_revision(wanted) == required


def test_a_table_that_is_not_ours_proves_nothing(
    fleet: Fleet, versions: Versions, own_world: World, required: str
) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    tenant_id = fleet.made[0]
    context = context_of(fleet, tenant_id, required)
    own_world.execute("ALTER TABLE alembic_version RENAME TO kept", tenant_id.value)
    assert ask(fleet, tenant_id, context) == 503
    own_world.execute("ALTER TABLE kept RENAME TO alembic_version", tenant_id.value)

"""A secret that leads to another tenant's database is refused, and served again once it is mended."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient

from handlers import query_tenant
from tenantry.aws import tenant_secrets
from tests.integration.conftest import World, clear_caches


@pytest.fixture(autouse=True)
def _as_found(world: World) -> Iterator[None]:
    """Each test begins without connections and caches, and secrets are put back."""
    query_tenant._data_requests()._connections.close()
    clear_caches()
    yield
    query_tenant._data_requests()._connections.close()
    for tenant_id, credentials in world.credentials.items():
        world.secrets.write(tenant_id, credentials)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often AWS is asked for what."""
    counted: Counter[str] = Counter()
    really: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def count(client: Any, operation: str, arguments: Any) -> Any:
        counted[operation] += 1
        return really(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)
    return counted


def test_a_mended_secret_is_not_refused_for_as_long_as_it_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator puts a neighbour's credentials into a tenant's secret, and mends that: the tenant is served."""
    monkeypatch.setattr(tenant_secrets, "_DOUBT_SECONDS", 0)
    first, second = world.tenants
    world.secrets.write(first, world.credentials[second])
    refused = world.call(first)
    assert (refused.status, refused.json["code"]) == (403, "identity_mismatch")
    world.secrets.write(first, world.credentials[first])
    served = world.call(first)
    assert (served.status, len(served.json)) == (200, 10)


def test_a_secret_that_stays_wrong_is_not_fetched_for_each_request(world: World, calls: Counter[str]) -> None:
    """Somebody calls again and again while the secret is wrong: Secrets Manager is asked twice, not each time."""
    first, second = world.tenants
    world.secrets.write(first, world.credentials[second])
    calls.clear()
    assert {world.call(first).status for _ in range(6)} == {403}
    assert calls["GetSecretValue"] == 2


def test_a_mended_secret_still_has_to_be_the_tenants(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mended one leads to nobody's database: it is refused as well."""
    monkeypatch.setattr(tenant_secrets, "_DOUBT_SECONDS", 0)
    first, second = world.tenants
    world.secrets.write(first, world.credentials[second])
    assert world.call(first).status == 403
    world.secrets.write(first, world.credentials[first])
    world.execute(f'ALTER DATABASE "{first}" RESET tenantry.tenant_id')
    try:
        reply = world.call(first)
    finally:
        world.execute(f"ALTER DATABASE \"{first}\" SET tenantry.tenant_id = '{first}'")
    assert (reply.status, reply.json["code"]) == (403, "identity_mismatch")

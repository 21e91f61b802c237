"""The isolation model that an operator chooses over the operators' API: made, kept, suspended."""

import psycopg2
import pytest

from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.conftest import World
from tests.integration.homes.conftest import MODELS, candidate
from tests.integration.homes.test_removal import log_in
from tests.integration.tenants.test_administration import Operator, operator  # noqa: F401


@pytest.mark.parametrize("model", MODELS)
def test_a_tenant_is_made_in_the_model_that_was_asked_for(
    world: World,
    operator: Operator,  # noqa: F811
    tenant_id: TenantId,
    model: Isolation,
) -> None:
    path = f"/admin/v1/tenants/{tenant_id}"
    made = operator.call("PUT", path, {"isolation": model.value})
    assert (made.status, made.json["isolation"], made.json["status"]) == (201, model.value, "active")
    assert world.call(tenant_id, "POST", body=candidate("Ada")).status == 201
    # Left out, it is what the tenant has.
    shown = {key: value for key, value in made.json.items() if key != "usable_after"}
    assert operator.call("PUT", path, {}).json == shown
    for other in set(MODELS) - {model}:
        refused = operator.call("PUT", path, {"isolation": other.value, "connection_limit": 7})
        assert (refused.status, refused.json["code"]) == (409, "other_isolation")
    assert operator.call("GET", path).json == shown
    session = log_in(world, tenant_id)
    assert operator.call("POST", f"{path}/suspend").json["status"] == "suspended"
    with session.cursor() as cursor, pytest.raises(psycopg2.OperationalError):
        cursor.execute("SELECT 1")


def test_another_word_is_refused(operator: Operator) -> None:  # noqa: F811
    refused = operator.call("PUT", "/admin/v1/tenants/acme-x", {"isolation": "shared"})
    assert (refused.status, refused.json["code"]) == (400, "invalid_body")

"""A tenant has one API key, in the plan of its limits, from before it is served until it is erased."""

from dataclasses import replace
from typing import Any

import pytest

from tenantry.domain.errors import Conflict, DependencyFailed
from tenantry.domain.tenant import TenantId, TenantStatus
from tenantry.tenants.usage_plans import UsagePlans
from tests.integration.conftest import World
from tests.integration.tenants.limits.conftest import MakeTenant, keys_of, plans_of
from tests.integration.tenants.test_administration import Operator

ACME = TenantId("acme")


def test_a_new_tenant_has_a_key_of_its_own_in_its_plan(world: World, gateway: Any, make_tenant: MakeTenant) -> None:
    first, second = make_tenant(), make_tenant(limits={"plan": "premium"})
    (key,), (other,) = keys_of(gateway, first), keys_of(gateway, second)
    assert key["tags"] == {"TenantId": first.value, "Stage": "test"}
    assert (plans_of(gateway, key["id"]), plans_of(gateway, other["id"])) == (["standard"], ["premium"])
    assert key["value"] != other["value"]
    registered = world.registry.tenant(first)
    assert registered
    assert registered.usage_key == key["value"]
    assert key["value"] not in repr(registered)


def test_no_answer_tells_the_key(operator: Operator, gateway: Any, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant()
    (key,) = keys_of(gateway, tenant_id)
    for path in (f"/admin/v1/tenants/{tenant_id}", "/admin/v1/tenants", "/admin/v1/audit"):
        assert key["value"] not in operator.call("GET", path).text


def test_a_repeated_call_keeps_the_key(operator: Operator, gateway: Any, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant()
    before = keys_of(gateway, tenant_id)
    assert operator.create(tenant_id.value).status == 200
    assert keys_of(gateway, tenant_id) == before


def test_a_tenant_without_a_key_gets_one_by_either_call(
    world: World, operator: Operator, gateway: Any, make_tenant: MakeTenant
) -> None:
    tenant_id = make_tenant()
    for call in ("", "/limits"):
        (key,) = keys_of(gateway, tenant_id)
        gateway.delete_api_key(apiKey=key["id"])
        tenant = world.registry.tenant(tenant_id)
        assert tenant
        world.registry.put_tenant(replace(tenant, usage_key=""))
        assert operator.call("PUT", f"/admin/v1/tenants/{tenant_id}{call}", {}).status == 200
        registered = world.registry.tenant(tenant_id)
        (made,) = keys_of(gateway, tenant_id)
        assert registered
        assert registered.usage_key == made["value"] != key["value"]


def test_a_tenant_whose_key_can_not_be_made_is_not_served(
    world: World, operator: Operator, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UsagePlans, "_create", refuse)
    reply = operator.call("PUT", "/admin/v1/tenants/keyless", {})
    assert (reply.status, reply.json["code"]) == (503, "usage_plans_unavailable")
    assert world.registry.tenant(TenantId("keyless")) is None
    monkeypatch.undo()


def refuse(*_: object) -> None:
    raise DependencyFailed(code="usage_plans_unavailable")


@pytest.mark.parametrize("cut", ["_create", "create_usage_plan_key"])
def test_what_was_cut_is_finished_with_one_key(gateway: Any, usage_plans: UsagePlans, cut: str) -> None:
    """The worker died right after the key was made, or before the key was in a plan."""
    gateway.create_api_key(name="tenantry-test-acme", enabled=True)
    if cut == "_create":
        gateway.create_api_key(name="tenantry-test-acme", enabled=True)
    value = usage_plans.ensure(ACME, "standard")
    (key,) = keys_of(gateway, ACME)
    assert key["value"] == value
    assert plans_of(gateway, key["id"]) == ["standard"]


def test_a_key_changes_its_plan_and_stays_the_same(gateway: Any, usage_plans: UsagePlans) -> None:
    values = {usage_plans.ensure(ACME, plan) for plan in ("standard", "free", "free", "premium")}
    assert len(values) == 1
    (key,) = keys_of(gateway, ACME)
    assert plans_of(gateway, key["id"]) == ["premium"]


def test_a_key_that_was_turned_off_is_turned_on(gateway: Any, usage_plans: UsagePlans) -> None:
    usage_plans.ensure(ACME, "free")
    (key,) = keys_of(gateway, ACME)
    off = [{"op": "replace", "path": "/enabled", "value": "false"}]
    gateway.update_api_key(apiKey=key["id"], patchOperations=off)
    usage_plans.ensure(ACME, "free")
    assert keys_of(gateway, ACME)[0]["enabled"] is True


def test_a_tenant_whose_id_begins_alike_keeps_its_key(gateway: Any, usage_plans: UsagePlans) -> None:
    neighbour = TenantId("acme-prod")
    kept = usage_plans.ensure(neighbour, "free")
    assert usage_plans.ensure(ACME, "free") != kept
    usage_plans.delete(ACME)
    usage_plans.delete(ACME)
    assert not usage_plans.exists(ACME)
    assert usage_plans.exists(neighbour)


def test_a_plan_that_the_stack_lacks_is_refused(usage_plans: UsagePlans) -> None:
    with pytest.raises(Conflict) as refusal:
        usage_plans.ensure(ACME, "gold")
    assert refusal.value.code == "plan_unknown"
    assert not usage_plans.exists(ACME)


def test_a_tenant_is_active_only_with_its_key(
    world: World, operator: Operator, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the server refuses after the key was made, the registry shows an incomplete tenant."""
    with monkeypatch.context() as patch:
        patch.setattr("tenantry.servers.server_admin.ServerAdmin.set_limits", refuse)
        assert operator.create("halfmade").status == 503
    operator.made.append("halfmade")
    tenant = world.registry.tenant(TenantId("halfmade"))
    assert tenant
    assert (tenant.status, bool(tenant.usage_key)) == (TenantStatus.PROVISIONING, True)
    assert operator.create("halfmade").json["status"] == "active"
    assert len(keys_of(gateway, TenantId("halfmade"))) == 1

"""An operator renames a tenant; its users sign in again and find their rows."""

import uuid

import pytest

from tests.e2e.api import Api
from tests.e2e.living import CANDIDATES, LivingTenant, administer, erase, living_tenant, operate, operator, people


def sign_in_anew(tenant: LivingTenant, name: str) -> LivingTenant:
    """Sign the tenant's users in under their old names, with their present passwords."""
    return LivingTenant(tenant.api, name, {user.role: tenant.api._sign_in(user) for user in tenant.users})


@pytest.mark.parametrize("isolation", ["database", "schema", "pooled"])
def test_the_rows_are_read_under_the_new_id_by_who_signs_in_anew(api: Api, isolation: str) -> None:
    new = f"n{uuid.uuid4().hex[:10]}"
    with living_tenant(api, isolation=isolation) as tenant, living_tenant(api, 2, isolation=isolation) as neighbour:
        rows, others = tenant.rows(), neighbour.rows()
        done = operate(api, "POST", f"/tenants/{tenant.name}/rename", json={"tenant_id": new})
        try:
            assert 0 <= done["facts"]["unserved_ms"] < 60_000
            assert done["facts"]["users"] == len(tenant.tokens)
            renamed = sign_in_anew(tenant, new)
            shown = renamed.call("GET", params={"order": "id"})
            assert [row["name"] for row in shown.json()] == [row[0] for row in rows]
            assert renamed.call("POST", json=people(f"{new}-more", 1)).status_code == 201
            assert (renamed.shown()["former_ids"], renamed.shown()["status"]) == ([tenant.name], "active")
            assert neighbour.rows() == others
            # A token that says the old id is of no use, and is told why.
            refused = tenant.call("GET", role="viewer")
            assert (refused.status_code, refused.json()["code"]) == (403, "tenant_renamed")
            assert new not in refused.text
        finally:
            operate(api, "POST", f"/tenants/{new}/rename", json={"tenant_id": tenant.name})
        assert sign_in_anew(tenant, tenant.name).call("GET").status_code == 200


def test_nothing_is_left_under_the_former_id_and_nobody_gets_it(api: Api) -> None:
    new = f"n{uuid.uuid4().hex[:10]}"
    with living_tenant(api) as tenant:
        operate(api, "POST", f"/tenants/{tenant.name}/rename", json={"tenant_id": new})
        try:
            names = {secret["Name"] for secret in api.aws("secretsmanager").list_secrets()["SecretList"]}
            assert f"tenantry/local/tenants/{new}" in names
            assert f"tenantry/local/tenants/{tenant.name}" not in names
            secret = api.aws("secretsmanager").describe_secret(SecretId=f"tenantry/local/tenants/{new}")
            assert secret["RotationEnabled"]
            shown = api.call("GET", f"/admin/v1/tenants/{tenant.name}", operator(api))
            assert (shown.status_code, shown.json()["code"]) == (404, "tenant_renamed")
            assert new in shown.json()["details"]
            made = api.call("PUT", f"/admin/v1/tenants/{tenant.name}", operator(api), json={})
            assert (made.status_code, made.json()["code"]) == (409, "tenant_id_retired")
            trail = administer(api, "GET", "/audit", params={"target": f"tenant/{tenant.name}"})["items"]
            assert ("rename_tenant", "succeeded") in {(entry["action"], entry["outcome"]) for entry in trail}
        finally:
            erase(api, new)
        for name in (tenant.name, new):
            (certificate,) = administer(api, "GET", f"/tenants/{name}/certificates")["items"]
            assert certificate["found"]["former_ids"] == [tenant.name]


@pytest.mark.parametrize(
    ("new", "code"),
    [("mycompany", "same_id"), ("mycompany1", "tenant_exists"), ("No", "invalid_tenant_id"), ("public", "reserved")],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(api: Api, new: str, code: str) -> None:
    before = administer(api, "GET", "/tenants/mycompany")
    answer = api.call("POST", "/admin/v1/tenants/mycompany/rename", operator(api), json={"tenant_id": new})
    assert answer.status_code in {400, 409}, answer.text
    assert answer.json()["code"].startswith(code)
    assert administer(api, "GET", "/tenants/mycompany") == before
    assert api.call("GET", CANDIDATES, api.token("mycompany")).status_code == 200

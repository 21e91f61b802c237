"""What an erasure had to keep goes later, by an operator's call, and leaves its evidence."""

from typing import Any

from tenantry.domain.tenant import Isolation, TenantId
from tenantry.tenants.certificate import verify
from tests.integration.operations.conftest import Desk, desk, erasure, s3, second_postgres, servers_of_the_module, wired

__all__ = ["desk", "s3", "second_postgres", "servers_of_the_module", "wired"]

POOLED = Isolation.POOLED


def hold(desk: Desk, tenant_id: TenantId) -> str:
    """Back a tenant up, and hold that; returns the path of the hold."""
    backup = desk.vault.back_up(tenant_id)
    held = f"/admin/v1/tenants/{tenant_id}/backups/{backup.backup_id}/hold"
    assert desk.call("PUT", held, {"reason": "a lawsuit"}).status == 200
    return held


def delete(desk: Desk, tenant_id: TenantId | str, body: dict[str, Any] | None = None) -> Any:
    given = {"tenant_id": str(tenant_id)} if body is None else body
    return desk.call("DELETE", f"/admin/v1/tenants/{tenant_id}", given)


def certificates(desk: Desk, tenant_id: TenantId) -> list[dict[str, Any]]:
    found = desk.call("GET", f"/admin/v1/tenants/{tenant_id}/certificates").json["items"]
    assert all(verify(certificate) for certificate in found)
    return list(found)


def test_what_was_held_goes_when_the_hold_is_off(desk: Desk) -> None:
    tenant_id, neighbour = desk.add(POOLED), desk.add(POOLED)
    held, others = hold(desk, tenant_id), hold(desk, neighbour)
    again = hold(desk, tenant_id)
    desk.do(f"DELETE /tenants/{tenant_id}", erasure(tenant_id))
    assert len(certificates(desk, tenant_id)[0]["remains"]) == 4
    # As long as it is held it stays, whoever asks, and that is said again.
    desk.perform(delete(desk, tenant_id).json["operation_id"])
    assert [len(each["remains"]) for each in certificates(desk, tenant_id)] == [4, 4]
    assert desk.call("DELETE", held).status == 200
    assert delete(desk, tenant_id, {}).json["code"] == "invalid_body"
    assert delete(desk, tenant_id, {"tenant_id": neighbour.value}).json["code"] == "not_confirmed"
    begun = delete(desk, tenant_id).json
    assert (begun["kind"], begun["facts"]["ids"]) == ("erase_remains", [tenant_id.value])
    desk.perform(begun["operation_id"])
    newest = certificates(desk, tenant_id)[-1]
    assert (newest["requested_by"], newest["deleted"]["backup_versions"], len(newest["remains"])) == ("op-1", 2, 2)
    assert desk.call("DELETE", again).status == 200
    desk.perform(delete(desk, tenant_id).json["operation_id"])
    assert certificates(desk, tenant_id)[-1]["remains"] == []
    assert desk.call("GET", f"/admin/v1/tenants/{tenant_id}/backups").json["items"] == []
    gone = delete(desk, tenant_id)
    assert (gone.status, gone.json["code"]) == (404, "tenant_unknown")
    trail = desk.call("GET", "/admin/v1/audit").json["items"]
    done = [entry["outcome"] for entry in trail if entry["target"] == f"tenant/{tenant_id}"]
    assert done.count("succeeded") >= 4
    # Nobody else's goes along.
    assert len(desk.call("GET", f"/admin/v1/tenants/{neighbour}/backups").json["items"]) == 1
    assert desk.call("DELETE", others).status == 200


def test_what_was_backed_up_under_former_ids_goes_along(desk: Desk) -> None:
    old, new = desk.add(POOLED), desk.free_id()
    held = hold(desk, old)
    desk.do(f"POST /tenants/{old}/rename", {"tenant_id": new.value})
    desk.do(f"DELETE /tenants/{new}", erasure(new))
    assert len(certificates(desk, new)[0]["remains"]) == 2
    assert desk.call("DELETE", held).status == 200
    begun = delete(desk, new).json
    assert sorted(begun["facts"]["ids"]) == sorted([old.value, new.value])
    desk.perform(begun["operation_id"])
    for tenant_id in (old, new):
        assert certificates(desk, tenant_id)[-1]["remains"] == []
    assert desk.call("GET", f"/admin/v1/tenants/{old}/backups").json["items"] == []


def test_nobody_who_was_never_there_has_remains(desk: Desk) -> None:
    for name in ("nobody", desk.free_id().value):
        refused = delete(desk, name)
        assert (refused.status, refused.json["code"]) == (404, "tenant_unknown")

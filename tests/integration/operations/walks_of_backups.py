"""The walks through what is done with backups, and through what ends: erasures and inspections."""

from collections.abc import Callable
from typing import Any

from tenantry.domain import operation_kinds as kinds
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.operations.conftest import Desk, Fault, erasure
from tests.integration.operations.walks import faults, walk

POOLED = Isolation.POOLED


def restore(desk: Desk, tenant_id: TenantId, **change: Any) -> tuple[str, dict[str, Any]]:
    backup = desk.vault.back_up(tenant_id)
    path = f"POST /tenants/{tenant_id}/backups/{backup.backup_id}/restore"
    return path, {"tenant_id": tenant_id.value} | change


def walk_restores(desk: Desk) -> None:
    tenant_id = desk.add()
    call, body = restore(desk, tenant_id)
    for fault, which in faults(kinds.RESTORE):
        walk(desk, tenant_id, desk.do(call, body, fault), fault, which)
    desk.use_up(tenant_id)


def walk_new_tenants(desk: Desk) -> None:
    """A backup becomes a tenant of its own, or that is erased again."""
    tenant_id = desk.add(POOLED)
    call, _ = restore(desk, tenant_id)
    for fault, which in list(faults(kinds.RESTORE))[::3]:
        new = desk.free_id()
        if "erase" not in desk.follow(desk.do(call, {"into": new.value, "server_id": "there"}, fault), which):
            desk.settle(new)


def walk_single_tables(desk: Desk) -> None:
    tenant_id = desk.add()
    for mode in ("beside", "replace"):
        call, body = restore(desk, tenant_id, tables=["public.candidates"], mode=mode)
        for fault, which in list(faults(kinds.RESTORE_TABLES))[(mode == "replace") :: 2]:
            walk(desk, tenant_id, desk.do(call, body, fault), fault, which)


def walk_undone_restores(desk: Desk) -> None:
    tenant_id = desk.add()
    call, body = restore(desk, tenant_id)
    for fault, which in faults(kinds.UNDO_RESTORE):
        desk.do(call, body)
        walk(desk, tenant_id, desk.do(f"POST /tenants/{tenant_id}/undo", None, fault), fault, which)


def walk_abandoned_restores(desk: Desk) -> None:
    tenant_id = desk.add()
    call, body = restore(desk, tenant_id)
    for before, (fault, which) in zip(("find", "keep"), faults(kinds.ABANDON_RESTORE), strict=True):
        desk.do(call, body, Fault(before, "cut"))
        walk(desk, tenant_id, desk.do(f"POST /tenants/{tenant_id}/undo", None, fault), fault, which)
    # What is swapped can't be abandoned: it goes back to its own operation, which can be repeated.
    desk.do(call, body, Fault("swap", "cut"))
    assert desk.follow(desk.do(f"POST /tenants/{tenant_id}/undo", None, Fault("take_back")))[0] == "repeat"
    desk.settle(tenant_id)


def walk_erasures(desk: Desk) -> None:
    for fault, which in faults(kinds.ERASE):
        tenant_id = desk.add(POOLED)
        meanings = desk.follow(desk.do(f"DELETE /tenants/{tenant_id}", erasure(tenant_id), fault), which)
        if "keep" in meanings:
            desk.do(f"DELETE /tenants/{tenant_id}", erasure(tenant_id))
        assert desk.call("GET", f"/admin/v1/tenants/{tenant_id}").status == 404
        assert [found for found in desk.vault.traces(tenant_id).values() if found] == []
    # One that waits for its time can be begun at once, or the tenant kept.
    for which, left in ((1, 404), (0, 200)):
        tenant_id = desk.add(POOLED)
        begun = desk.start(f"DELETE /tenants/{tenant_id}", erasure(tenant_id) | {"undo_hours": 5})
        desk.follow(begun, which)
        assert desk.call("GET", f"/admin/v1/tenants/{tenant_id}").status == left
    desk.start(f"POST /tenants/{tenant_id}/resume")
    desk.settle(tenant_id)


def walk_remains(desk: Desk) -> None:
    """What an erasure had to keep is deleted by the same call, once nothing is on it, and that is certified too."""
    for fault, which in faults(kinds.ERASE_REMAINS):
        tenant_id = desk.add(POOLED)
        backup = desk.vault.back_up(tenant_id)
        held = f"/admin/v1/tenants/{tenant_id}/backups/{backup.backup_id}/hold"
        assert desk.call("PUT", held, {"reason": "a lawsuit"}).status == 200
        desk.do(f"DELETE /tenants/{tenant_id}", erasure(tenant_id))
        assert desk.call("DELETE", held).status == 200
        desk.follow(desk.do(f"DELETE /tenants/{tenant_id}", erasure(tenant_id), fault), which)
        assert desk.call("GET", f"/admin/v1/tenants/{tenant_id}/backups").json["items"] == []


def walk_retention(desk: Desk) -> None:
    tenant_id = desk.add(POOLED)
    desk.vault.back_up(tenant_id)
    for fault, which in faults(kinds.APPLY_RETENTION):
        desk.follow(desk.do(f"POST /tenants/{tenant_id}/retention", {"dry_run": False}, fault), which)
    planned = desk.vault.operations.start(kinds.PLAN_RETENTION, f"tenant/{tenant_id}", "op-1").operation_id
    desk.perform(planned, Fault("plan"))
    (again,) = desk.get(planned)["next"]
    desk.start(again["call"], again["body"])
    desk.settle(tenant_id)


def walk_inspections(desk: Desk) -> None:
    tenant_id = desk.add()
    for fault, which in faults(kinds.CLOSE_INSPECTION):
        begun = desk.start("POST /reports/pgadmin", {"tenants": [tenant_id.value], "hours": 1})
        assert [call["meaning"] for call in desk.get(begun)["next"]] == ["nothing to do"]
        desk.perform(begun, fault)
        found = desk.get(begun)
        call = found["next"][min(which, len(found["next"]) - 1)]
        if call["call"]:
            desk.start(call["call"], call["body"])
        desk.perform(begun)
        assert desk.get(begun)["status"] == "succeeded"
    desk.settle(tenant_id)


WALKS_OF_BACKUPS: dict[str, Callable[[Desk], None]] = {
    kinds.RESTORE: walk_restores,
    f"{kinds.RESTORE} as a new tenant": walk_new_tenants,
    kinds.RESTORE_TABLES: walk_single_tables,
    kinds.UNDO_RESTORE: walk_undone_restores,
    kinds.ABANDON_RESTORE: walk_abandoned_restores,
    kinds.ERASE: walk_erasures,
    kinds.ERASE_REMAINS: walk_remains,
    kinds.APPLY_RETENTION: walk_retention,
    kinds.PLAN_RETENTION: walk_retention,
    kinds.CLOSE_INSPECTION: walk_inspections,
}

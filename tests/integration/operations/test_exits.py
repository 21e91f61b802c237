"""No operation ends in a state without an exit: what its `next` says is accepted, and leads to where nothing is held.

Every kind of operation is walked through: its worker fails or dies at each of its steps, and each of the calls that
the operation names then is made over the API until there is nothing to do. Then the tenant is served and free.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handlers import perform_operation
from tenantry.domain import operation_kinds as kinds
from tenantry.domain.next_calls import KINDS
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.operations.conftest import Desk, Fault, erasure, other

DATABASE, SCHEMA, POOLED = Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED


def faults(kind: str) -> Iterator[tuple[Fault, int]]:
    """Yield a fault for each step of a kind, and the number of the call that is to be made then.

    Failing and dying take turns, and so do the calls: whether a step is repeated is tested where its room is.
    """
    for number, step in enumerate(perform_operation._performer()._workflows[kind]):
        yield Fault(step.name, ("after", "cut")[number % 2]), (number + number // 2) % 2


def walk(desk: Desk, tenant_id: TenantId, begun: str, fault: Fault, which: int) -> None:
    """Follow what is next, and see that it leads to where nothing holds the tenant."""
    meanings = desk.follow(begun, which)
    try:
        desk.settle(tenant_id)
    except AssertionError as error:
        raise AssertionError(f"{fault}, then {meanings}: {desk.get(begun)}") from error


def walk_moves(desk: Desk) -> None:
    tenant_id = desk.add(POOLED)
    for fault, which in faults(kinds.MOVE):
        here = desk.vault.tenant(tenant_id).server_id
        walk(
            desk, tenant_id, desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": other(here)}, fault), fault, which
        )
    desk.use_up(tenant_id)


def walk_promotions(desk: Desk) -> None:
    for fault, which in [*faults(kinds.PROMOTE)][2::2]:
        tenant_id = desk.add(POOLED)
        walk(
            desk, tenant_id, desk.do(f"POST /tenants/{tenant_id}/promote", {"isolation": "schema"}, fault), fault, which
        )
    desk.use_up(tenant_id)


def walk_undone_moves(desk: Desk) -> None:
    tenant_id = desk.add(POOLED)
    for fault, which in faults(kinds.UNDO):
        here = desk.vault.tenant(tenant_id).server_id
        desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": other(here)})
        desk.write(tenant_id)
        walk(desk, tenant_id, desk.do(f"POST /tenants/{tenant_id}/undo", None, fault), fault, which)


def walk_abandoned_moves(desk: Desk) -> None:
    tenant_id = desk.add()
    for fault, which in faults(kinds.ABANDON):
        here = desk.vault.tenant(tenant_id).server_id
        desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": other(here)}, Fault("prepare", "cut"))
        walk(desk, tenant_id, desk.do(f"POST /tenants/{tenant_id}/undo", None, fault), fault, which)
    desk.use_up(tenant_id)


def walk_confirmations(desk: Desk) -> None:
    tenant_id = desk.add(POOLED)
    for fault, which in faults(kinds.CONFIRM):
        here = desk.vault.tenant(tenant_id).server_id
        desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": other(here)})
        walk(desk, tenant_id, desk.do(f"POST /tenants/{tenant_id}/confirm", None, fault), fault, which)


def walk_clones(desk: Desk) -> None:
    source = desk.add(POOLED)
    for fault, which in faults(kinds.CLONE):
        clone = desk.free_id()
        meanings = desk.follow(desk.do(f"POST /tenants/{source}/clone", {"tenant_id": clone.value}, fault), which)
        if "erase" not in meanings:
            desk.settle(clone)
            desk.do(f"DELETE /tenants/{clone}", erasure(clone))
        assert desk.call("GET", f"/admin/v1/tenants/{clone}").status == 404


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
    for which, left in ((0, 404), (1, 200)):
        tenant_id = desk.add(POOLED)
        begun = desk.start(f"DELETE /tenants/{tenant_id}", erasure(tenant_id) | {"undo_hours": 5})
        desk.follow(begun, which)
        assert desk.call("GET", f"/admin/v1/tenants/{tenant_id}").status == left
    desk.start(f"POST /tenants/{tenant_id}/resume")
    desk.settle(tenant_id)


def walk_renames(desk: Desk) -> None:
    tenant_id, ids = desk.add(SCHEMA), [desk.free_id()]
    ids.append(tenant_id)
    for fault, which in faults(kinds.RENAME):
        begun = desk.do(f"POST /tenants/{ids[-1]}/rename", {"tenant_id": ids[0].value}, fault)
        if "abandon" not in desk.follow(begun, which):
            ids.reverse()
        desk.settle(ids[-1])
    desk.use_up(ids[-1])


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


def walk_reports(desk: Desk) -> None:
    """A report holds nothing, and the same call makes the one that failed."""
    reports = {
        kinds.REPORT_ISOLATION: "isolation",
        kinds.REPORT_DRIFT: "drift",
        kinds.REPORT_COST: "cost",
        kinds.REPORT_BACKUPS: "backups",
    }
    for kind, name in reports.items():
        first = perform_operation._performer()._workflows[kind][0]
        begun = desk.start(f"POST /reports/{name}")
        desk.perform(begun, Fault(first.name))
        (again,) = desk.get(begun)["next"]
        assert desk.start(again["call"], again["body"]) == begun


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


WALKS: dict[str, Callable[[Desk], None]] = {
    kinds.MOVE: walk_moves,
    kinds.PROMOTE: walk_promotions,
    kinds.UNDO: walk_undone_moves,
    kinds.ABANDON: walk_abandoned_moves,
    kinds.CONFIRM: walk_confirmations,
    kinds.CLONE: walk_clones,
    kinds.RESTORE: walk_restores,
    "restore_tenant as a new one": walk_new_tenants,
    kinds.RESTORE_TABLES: walk_single_tables,
    kinds.UNDO_RESTORE: walk_undone_restores,
    kinds.ABANDON_RESTORE: walk_abandoned_restores,
    kinds.ERASE: walk_erasures,
    kinds.RENAME: walk_renames,
    kinds.APPLY_RETENTION: walk_retention,
    kinds.PLAN_RETENTION: walk_retention,
    kinds.REPORT_ISOLATION: walk_reports,
    kinds.REPORT_DRIFT: walk_reports,
    kinds.REPORT_COST: walk_reports,
    kinds.REPORT_BACKUPS: walk_reports,
    kinds.CLOSE_INSPECTION: walk_inspections,
}


def test_every_kind_of_operation_is_walked_and_says_what_is_next(desk: Desk) -> None:
    """A kind that is new has to have a walk here, and its rule in `domain/next_calls.py`."""
    known = set(perform_operation._performer()._workflows)
    assert known == set(KINDS)
    assert known == set(WALKS) & known


@pytest.mark.parametrize("way", dict.fromkeys(WALKS.values()), ids=lambda way: way.__name__)
def test_what_is_next_is_accepted_and_leads_out(desk: Desk, way: Callable[[Desk], None]) -> None:
    way(desk)

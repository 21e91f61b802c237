"""The walks through what takes a tenant elsewhere, or gives it another id, and through reports."""

from collections.abc import Callable

from handlers import perform_operation
from tenantry.domain import operation_kinds as kinds
from tenantry.domain.tenant import Isolation
from tests.integration.operations.conftest import Desk, Fault, erasure, other
from tests.integration.operations.walks import faults, walk

SCHEMA, POOLED = Isolation.SCHEMA, Isolation.POOLED


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


def walk_renames(desk: Desk) -> None:
    tenant_id, ids = desk.add(SCHEMA), [desk.free_id()]
    ids.append(tenant_id)
    for fault, which in faults(kinds.RENAME):
        begun = desk.do(f"POST /tenants/{ids[-1]}/rename", {"tenant_id": ids[0].value}, fault)
        if "abandon" not in desk.follow(begun, which):
            ids.reverse()
        desk.settle(ids[-1])
    desk.use_up(ids[-1])


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


WALKS_OF_MOVES: dict[str, Callable[[Desk], None]] = {
    kinds.MOVE: walk_moves,
    kinds.PROMOTE: walk_promotions,
    kinds.UNDO: walk_undone_moves,
    kinds.ABANDON: walk_abandoned_moves,
    kinds.CONFIRM: walk_confirmations,
    kinds.CLONE: walk_clones,
    kinds.RENAME: walk_renames,
    kinds.REPORT_ISOLATION: walk_reports,
    kinds.REPORT_DRIFT: walk_reports,
    kinds.REPORT_COST: walk_reports,
    kinds.REPORT_BACKUPS: walk_reports,
}

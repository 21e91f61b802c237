"""What an operator can call next about an operation that is unfinished or has failed, as the registry stands now.

Each kind has its rule in `_RULES`, and no state is without a call that is accepted or `nothing to do`. Nothing here
asks a server or a secret: what only these know, an operation's steps and facts tell.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from tenantry.domain import operation_kinds as kinds
from tenantry.domain.home import home_of_facts
from tenantry.domain.operation import UNDO_UNTIL, UNDONE, Operation, OperationStatus
from tenantry.domain.relocation import DAMAGED, journey_of
from tenantry.domain.tenant import Tenant, TenantStatus

REPEAT, ABANDON, UNDO, CONFIRM = "repeat", "abandon", "undo", "confirm"
ERASE, KEEP, NOTHING = "erase", "keep", "nothing to do"
_API = "/admin/v1"
# Codes of failures that the same call meets again: what it asks for is not there, or taken.
_FOR_GOOD = frozenset(
    {"backup_unknown", "backup_broken", "backup_damaged", "name_taken", "secret_exists", "tenant_exists"}
    | {"tenant_id_retired", "table_unknown", "tables_differ", "tables_referred"}
)
_IN_USE = frozenset({TenantStatus.ACTIVE, TenantStatus.SUSPENDED})


class Known(NamedTuple):
    """What the registry knows: `find` finds a tenant by the id that it has, or had before a rename."""

    find: Callable[[str], Tenant | None]
    # Whether a server is lost, by its id.
    is_lost: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class NextCall:
    """A call of the operators' API, such as `POST /admin/v1/tenants/acme/undo`; None where there is nothing to do."""

    call: str | None
    meaning: str
    body: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the call as JSON values."""
        return asdict(self)


def next_calls(operation: Operation, known: Known) -> list[NextCall]:
    """List the calls that are accepted next, the likeliest first; empty once the operation has succeeded."""
    if operation.status is OperationStatus.SUCCEEDED:
        return []
    rule = _RULES.get(operation.kind)
    return (rule(operation, known) if rule else []) or [NextCall(None, NOTHING)]


def settling_calls(tenant: Tenant, known: Known) -> list[NextCall]:
    """List the calls that settle a tenant's last move or restore, which nothing holds any more.

    Of two places of which one is lost, the other one stays.
    """
    if tenant.former_home is None or tenant.relocation or tenant.status not in _IN_USE:
        return []
    confirm, undo = _post(tenant, "confirm", CONFIRM), _post(tenant, "undo", UNDO)
    if known.is_lost(tenant.former_home.server_id):
        return [confirm]
    return [undo] if known.is_lost(tenant.server_id) else [confirm, undo]


def _post(tenant: Tenant, call: str, meaning: str, body: dict[str, Any] | None = None) -> NextCall:
    return NextCall(f"POST {_API}/tenants/{tenant.tenant_id}/{call}", meaning, body)


def _erase(tenant: Tenant, meaning: str) -> NextCall:
    body = {"tenant_id": tenant.tenant_id.value, "undo_hours": 0}
    return NextCall(f"DELETE {_API}/tenants/{tenant.tenant_id}", meaning, body)


def _held(operation: Operation, known: Known) -> Tenant | None:
    """Return the tenant, if this operation holds it and it is not being erased."""
    tenant = _target(operation, known)
    if tenant is None or tenant.relocation != operation.operation_id or tenant.status is TenantStatus.ERASING:
        return None
    return tenant


def _target(operation: Operation, known: Known) -> Tenant | None:
    return known.find(operation.target.removeprefix("tenant/"))


def _is_free(tenant: Tenant) -> bool:
    return not tenant.relocation and tenant.former_home is None and tenant.status in _IN_USE


def _relocation(operation: Operation, known: Known) -> list[NextCall]:
    tenant = _held(operation, known)
    if tenant is None:
        return _settling(operation, known) if "switch" in operation.done else []
    again = _relocation_again(operation, tenant)
    # From here on the secret may name the new place already. One that was handed back by its abandonment has arrived.
    may_have_arrived = "compare" in operation.done or operation.facts.get("arrived") or operation.error == UNDONE
    return [again] if may_have_arrived else [again, _post(tenant, "undo", ABANDON)]


def _relocation_again(operation: Operation, tenant: Tenant) -> NextCall:
    journey = journey_of(operation.facts)
    if journey.leaves_server:
        return _post(tenant, "move", REPEAT, {"server_id": journey.target.server_id})
    return _post(tenant, "promote", REPEAT, {"isolation": journey.target.isolation.value})


def _return(operation: Operation, known: Known) -> list[NextCall]:
    tenant = _held(operation, known)
    if tenant is None:
        return []
    again, confirm = _post(tenant, "undo", REPEAT), _post(tenant, "confirm", CONFIRM)
    is_refused = operation.status is OperationStatus.FAILED and "unlock" not in operation.done
    if not is_refused or operation.facts.get("arrived"):
        return [again]
    if known.is_lost(journey_of(operation.facts).target.server_id):
        return [confirm]
    if known.is_lost(tenant.server_id):
        return [confirm] if operation.error == DAMAGED else [again]
    return [again, confirm]


def _abandonment(operation: Operation, known: Known) -> list[NextCall]:
    if tenant := _held(operation, known):
        return [_post(tenant, "undo", REPEAT)]
    tenant = _target(operation, known)
    if tenant is None or tenant.relocation != operation.facts["abandoned"]:
        return []
    # It came too late, and has given the tenant back to what it was to abandon.
    if operation.kind == kinds.ABANDON:
        return [_relocation_again(operation, tenant)]
    return [_restore_again(operation, tenant, known)]


def _confirmation(operation: Operation, known: Known) -> list[NextCall]:
    if tenant := _held(operation, known):
        return [_post(tenant, "confirm", REPEAT)]
    return _settling(operation, known)


def _restore_return(operation: Operation, known: Known) -> list[NextCall]:
    if tenant := _held(operation, known):
        return [_post(tenant, "undo", REPEAT)]
    return _settling(operation, known)


def _settling(operation: Operation, known: Known) -> list[NextCall]:
    tenant = _target(operation, known)
    return settling_calls(tenant, known) if tenant else []


def _clone(operation: Operation, known: Known) -> list[NextCall]:
    tenant, source = _held(operation, known), known.find(operation.facts["cloned"])
    if tenant is None:
        return []
    # It is not copied while another operation holds it.
    is_ready = source is not None and not source.relocation and source.status in _IN_USE
    again = [_post(source, "clone", REPEAT, {"tenant_id": tenant.tenant_id.value})] if source and is_ready else []
    return [*again, _erase(tenant, ERASE)]


def _restore(operation: Operation, known: Known) -> list[NextCall]:
    tenant = _target(operation, known)
    if tenant is None:
        return []
    again = [] if operation.error in _FOR_GOOD else [_restore_again(operation, tenant, known)]
    if _held(operation, known) is None:
        if {"swap", "bring"} & {*operation.done}:
            return settling_calls(tenant, known)
        return again if _is_free(tenant) and operation.error != UNDONE else []
    if tenant.status is TenantStatus.PROVISIONING:
        return [*again, _erase(tenant, ERASE)]
    # One that was handed back by its abandonment has swapped.
    if operation.kind == kinds.RESTORE and "swap" not in operation.done and operation.error != UNDONE:
        return [*again, _post(tenant, "undo", ABANDON)]
    # Single tables' own call takes them back where it can't bring them.
    return [_restore_again(operation, tenant, known)]


def _restore_again(operation: Operation, tenant: Tenant, known: Known) -> NextCall:
    facts = operation.facts
    source = known.find(facts["archived"])
    whose = source.tenant_id.value if source else facts["archived"]
    body: dict[str, Any] = {"tenant_id": whose}
    if tenant.status is TenantStatus.PROVISIONING or tenant.tenant_id.value != whose:
        body = {"into": tenant.tenant_id.value}
    if facts.get("former"):
        body["server_id"] = home_of_facts(facts["home"]).server_id
    if facts.get("wanted"):
        body |= {"tables": facts["wanted"], "mode": facts["mode"]}
    if not facts["keep_rights"]:
        body["rights"] = "standard"
    return NextCall(f"POST {_API}/tenants/{whose}/backups/{facts['backup_id']}/restore", REPEAT, body)


def _erasure(operation: Operation, known: Known) -> list[NextCall]:
    tenant = _target(operation, known)
    if tenant is None or tenant.status is not TenantStatus.ERASING or operation.error == UNDONE:
        return []
    if operation.done:
        return [_erase(tenant, REPEAT)]
    # While it waits for its time, the call that begins it at once takes away what it waits for.
    waits = operation.status is OperationStatus.RUNNING and UNDO_UNTIL in operation.facts
    return [_post(tenant, "keep", KEEP), _erase(tenant, ERASE if waits else REPEAT)]


def _remains(operation: Operation, _known: Known) -> list[NextCall]:
    tenant_id = operation.target.removeprefix("tenant/")
    return [NextCall(f"DELETE {_API}/tenants/{tenant_id}", REPEAT, {"tenant_id": tenant_id, "undo_hours": 0})]


def _rename(operation: Operation, known: Known) -> list[NextCall]:
    old, new, tenant = operation.target.removeprefix("tenant/"), operation.facts["tenant_id"], _target(operation, known)
    if tenant is None or operation.error == UNDONE or tenant.relocation not in ("", operation.operation_id):
        return []
    again = NextCall(f"POST {_API}/tenants/{old}/rename", REPEAT, {"tenant_id": new})
    if tenant.relocation:
        is_over = operation.error in _FOR_GOOD and not operation.done
        return [*([] if is_over else [again]), *([] if operation.done else [_post(tenant, "undo", ABANDON)])]
    # It is released before its last piece of work, the new schedule of its rotation.
    is_last = tenant.tenant_id.value == new and "users" in operation.done
    can_begin = tenant.tenant_id.value == old and _is_free(tenant) and operation.error not in _FOR_GOOD
    return [again] if is_last or (can_begin and not operation.done) else []


def _retention(operation: Operation, known: Known) -> list[NextCall]:
    tenant = _target(operation, known)
    if tenant is None or tenant.status is TenantStatus.ERASING:
        return []
    return [_post(tenant, "retention", REPEAT, {"dry_run": operation.kind == kinds.PLAN_RETENTION})]


def _report(name: str) -> Callable[[Operation, Known], list[NextCall]]:
    return lambda _operation, _known: [NextCall(f"POST {_API}/reports/{name}", REPEAT)]


def _inspection(operation: Operation, known: Known) -> list[NextCall]:
    """Close it by opening another, which closes those whose time is over; an open one closes by itself."""
    tenants = [known.find(inspector["tenant"]) for inspector in operation.facts["inspectors"]]
    there = [
        tenant.tenant_id.value for tenant in tenants if tenant and tenant.status in _IN_USE and not tenant.relocation
    ]
    if operation.status is not OperationStatus.FAILED or not there:
        return []
    return [NextCall(f"POST {_API}/reports/pgadmin", REPEAT, {"tenants": there, "hours": 1})]


_RULES: dict[str, Callable[[Operation, Known], list[NextCall]]] = {
    kinds.MOVE: _relocation,
    kinds.PROMOTE: _relocation,
    kinds.ABANDON: _abandonment,
    kinds.UNDO: _return,
    kinds.CONFIRM: _confirmation,
    kinds.CLONE: _clone,
    kinds.RESTORE: _restore,
    kinds.RESTORE_TABLES: _restore,
    kinds.UNDO_RESTORE: _restore_return,
    kinds.ABANDON_RESTORE: _abandonment,
    kinds.ERASE: _erasure,
    kinds.ERASE_REMAINS: _remains,
    kinds.RENAME: _rename,
    kinds.APPLY_RETENTION: _retention,
    kinds.PLAN_RETENTION: _retention,
    kinds.CLOSE_INSPECTION: _inspection,
    kinds.REPORT_ISOLATION: _report("isolation"),
    kinds.REPORT_DRIFT: _report("drift"),
    kinds.REPORT_COST: _report("cost"),
    kinds.REPORT_BACKUPS: _report("backups"),
}
KINDS = frozenset(_RULES)

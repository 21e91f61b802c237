"""Says what can be called next: of an operation, and in a refusal that is due to one."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from handlers.routes.bodies import show_operation
from handlers.settings.administration import administration_settings
from handlers.wiring.services import services
from tenantry.aws.api_gateway import body_of
from tenantry.domain.errors import BadRequest, Conflict, TenantryError
from tenantry.domain.next_calls import Known, NextCall, next_calls, settling_calls
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.operation_kinds import ERASE
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus

_PATH = re.compile(r"/admin/v1/tenants/([^/]+)")
# Codes of refusals that last until an operation has ended, or what it has left is settled.
_DUE_TO_AN_OPERATION = frozenset(
    {"tenant_moving", "operation_in_progress", "operation_begun", "rename_unfinished", "already_switched"}
    | {"tenant_incomplete", "tenant_provisioning", "tenant_erasing", "move_unconfirmed"}
)


def show_with_next(operation: Operation, known: Known | None = None) -> dict[str, Any]:
    """Show an operation, its progress, and what can be called next."""
    calls = next_calls(operation, known or registered())
    return show_operation(operation) | {"next": [call.to_json() for call in calls]}


def registered(operations: Iterable[Operation] = ()) -> Known:
    """Look tenants and servers up, tenants by any id that they have or had, each once: for one answer, not longer.

    :param operations: those of a page; the tenants of those that have not succeeded are looked up together.
    """
    open_ones = (operation for operation in operations if operation.status is not OperationStatus.SUCCEEDED)
    targets = (operation.target.partition("/") for operation in open_ones)
    together = services().lists.named(name for kind, _, name in targets if kind == "tenant")

    @cache
    def find(tenant_id: str) -> Tenant | None:
        return together.get(tenant_id) or services().tenants.find(TenantId(tenant_id))

    return Known(find, cache(services().servers.is_lost))


def name_the_holder(error: TenantryError, event: dict[str, Any]) -> TenantryError:
    """Name, in a refusal that is due to an operation, that operation and what can be called next.

    :param event: the request, whose path and body name the tenants that may be held.
    """
    if not isinstance(error, Conflict) or error.code not in _DUE_TO_AN_OPERATION:
        return error
    # A refusal stands, also where the registry can't be read a second time.
    with suppress(TenantryError):
        for tenant in _named(event):
            if told := _what_holds(tenant):
                given = [error.details] if isinstance(error.details, str) else []
                return Conflict(error.message, code=error.code, details=" ".join([*given, told]), hint=error.hint)
    return error


def _named(event: dict[str, Any]) -> Iterator[Tenant]:
    """Yield the tenants that a request names: in its path, and those that it makes or renames to."""
    found = _PATH.match(event["path"])
    names = [found[1]] if found else []
    with suppress(ValueError, TenantryError):
        fields = json.loads(body_of(event, administration_settings().max_body_bytes) or "{}")
        if isinstance(fields, dict):
            names += [fields[key] for key in ("into", "tenant_id") if isinstance(fields.get(key), str)]
    find = registered().find
    for name in dict.fromkeys(names):
        with suppress(BadRequest):
            if tenant := find(name):
                yield tenant


def _what_holds(tenant: Tenant) -> str:
    known = registered()
    holder, calls = _holder(tenant), settling_calls(tenant, known)
    if holder:
        calls = next_calls(holder, known)
        error = f", {holder.error}" if holder.error else ""
        return f"{holder.kind} {holder.operation_id} ({holder.status.value}{error}). {_written(calls)}"
    return _written(calls) if calls else ""


def _holder(tenant: Tenant) -> Operation | None:
    if tenant.status is TenantStatus.ERASING:
        return services().operations.unfinished(ERASE, f"tenant/{tenant.tenant_id}")
    return services().operations.get(tenant.relocation) if tenant.relocation else None


def _written(calls: list[NextCall]) -> str:
    told = [
        f"{call.call}{f' {json.dumps(call.body)}' if call.body else ''} ({call.meaning})" for call in calls if call.call
    ]
    return f"Next: {'; '.join(told)}." if told else ""

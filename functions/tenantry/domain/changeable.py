"""Decides whether a tenant may be changed now: the only place that refuses because another change is under way."""

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Tenant, TenantStatus

_MOVING = "tenant_moving"
_IN_PROGRESS = "operation_in_progress"


def require_kept(tenant: Tenant) -> None:
    """Require that the tenant is not being erased. :raises Conflict: it is."""
    if tenant.status is TenantStatus.ERASING:
        raise Conflict("The tenant is to be erased.", code="tenant_erasing", hint="Keep it first, while you can.")


def require_complete(tenant: Tenant) -> None:
    """Require that the tenant is active or suspended, even while another change is under way.

    :raises Conflict: the tenant is incomplete or being erased.
    """
    if tenant.status is TenantStatus.PROVISIONING:
        raise Conflict(
            "The tenant is not complete yet.", code="tenant_incomplete", hint="Repeat the call that makes it."
        )
    require_kept(tenant)


def require_in_use(tenant: Tenant) -> None:
    """Require that the tenant is active or suspended; the error's code names its status otherwise.

    :raises Conflict: `tenant_provisioning` or `tenant_erasing`.
    """
    if tenant.status not in {TenantStatus.ACTIVE, TenantStatus.SUSPENDED}:
        message = (
            "The tenant is to be erased." if tenant.status is TenantStatus.ERASING else "The tenant is being made."
        )
        raise Conflict(
            message,
            code=f"tenant_{tenant.status.value}",
            hint="Repeat the call that makes it, or keep it while that can be done.",
        )


def require_still(tenant: Tenant, hint: str = "Wait for its operation to end, or undo it.") -> None:
    """Require that no move, restore or rename is under way. :raises Conflict: one is."""
    if tenant.relocation:
        raise moving(hint)


def require_idle(tenant: Tenant, operation_id: str = "", hint: str = "Wait until that has ended.") -> None:
    """Require that no operation but the caller's own holds the tenant. :raises Conflict: another one does."""
    if tenant.relocation not in ("", operation_id):
        raise Conflict("The tenant is being moved, restored or renamed.", code=_IN_PROGRESS, hint=hint)


def require_settled(tenant: Tenant) -> None:
    """Require that the last move or restore is confirmed. :raises Conflict: it can still be undone."""
    if tenant.former_home:
        raise Conflict(
            "The tenant's last move or restore is neither confirmed nor undone.",
            code="move_unconfirmed",
            hint="Confirm or undo it first.",
        )


def moving(hint: str = "Wait for its operation to end, or undo it.") -> Conflict:
    """Make the error that refuses a change while a tenant is being moved or restored."""
    return Conflict("The tenant is being moved, restored or renamed.", code=_MOVING, hint=hint)

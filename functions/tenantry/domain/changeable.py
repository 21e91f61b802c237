"""Whether a tenant may be changed now: the one place that refuses because of what is being done to it."""

from tenantry.domain.errors import Conflict, TenantUnknown
from tenantry.domain.tenant import Tenant, TenantStatus

_MOVING = "tenant_moving"
_IN_PROGRESS = "operation_in_progress"


def require_known(tenant: Tenant | None) -> Tenant:
    """Return what the registry knows of a tenant that an operator named. :raises TenantUnknown: nothing."""
    if tenant is None:
        raise TenantUnknown("There is no such tenant.", hint="GET /admin/v1/tenants lists them.")
    return tenant


def require_kept(tenant: Tenant) -> None:
    """Require that it stays. :raises Conflict: it is to be erased."""
    if tenant.status is TenantStatus.ERASING:
        raise Conflict("The tenant is to be erased.", code="tenant_erasing", hint="Keep it first, while you can.")


def require_complete(tenant: Tenant) -> None:
    """Require that it is served or suspended, whatever else is done to it.

    :raises Conflict: it is not complete, or is to be erased.
    """
    if tenant.status is TenantStatus.PROVISIONING:
        raise Conflict(
            "The tenant is not complete yet.", code="tenant_incomplete", hint="Repeat the call that makes it."
        )
    require_kept(tenant)


def require_in_use(tenant: Tenant) -> None:
    """Require that it is served or suspended, and name its status in the code otherwise.

    :raises Conflict: `tenant_provisioning` or `tenant_erasing`.
    """
    if tenant.status not in {TenantStatus.ACTIVE, TenantStatus.SUSPENDED}:
        raise Conflict("The tenant is being made or erased.", code=f"tenant_{tenant.status.value}")


def require_still(tenant: Tenant, hint: str = "Wait for its operation to end, or undo it.") -> None:
    """Require that nothing takes it elsewhere at the moment. :raises Conflict: a move, a restore or a rename does."""
    if tenant.relocation:
        raise moving(hint)


def require_idle(tenant: Tenant, operation_id: str = "", hint: str = "Wait until that has ended.") -> None:
    """Require that no operation holds it but the caller's own. :raises Conflict: another does."""
    if tenant.relocation not in ("", operation_id):
        raise Conflict("The tenant is being moved, restored or renamed.", code=_IN_PROGRESS, hint=hint)


def require_settled(tenant: Tenant) -> None:
    """Require that its last move is confirmed. :raises Conflict: it can still be undone."""
    if tenant.former_home:
        raise Conflict(
            "The tenant's last move is neither confirmed nor undone.",
            code="move_unconfirmed",
            hint="Confirm or undo it first.",
        )


def moving(hint: str = "Wait for its operation to end, or undo it.") -> Conflict:
    """Make the refusal of whoever comes while a tenant is on its way."""
    return Conflict("The tenant is being moved, restored or renamed.", code=_MOVING, hint=hint)

"""When an operator may change what a tenant has."""

from tenantry.aws.registry import Registry
from tenantry.domain.errors import Conflict, TenantUnknown
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus


def changeable_tenant(registry: Registry, tenant_id: TenantId) -> Tenant:
    """Look up a tenant that is served or suspended, and that nothing else is done to.

    :raises TenantUnknown: there is no such tenant.
    :raises Conflict: it is not complete, is being moved, or to be erased.
    """
    tenant = registry.tenant(tenant_id)
    if tenant is None:
        raise TenantUnknown("There is no such tenant.", hint="GET /admin/v1/tenants lists them.")
    if tenant.status is TenantStatus.PROVISIONING:
        raise Conflict(
            "The tenant is not complete yet.", code="tenant_incomplete", hint="Repeat the call that makes it."
        )
    if tenant.status is TenantStatus.ERASING:
        raise Conflict("The tenant is to be erased.", code="tenant_erasing", hint="Keep it first, while you can.")
    if tenant.relocation:
        raise Conflict("The tenant is being moved.", code="operation_in_progress", hint="Wait until that has ended.")
    return tenant

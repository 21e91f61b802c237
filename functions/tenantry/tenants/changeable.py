"""Decides whether an operator may change a tenant now."""

from tenantry.aws.registry import Registry
from tenantry.domain.changeable import require_complete, require_idle
from tenantry.domain.tenant import Tenant, TenantId
from tenantry.tenants.retired_ids import known_tenant


def changeable_tenant(registry: Registry, tenant_id: TenantId) -> Tenant:
    """Look up a tenant that is served or suspended, and that no operation is working on.

    :raises TenantUnknown: there is no such tenant.
    :raises Conflict: the tenant is not complete, or is being moved or erased.
    """
    tenant = known_tenant(registry, tenant_id)
    require_complete(tenant)
    require_idle(tenant)
    return tenant

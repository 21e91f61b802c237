"""When an operator may change what a tenant has."""

from tenantry.aws.registry import Registry
from tenantry.domain.changeable import require_complete, require_idle, require_known
from tenantry.domain.tenant import Tenant, TenantId


def changeable_tenant(registry: Registry, tenant_id: TenantId) -> Tenant:
    """Look up a tenant that is served or suspended, and that nothing else is done to.

    :raises TenantUnknown: there is no such tenant.
    :raises Conflict: it is not complete, is being moved, or to be erased.
    """
    tenant = require_known(registry.tenant(tenant_id))
    require_complete(tenant)
    require_idle(tenant)
    return tenant

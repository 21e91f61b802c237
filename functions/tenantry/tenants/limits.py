"""Changes a tenant's limits while it is served: rate, connections, statement time; and its backup policy."""

from dataclasses import replace

from tenantry.aws.registry import Registry
from tenantry.domain.limits import LimitChange
from tenantry.domain.tenant import Tenant, TenantId
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.servers.servers import Servers
from tenantry.tenants.changeable import changeable_tenant
from tenantry.tenants.usage_plans import UsagePlans


class TenantLimits:
    """The limits of one stage's tenants."""

    def __init__(self, registry: Registry, servers: Servers, leases: Leases, usage_plans: UsagePlans) -> None:
        """Take the adapters."""
        self._registry = registry
        self._servers = servers
        self._leases = leases
        self._usage_plans = usage_plans

    def set(self, tenant_id: TenantId, change: LimitChange) -> Tenant:
        """Change the given limits and keep the rest; a repeated call is harmless, and finishes one that was cut off.

        Sessions that have been idle for a second are ended, so that the limits apply at once. Busy sessions keep their
        limits until they connect again. A tenant without a usage key gets one.

        :raises TenantUnknown: there is no such tenant.
        :raises Conflict: the tenant is not complete, is being moved or erased, or an operation is working on it.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = change.apply(changeable_tenant(self._registry, tenant_id))
            tenant = replace(tenant, usage_key=self._usage_plans.ensure(tenant_id, tenant.limits.plan))
            # The registry comes first: if this call is cut off, the drift report shows what it has left undone.
            self._registry.put_tenant(tenant)
            admin = self._servers.admin(tenant.server_id)
            admin.set_limits(tenant_id, tenant.limits)
            admin.end_idle_sessions(tenant_id)
        return tenant

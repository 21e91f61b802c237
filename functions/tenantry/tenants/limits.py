"""What a tenant may use, changed while it is served: rate, connections, time of a statement; and its backups."""

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
        """Change what is given and keep the rest; the same call may be repeated, and finishes one that was cut.

        Sessions that have been idle for a second are ended, so that they count at once; busy ones go on as they are
        until they connect anew. A tenant that has no usage key gets one.

        :raises TenantUnknown: there is no such tenant.
        :raises Conflict: it is not complete, is being moved or erased, or something else is done to it.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = change.apply(changeable_tenant(self._registry, tenant_id))
            tenant = replace(tenant, usage_key=self._usage_plans.ensure(tenant_id, tenant.limits.plan))
            # First what is wanted: the drift report sees what a call that is cut here has left undone.
            self._registry.put_tenant(tenant)
            admin = self._servers.admin(tenant.server_id)
            admin.set_limits(tenant_id, tenant.limits)
            admin.end_idle_sessions(tenant_id)
        return tenant

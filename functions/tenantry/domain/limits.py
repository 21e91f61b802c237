"""An operator's changes of a tenant's limits and backups; fields that are left out keep their value."""

from dataclasses import dataclass, replace

from tenantry.domain.quota import quota_of
from tenantry.domain.tenant import BackupFrequency, Limits, Tenant

# The usage plans of the stack, from the narrowest to the widest.
PLANS = ("free", "standard", "premium")


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A change of a tenant's limits; a field of None keeps the present value."""

    connections: int | None = None
    statement_timeout_ms: int | None = None
    plan: str | None = None
    backups: BackupFrequency | None = None
    max_bytes: int | None = None

    def limits(self, present: Limits) -> Limits:
        """Apply the change to a tenant's present limits."""
        return Limits(
            present.connections if self.connections is None else self.connections,
            present.statement_timeout_ms if self.statement_timeout_ms is None else self.statement_timeout_ms,
            present.plan if self.plan is None else self.plan,
            present.max_bytes if self.max_bytes is None else self.max_bytes,
        )

    def apply(self, tenant: Tenant) -> Tenant:
        """Apply the change to a tenant's entry in the registry."""
        limits = self.limits(tenant.limits)
        # With another quota it may write again, until QuotaWatch has looked whether that is enough.
        is_full = tenant.over_quota and quota_of(limits) == quota_of(tenant.limits)
        return replace(tenant, limits=limits, backups=self.backups or tenant.backups, over_quota=is_full)

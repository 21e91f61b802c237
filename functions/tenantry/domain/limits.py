"""An operator's changes of a tenant's limits and backups; fields that are left out keep their value."""

from dataclasses import dataclass, replace

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

    def limits(self, present: Limits) -> Limits:
        """Apply the change to a tenant's present limits."""
        return Limits(
            present.connections if self.connections is None else self.connections,
            present.statement_timeout_ms if self.statement_timeout_ms is None else self.statement_timeout_ms,
            present.plan if self.plan is None else self.plan,
        )

    def apply(self, tenant: Tenant) -> Tenant:
        """Apply the change to a tenant's entry in the registry."""
        return replace(tenant, limits=self.limits(tenant.limits), backups=self.backups or tenant.backups)

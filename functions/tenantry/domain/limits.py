"""What an operator may change of a tenant's limits and of its backups; what is left out stays as it is."""

from dataclasses import dataclass, replace

from tenantry.domain.tenant import BackupFrequency, Limits, Tenant

# The usage plans of the stack, from the narrowest to the widest.
PLANS = ("free", "standard", "premium")


@dataclass(frozen=True, slots=True)
class LimitChange:
    """New limits of a tenant; None leaves what it has."""

    connections: int | None = None
    statement_timeout_ms: int | None = None
    plan: str | None = None
    backups: BackupFrequency | None = None

    def limits(self, present: Limits) -> Limits:
        """Apply it to the limits that a tenant has."""
        return Limits(
            present.connections if self.connections is None else self.connections,
            present.statement_timeout_ms if self.statement_timeout_ms is None else self.statement_timeout_ms,
            present.plan if self.plan is None else self.plan,
        )

    def apply(self, tenant: Tenant) -> Tenant:
        """Apply it to what the registry knows of a tenant."""
        return replace(tenant, limits=self.limits(tenant.limits), backups=self.backups or tenant.backups)

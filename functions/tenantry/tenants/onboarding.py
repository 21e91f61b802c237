"""Completes a tenant whose home exists: a usage key, a schedule for its rotation, its first user."""

from collections.abc import Callable
from dataclasses import replace

from tenantry.access.rotation import rotation_schedule
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.tenant import Tenant
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory

# Takes a tenant and its first user's address; returns the tenant as the registry is to store it.
type Onboarding = Callable[[Tenant, str], Tenant]


class TenantOnboarding:
    """Completes a tenant; every part may be repeated."""

    def __init__(
        self, secrets: SecretStore, users: UserDirectory, usage_plans: UsagePlans, rotation_function_arn: str
    ) -> None:
        """Take the adapters; without a rotation function, no rotation is scheduled."""
        self._secrets = secrets
        self._users = users
        self._usage_plans = usage_plans
        self._rotation_function = rotation_function_arn

    def complete(self, tenant: Tenant, admin_email: str) -> Tenant:
        """Return the tenant with its usage key, for the registry to store; without an address it gets no user.

        :raises TenantryError: a service did not answer, or the address belongs to another tenant's user.
        """
        usage_key = self._usage_plans.ensure(tenant.tenant_id, tenant.limits.plan)
        if self._rotation_function:
            schedule = rotation_schedule(tenant.tenant_id)
            self._secrets.schedule_rotation(tenant.tenant_id, self._rotation_function, schedule)
        if admin_email:
            self._users.ensure_admin(tenant.tenant_id, admin_email)
        return replace(tenant, usage_key=usage_key)

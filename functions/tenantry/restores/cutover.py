"""Changes the registry and a tenant's secret in the course of a restore."""

from dataclasses import replace
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.logins import login_names
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import TenantUnknown
from tenantry.domain.home import credentials_at, home_of_facts, place_of
from tenantry.domain.operation import Operation, tenant_of
from tenantry.domain.passwords import new_password
from tenantry.domain.tenant import Home, Tenant, TenantId, TenantStatus, leave_behind
from tenantry.homes.gone import ignore_gone
from tenantry.restores.swap_own import Swap
from tenantry.servers.dump_logins import give_dump_logins
from tenantry.servers.servers import Servers
from tenantry.tenants.onboarding import Onboarding


class Cutover:
    """Directs a tenant to the home into which it was restored."""

    def __init__(self, registry: Registry, servers: Servers, secrets: SecretStore, onboarding: Onboarding) -> None:
        """Take the adapters; `onboarding` completes a new tenant."""
        self._registry = registry
        self._servers = servers
        self._secrets = secrets
        self._onboarding = onboarding

    def credentials(self, tenant_id: TenantId) -> Credentials:
        """Read the tenant's present credentials. :raises NotFound: it has no secret."""
        return self._secrets.read(tenant_id)

    def make_roles(self, tenant: Tenant, home: Home, *, is_marked: bool) -> None:
        """Make the tenant's roles and its login on the home's server, with its present password or a new one.

        :param is_marked: whether those that an earlier attempt made are marked.
        """
        server = self._servers.get(home.server_id)
        known = self._secrets.find(tenant.tenant_id)
        if known is None:
            login = login_names(tenant.tenant_id)[0]
            password = new_password()
            known = credentials_at(Credentials(server.host, server.port, "", login, password), home, server)
            self._secrets.write(tenant.tenant_id, known)
        admin = self._servers.admin(home.server_id)
        admin.close_maintenance_databases()
        is_listed = tenant.server_id == home.server_id and tenant.status is not TenantStatus.PROVISIONING
        admin.make_roles(
            tenant.tenant_id,
            known.username,
            known.password,
            tenant.limits.connections,
            is_listed=is_listed or not is_marked,
        )
        admin.set_limits(tenant.tenant_id, tenant.limits)
        give_dump_logins(admin.dump_logins, self._secrets, tenant.tenant_id, home.isolation)

    def renew_roles(self, operation: Operation, home: Home) -> None:
        """Let the tenant log in, with the password that it has now, where it has lived before."""
        self.make_roles(self._tenant(operation), home, is_marked=False)

    def drop_roles(self, tenant_id: TenantId, server_id: str) -> None:
        """Drop the tenant's own roles on a server where it does not live."""
        removal = self._servers.removal(server_id)
        removal.drop_roles(removal.find_roles(tenant_id))

    def switch(self, tenant_id: TenantId, home: Home, former: Home | None) -> None:
        """Point the tenant's secret at its new home, and close the former one if that is on another server."""
        present = self.credentials(tenant_id)
        arrived = credentials_at(present, home, self._servers.get(home.server_id))
        if place_of(present) == place_of(arrived):
            return
        if former and not self._servers.is_lost(former.server_id):
            with ignore_gone():
                self._servers.home(tenant_id, former).close()
        self._secrets.write(tenant_id, arrived)

    def leads_to(self, tenant_id: TenantId, home: Home) -> bool:
        """Tell whether the tenant's secret names a home, whose server is registered."""
        present, server = self._secrets.find(tenant_id), self._servers.find(home.server_id)
        return bool(present and server and place_of(present) == place_of(credentials_at(present, home, server)))

    def note(self, operation: Operation, home: Home, kept: Home | None, revision: str) -> None:
        """Record the tenant's home, its schema revision, and the home that keeps the former data."""
        tenant = self._tenant(operation)
        self._registry.put_tenant(
            replace(
                tenant,
                server_id=home.server_id,
                isolation=home.isolation,
                schema_revision=revision,
                former_home=kept,
            )
        )

    def release(self, operation: Operation) -> None:
        """Release a tenant whose restore has failed. A new tenant stays incomplete until the call is repeated."""
        tenant = self._registry.tenant(tenant_of(operation))
        if tenant and tenant.relocation == operation.operation_id and tenant.status is not TenantStatus.PROVISIONING:
            self._registry.put_tenant(replace(tenant, relocation=""))

    def hand_over(self, operation: Operation, successor: str) -> None:
        """Make another operation the tenant's holder."""
        tenant = self._tenant(operation)
        if tenant.relocation == operation.operation_id:
            self._registry.put_tenant(replace(tenant, relocation=successor))

    def leave_behind(self, operation: Operation, home: Home) -> None:
        """Write down that a database may still be there, so that an erasure looks for it."""
        self._registry.put_tenant(leave_behind(self._tenant(operation), home))

    def settle(self, operation: Operation, **change: Any) -> None:
        """Release the tenant; a new one becomes active."""
        tenant = replace(self._tenant(operation), relocation="", **change)
        if tenant.status is TenantStatus.PROVISIONING:
            tenant = replace(
                self._onboarding(tenant, operation.facts.get("admin_email", "")), status=TenantStatus.ACTIVE
            )
        self._registry.put_tenant(tenant)

    def _tenant(self, operation: Operation) -> Tenant:
        tenant = self._registry.tenant(tenant_of(operation))
        if tenant is None:
            raise TenantUnknown()
        return tenant


def kept_of(operation: Operation, swap: Swap) -> Home | None:
    """Find the home that keeps the former data: detached on this server, or the former home; None if there was none."""
    if swap.has_home:
        return swap.kept
    return former_of(operation)


def former_of(operation: Operation) -> Home | None:
    """Find the tenant's former home, if it is on another server than the restored one."""
    former = operation.facts.get("former")
    return home_of_facts(former) if former else None

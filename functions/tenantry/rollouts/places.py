"""Finds the home that an entry of the ledger stands for, as it is now: tenants are moved, renamed, erased meanwhile."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tenantry.aws.registry import Registry
from tenantry.database.admin_sql import AdminConnect
from tenantry.domain.changeable import require_complete, require_idle, require_settled
from tenantry.domain.tenant import POOL_DATABASE, Home, Isolation, Tenant, TenantId, TenantStatus
from tenantry.homes.factory import home_of
from tenantry.homes.home_admin import HomeAdmin
from tenantry.rollouts.rollout import POOL, Entry, Rules
from tenantry.rollouts.units import ADOPTED
from tenantry.servers.servers import Servers

type Snapshot = Mapping[str, Tenant]


class Skipped(Exception):
    """There is nothing to migrate any more; the text is the reason, which the ledger keeps."""


@dataclass(frozen=True, slots=True)
class Place:
    """A home that is to be migrated, as its administrator. `tenant` is None for tables that are shared."""

    admin: HomeAdmin
    connect: AdminConnect
    tenant: Tenant | None


class Places:
    """Finds homes, and writes down at which revision they are."""

    def __init__(self, registry: Registry, servers: Servers) -> None:
        """Take the adapters."""
        self._registry = registry
        self._servers = servers

    def all(self) -> Snapshot:
        """Read all tenants at once: for a first look at many homes. :raises DependencyFailed: it did not answer."""
        return {tenant.tenant_id.value: tenant for tenant in self._registry.tenants()}

    def find(self, entry: Entry, rules: Rules, snapshot: Snapshot | None = None) -> Place:
        """Find the home of an entry.

        :param snapshot: where to look first; a tenant that is not in it is looked up.
        :raises Skipped: there is none any more, or the rollout leaves it alone.
        :raises TenantryError: the registry did not answer; the server is not known.
        """
        if entry.is_pool:
            server_id = entry.unit.removeprefix(POOL)
            some = next(self.residents(server_id), None)
            if some is None:
                raise Skipped("nobody lives there any more")
            home = Home(server_id, Isolation.POOLED, POOL_DATABASE, "public")
            return self._place(some.tenant_id, home, None)
        tenant = self._tenant(TenantId(entry.unit), rules, snapshot or {})
        return self._place(tenant.tenant_id, home_of(tenant, None), tenant)

    def note(self, place: Place, revision: str) -> None:
        """Write down in the registry at which revision a home is. :raises DependencyFailed: it did not take it."""
        for tenant in [place.tenant] if place.tenant else self.residents(place.admin.home.server_id):
            if tenant.schema_revision != revision:
                self._registry.note_revision(tenant.tenant_id, revision)

    def owners(self, place: Place) -> list[TenantId]:
        """List whose data in a home is in use. :raises DependencyFailed: the registry did not answer."""
        residents = [place.tenant] if place.tenant else self.residents(place.admin.home.server_id)
        in_use = {TenantStatus.ACTIVE, TenantStatus.SUSPENDED}
        return [tenant.tenant_id for tenant in residents if tenant.status in in_use]

    def residents(self, server_id: str) -> Iterator[Tenant]:
        """Yield the tenants who live in a server's shared tables."""
        for tenant in self._registry.tenants():
            if tenant.isolation is Isolation.POOLED and tenant.server_id == server_id:
                yield tenant

    def _tenant(self, tenant_id: TenantId, rules: Rules, snapshot: Snapshot) -> Tenant:
        tenant = snapshot.get(tenant_id.value) or self._registry.tenant(tenant_id)
        if tenant is None:
            former = self._registry.former_id(tenant_id)
            raise Skipped(f"it was renamed to {former.successor}" if former else "it is gone")
        if tenant.status is TenantStatus.ERASING:
            raise Skipped("it is to be erased")
        if tenant.isolation is Isolation.POOLED:
            raise Skipped("it lives in shared tables now")
        if tenant.adopted_database and not rules.adopted:
            raise Skipped(ADOPTED)
        return tenant

    def _place(self, tenant_id: TenantId, home: Home, tenant: Tenant | None) -> Place:
        return Place(self._servers.home(tenant_id, home), self._servers.connector(home.server_id), tenant)


def require_free(place: Place) -> None:
    """Make sure that nothing else is done to a tenant now, nor could be undone; it was found under its lease.

    :raises Conflict: something is.
    """
    if place.tenant:
        require_complete(place.tenant)
        require_idle(place.tenant)
        require_settled(place.tenant)

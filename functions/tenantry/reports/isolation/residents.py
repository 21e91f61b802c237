"""Who lives on a server, by databases and roles."""

from collections.abc import Iterable
from dataclasses import dataclass

from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Isolation, Tenant


@dataclass(frozen=True, slots=True)
class LocatedTenant:
    """A tenant and where its secret says that it lives."""

    tenant: Tenant
    credentials: Credentials

    @property
    def name(self) -> str:
        """The tenant's id."""
        return self.tenant.tenant_id.value


class ServerTenants:
    """The tenants of one server, by their databases and roles."""

    def __init__(self, server_id: str, residents: Iterable[LocatedTenant], tenants: Iterable[Tenant]) -> None:
        """Take those whose secrets could be read, and all tenants: those that moved away may have roles here still."""
        self.server_id = server_id
        self.all = [resident for resident in residents if resident.tenant.server_id == server_id]
        self._ids = {tenant.tenant_id.value for tenant in tenants}
        self._pooled = {resident.name for resident in self.all if _is_pooled(resident.tenant)}
        self._by_login = {resident.credentials.username: resident.name for resident in self.all}
        # Logins of applications, which adoption has made members of their tenants' owners.
        self._applications = {r.tenant.adopted_user: r.name for r in self.all if r.tenant.adopted_user}

    def of(self, database: str) -> list[LocatedTenant]:
        """List who lives in a database."""
        return [resident for resident in self.all if resident.credentials.dbname == database]

    def owner_of(self, database: str) -> str:
        """Name the one tenant that lives in a database; empty: nobody, or several."""
        found = self.of(database)
        return found[0].name if len(found) == 1 else ""

    def maker_of(self, database: str, schema: str) -> str:
        """Name the tenant whose doing it is what is in a schema; empty: nobody's, or several tenants'."""
        here = self.of(database)
        found = here if len(here) == 1 else [one for one in here if one.credentials.schema == schema]
        return found[0].name if len(found) == 1 else ""

    def shares_tables(self, tenant: str) -> bool:
        """Whether a tenant lives in shared tables, or did so until a promotion that can be undone."""
        return tenant in self._pooled

    def holder_of(self, role: str) -> str:
        """Name the tenant that a role belongs to, if any. No tenant's id holds an underscore."""
        prefix, underscore, _ = role.partition("_")
        known = self.application_of(role) or self._by_login.get(role)
        return known or (prefix if underscore and prefix in self._ids else "")

    def application_of(self, role: str) -> str:
        """Name the tenant whose adopted database's application logs in as a role; empty: it is none."""
        return self._applications.get(role, "")

    def has_tables(self, tenant: str) -> bool:
        """Whether a tenant lives here in tables of its own."""
        return any(one.name == tenant and one.tenant.isolation is not Isolation.POOLED for one in self.all)

    def may_be_dumped_whole(self, tenant: str) -> bool:
        """Whether a tenant has a database of its own here, and has not left a shared one that it may return to."""
        return any(resident.name == tenant and _is_alone(resident.tenant) for resident in self.all)

    def was_adopted(self, tenant: str) -> bool:
        """Whether a tenant's database was somebody's before, who has left PUBLIC what every new database gives it."""
        return any(resident.name == tenant and resident.tenant.adopted_database for resident in self.all)


def _is_alone(tenant: Tenant) -> bool:
    return tenant.isolation is Isolation.DATABASE


def _is_pooled(tenant: Tenant) -> bool:
    former = tenant.former_home
    return tenant.isolation is Isolation.POOLED or bool(former and former.isolation is Isolation.POOLED)

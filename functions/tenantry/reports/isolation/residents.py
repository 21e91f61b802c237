"""Who lives on a server, by databases and roles."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Home, Isolation, Tenant


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

    def __init__(self, server_id: str, residents: Iterable[LocatedTenant], tenants: Collection[Tenant]) -> None:
        """Take those whose secrets could be read, and all tenants: those that moved away may have roles here still."""
        self.server_id = server_id
        self.all = [resident for resident in residents if resident.tenant.server_id == server_id]
        self._by_name = {resident.name: resident for resident in self.all}
        self._by_database = defaultdict[str, list[LocatedTenant]](list)
        for resident in self.all:
            self._by_database[resident.credentials.dbname].append(resident)
        self._ids = {tenant.tenant_id.value for tenant in tenants}
        # Also of those that may return here, or have left a home behind: their roles have rights there.
        self._left = {tenant.tenant_id.value: homes for tenant in tenants if (homes := self._left_here(tenant))}
        self._pooled = {resident.name for resident in self.all if resident.tenant.isolation is Isolation.POOLED}
        self._pooled |= {name for name, homes in self._left.items() if Isolation.POOLED in _models(homes)}
        self._by_login = {resident.credentials.username: resident.name for resident in self.all}
        # Logins of applications, which adoption has made members of their tenants' owners.
        self._applications = {
            tenant.adopted_user: tenant.tenant_id.value
            for tenant in tenants
            if tenant.adopted_user and (tenant.server_id == server_id or tenant.tenant_id.value in self._left)
        }

    def _left_here(self, tenant: Tenant) -> list[Home]:
        homes = [left.home for left in tenant.left_behind if left.tenant_id == tenant.tenant_id]
        former = [tenant.former_home] if tenant.former_home else []
        return [home for home in [*former, *homes] if home.server_id == self.server_id]

    def schemas_in(self, database: str) -> dict[str, set[str]]:
        """Map each tenant that lives in a database, or has lived there, to its schemas there."""
        found = {resident.name: {resident.credentials.schema} for resident in self.of(database)}
        for name, homes in self._left.items():
            for home in homes:
                if home.database == database:
                    found.setdefault(name, set()).add(home.schema)
        return found

    def of(self, database: str) -> list[LocatedTenant]:
        """List who lives in a database."""
        return self._by_database.get(database, [])

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
        """Whether a tenant lives here in tables of its own, or has left some here."""
        here = self._by_name.get(tenant)
        lives = {here.tenant.isolation} if here else set[Isolation]()
        return bool((lives | _models(self._left.get(tenant, []))) - {Isolation.POOLED})

    def may_be_dumped_whole(self, tenant: str) -> bool:
        """Whether a tenant lives in a database of its own here, or has left one here and nothing that is shared."""
        here = self._by_name.get(tenant)
        if here:
            return _is_alone(here.tenant)
        return _models(self._left.get(tenant, [])) == {Isolation.DATABASE}

    def was_adopted(self, tenant: str) -> bool:
        """Whether a tenant's database was somebody's before, who has left PUBLIC what every new database gives it."""
        here = self._by_name.get(tenant)
        return bool(here and here.tenant.adopted_database)


def _is_alone(tenant: Tenant) -> bool:
    return tenant.isolation is Isolation.DATABASE


def _models(homes: Iterable[Home]) -> set[Isolation]:
    return {home.isolation for home in homes}

"""What the steps of a relocation share: where the tenant lives, and actions on either of its two homes."""

from dataclasses import replace
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.contents.home_copier import HomeCopier
from tenantry.contents.residents import Resident
from tenantry.database.marks import ignore_name_taken
from tenantry.domain.credentials import Credentials
from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.errors import Conflict, TenantUnknown
from tenantry.domain.home import credentials_at, is_same_place, place_of
from tenantry.domain.operation import MARKED, Operation, tenant_of
from tenantry.domain.relocation import journey_of
from tenantry.domain.tenant import Home, Isolation, Tenant, leave_behind
from tenantry.homes.copy_login import drop_copy_login
from tenantry.homes.database_options import read_options, require_locale
from tenantry.homes.factory import home_of
from tenantry.homes.gone import ignore_gone, is_there
from tenantry.homes.home_admin import HomeAdmin
from tenantry.homes.swapping import readmit
from tenantry.homes.ties import require_untied
from tenantry.servers.dump_logins import give_dump_logins
from tenantry.servers.servers import Servers

type Place = tuple[str, int, str, str, Isolation]


def home_in_use() -> Conflict:
    """Make the error for a home that was to be dropped, and that the tenant's secret names."""
    return Conflict(
        "The tenant lives in that home.",
        code="home_in_use",
        hint="Nothing was dropped. Compare the tenant's secret with GET /admin/v1/tenants, and mend it.",
    )


def own_options(servers: Servers, source: Home, target: Home) -> DatabaseOptions | None:
    """Say how a database of a tenant's own is made for what lies in another home; None: no database is made.

    :raises TenantryError: the source's server refused, or the database is gone.
    """
    if target.isolation is not Isolation.DATABASE:
        return None
    return read_options(servers.connector(source.server_id), source.database)


def require_options(servers: Servers, source: Home, target: Home) -> None:
    """Make sure that the target's server can make such a database; nothing is changed.

    :raises Conflict: it lacks the locale (`locale_unavailable`).
    :raises TenantryError: a server refused.
    """
    if options := own_options(servers, source, target):
        require_locale(servers.connector(target.server_id), options)


class Residence:
    """A tenant under relocation. Its secret tells in which of the two homes it lives."""

    def __init__(self, registry: Registry, servers: Servers, secrets: SecretStore, copier: HomeCopier) -> None:
        """Take the adapters."""
        self.registry = registry
        self.servers = servers
        self.secrets = secrets
        self.copier = copier

    def is_under_way(self, operation: Operation) -> bool:
        """Whether this operation still holds the tenant."""
        tenant = self.registry.tenant(tenant_of(operation))
        return tenant is not None and tenant.relocation == operation.operation_id

    def has_arrived(self, operation: Operation) -> bool:
        """Whether the tenant's secret names the target, so that the switch is done.

        :raises Conflict: the secret names neither the source nor the target; nothing is touched then.
        """
        journey, present = journey_of(operation.facts), self.secrets.find(tenant_of(operation))
        if present is None:
            # The registry is written just after the secret, and is what tells where the tenant lives without one.
            tenant = self.tenant(operation)
            return home_of(tenant, None) == journey.target and tenant.former_home == journey.source
        source, target = (self._place(home, present) for home in (journey.source, journey.target))
        if place_of(present) not in (source, target):
            raise Conflict(
                "The tenant's secret names neither of the two places.",
                code="place_unclear",
                hint="Register the server once more with the address that is in the secret, or mend the secret.",
            )
        return place_of(present) == target

    def _place(self, home: Home, present: Credentials) -> Place | None:
        """Say where credentials for a home lead; None if its server is not registered any more."""
        server = self.registry.server(home.server_id)
        return place_of(credentials_at(present, home, server)) if server else None

    def reopen(self, operation: Operation) -> None:
        """Let the tenant write again in the home that it has not left, as far as that is still there."""
        home = journey_of(operation.facts).source
        if self.servers.is_lost(home.server_id):
            return
        with ignore_gone():
            self.source(operation).open()
            self.source(operation).unfence()

    def is_source_gone(self, operation: Operation) -> bool:
        """Whether the home that the tenant has not left is lost: then the other one may have the only copy."""
        home = journey_of(operation.facts).source
        return self.servers.is_lost(home.server_id) or not is_there(self.servers.connector(home.server_id), home)

    def is_one_place(self, operation: Operation) -> bool:
        """Whether both homes are one, because two ids lead to one server: then there is nothing to copy or to drop."""
        journey = journey_of(operation.facts)
        servers = (journey.source.server_id, journey.target.server_id)
        if any(map(self.servers.is_lost, servers)) or not is_same_place(journey.source, journey.target):
            return False
        return self.servers.are_one(*servers)

    def source(self, operation: Operation) -> HomeAdmin:
        """Administer the home that the tenant leaves."""
        return self.servers.home(tenant_of(operation), journey_of(operation.facts).source)

    def target(self, operation: Operation) -> HomeAdmin:
        """Administer the home that the tenant moves to."""
        return self.servers.home(tenant_of(operation), journey_of(operation.facts).target)

    def present(self, operation: Operation) -> HomeAdmin:
        """Administer the home that the tenant lives in."""
        tenant = self.tenant(operation)
        return self.servers.home(tenant.tenant_id, home_of(tenant, self.secrets.find(tenant.tenant_id)))

    def options(self, operation: Operation) -> DatabaseOptions | None:
        """Say how the target is made, where it is a database of the tenant's own: as the one that the tenant leaves."""
        journey = journey_of(operation.facts)
        return own_options(self.servers, journey.source, journey.target)

    def tenant(self, operation: Operation) -> Tenant:
        """Find the tenant that this operation holds.

        :raises TenantUnknown, Conflict: the tenant is gone, or this operation has ended.
        """
        tenant = self.registry.tenant(tenant_of(operation))
        if tenant is None:
            raise TenantUnknown()
        if tenant.relocation != operation.operation_id:
            raise Conflict(
                "The tenant is not moved by this operation any more.",
                code="operation_over",
                hint="GET /admin/v1/tenants/{tenant_id} names the operation that holds it, if one does.",
            )
        return tenant

    def make_roles(self, operation: Operation, server_id: str) -> None:
        """Make the tenant's roles and its login on a server, with its present password and its limits."""
        tenant = self.tenant(operation)
        present, admin = self.secrets.read(tenant.tenant_id), self.servers.admin(server_id)
        homes = {tenant.server_id, tenant.former_home.server_id if tenant.former_home else tenant.server_id}
        admin.make_roles(
            tenant.tenant_id,
            present.username,
            present.password,
            tenant.limits.connections,
            is_listed=server_id in homes or MARKED not in operation.facts,
        )
        admin.set_limits(tenant.tenant_id, tenant.limits)

    def give_dump_logins(self, operation: Operation, isolation: Isolation, *, is_leaving: bool = False) -> None:
        """Make the tenant's logins for backups on the target's server, for a home of that isolation model.

        :param is_leaving: of shared tables, where nothing reads more than the tenant itself until it has left.
        :raises Conflict: a role of such a name is not the tenant's (`name_taken`).
        """
        admin = self.servers.admin(journey_of(operation.facts).target.server_id)
        give_dump_logins(admin.dump_logins, self.secrets, tenant_of(operation), isolation, is_leaving=is_leaving)

    def drop_home(self, operation: Operation, home: Home, *, with_roles: bool) -> None:
        """Drop a home in which the tenant does not live, and its roles if nothing else of it is on that server.

        Nothing is dropped where both ids lead to one server, so that this home is the one that the tenant lives in.

        :raises Conflict: the tenant lives there, or something is tied to it (`tied_to_database`).
        """
        tenant_id = tenant_of(operation)
        tenant = self.registry.tenant(tenant_id)
        if tenant is None or (present := home_of(tenant, self.secrets.find(tenant_id))) == home:
            raise home_in_use()
        if self.servers.is_lost(home.server_id):
            self.leave_behind(operation, home)
            return
        # A server that is lost can't be asked; callers have seen to it that what it had is to go.
        is_one = not self.servers.is_lost(present.server_id) and self.servers.are_one(home.server_id, present.server_id)
        if is_one and is_same_place(home, present):
            return
        # What is not the tenant's was in the way, and is left as it is.
        with ignore_name_taken():
            drop_copy_login(self.servers.connector(home.server_id), tenant_id, home.database)
        require_untied(self.servers.connector(home.server_id), tenant_id, home)
        with ignore_name_taken():
            self.servers.home(tenant_id, home).drop()
        if with_roles and not is_one:
            removal = self.servers.removal(home.server_id)
            removal.drop_roles(removal.find_roles(tenant_id))

    def admit(self, operation: Operation, home: Home) -> None:
        """Let us into the tenant's present home, and its login too, whatever its owner or its application has limited.

        :raises TenantryError: the server refused.
        """
        tenant = self.tenant(operation)
        readmit(self.servers.connector(home.server_id), tenant.tenant_id, home)
        self.servers.admin(home.server_id).set_limits(tenant.tenant_id, tenant.limits)

    def leave_behind(self, operation: Operation, home: Home) -> None:
        """Write down that a home may still be there, so that an erasure looks for it."""
        self.registry.put_tenant(leave_behind(self.tenant(operation), home))

    def residents(self, operation: Operation) -> tuple[Resident, Resident]:
        """Return the tenant in its source and in its target home."""
        tenant_id, journey = tenant_of(operation), journey_of(operation.facts)
        present = self.secrets.read(tenant_id)
        return Resident(tenant_id, journey.source, present), Resident(tenant_id, journey.target, present)

    def hand_over(self, operation: Operation, successor: str) -> None:
        """Make another operation the tenant's holder."""
        self.registry.put_tenant(replace(self.tenant(operation), relocation=successor))

    def release(self, operation: Operation, **change: Any) -> None:
        """Release the tenant, with these changes to its entry; a tenant that is already free stays as it is."""
        if self.is_under_way(operation):
            self.registry.put_tenant(replace(self.tenant(operation), relocation="", **change))

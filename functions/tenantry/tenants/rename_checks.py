"""Checks whether a tenant can get a new id; changes nothing."""

from dataclasses import dataclass, replace

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.contents.access import Access
from tenantry.contents.schema_names import require_schema_unnamed
from tenantry.database.connecting import ConnectSettings
from tenantry.database.logins import login_names
from tenantry.domain.changeable import require_complete, require_idle, require_settled
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId, owner_role
from tenantry.homes.factory import home_of
from tenantry.homes.ties import PREPARED, require_untied
from tenantry.servers.role_renaming import TenantRenaming
from tenantry.servers.servers import Servers
from tenantry.tenants.home_checks import require_home
from tenantry.tenants.retired_ids import known_tenant, require_not_retired

_CONNECT = ConnectSettings(application_name="tenantry-rename", administers=True)


@dataclass(frozen=True, slots=True)
class Renaming:
    """What a rename changes: the credentials, and the home before and after."""

    tenant_id: TenantId
    new_id: TenantId
    credentials: Credentials
    before: Home
    after: Home

    def renamed_credentials(self) -> Credentials:
        """Return the credentials with the login and the home's new names."""
        login = login_names(self.tenant_id).index(self.credentials.username)
        return replace(
            self.credentials,
            username=login_names(self.new_id)[login],
            dbname=self.after.database,
            schema=self.after.schema,
        )


def read_renaming(tenant: Tenant, old: TenantId, new: TenantId, secrets: SecretStore) -> Renaming:
    """Read what a tenant has under its old id, and work out what it will have.

    :param tenant: the tenant's entry in the registry, under either id.
    :raises Conflict: the tenant's secret is missing, or was not made by us.
    """
    credentials = secrets.find(old)
    if credentials is None:
        raise Conflict(
            "The tenant has no credentials.", code="credentials_missing", hint="Repeat the call that makes it."
        )
    if credentials.username not in login_names(old):
        raise Conflict(
            "The secret's login is not one of the tenant's two.",
            code="login_unknown",
            hint="Repeat the call that makes the tenant, which writes its secret anew.",
        )
    before = home_of(tenant, credentials)
    return Renaming(old, new, credentials, before, _renamed_home(tenant, before, old, new))


def check_renaming(
    old: TenantId,
    new: TenantId,
    operation_id: str,
    *,
    registry: Registry,
    secrets: SecretStore,
    servers: Servers,
) -> Tenant:
    """Make sure that a tenant can get a new id.

    :param operation_id: the operation whose reservations are no obstacle; empty if none has begun.
    :returns: the tenant's entry in the registry.
    :raises NotFound: there is no such tenant.
    :raises Conflict: the tenant can't be renamed now, the new name is taken, or functions spell the schema's name
        (`schema_named`).
    """
    tenant = known_tenant(registry, old)
    _require_renamable(tenant, operation_id)
    taken = registry.tenant(new)
    if taken and not (operation_id and taken.relocation == operation_id):
        raise Conflict("There is such a tenant already.", code="tenant_exists", hint="Choose another tenant id.")
    if new not in tenant.former_ids:
        require_not_retired(registry, new)
    if secrets.exists(new):
        raise Conflict(
            "There is a secret of that name already.", code="secret_exists", hint="Choose another tenant id."
        )
    renaming = read_renaming(tenant, old, new, secrets)
    if not operation_id and renaming.before.isolation is not Isolation.POOLED:
        require_home(servers, renaming.before)
    # A subscription and a slot stay where they are, in a database of another name.
    require_untied(servers.connector(tenant.server_id), old, renaming.before, PREPARED)
    if renaming.before.schema != renaming.after.schema:
        _require_schema_unnamed(renaming)
    names = TenantRenaming(servers.connector(tenant.server_id)).find_taken(new, renaming.before)
    if names:
        raise Conflict(
            "The tenant's server has something of that name already.",
            code="name_taken",
            details=", ".join(names),
            hint="Choose another tenant id.",
        )
    return tenant


def _require_schema_unnamed(renaming: Renaming) -> None:
    access = Access(renaming.before, renaming.credentials, owner_role(renaming.tenant_id))
    require_schema_unnamed(access, _CONNECT)


def _require_renamable(tenant: Tenant, operation_id: str) -> None:
    require_complete(tenant)
    require_settled(tenant)
    require_idle(tenant, operation_id, hint="GET /admin/v1/operations shows how far it is.")


def _renamed_home(tenant: Tenant, home: Home, old: TenantId, new: TenantId) -> Home:
    """Name the home after the new id, if it has the old id's name; an adopted database keeps its name."""
    if home.isolation is Isolation.DATABASE and home.database == old.value and not tenant.adopted_database:
        return replace(home, database=new.value)
    if home.isolation is Isolation.SCHEMA and home.schema == old.value:
        return replace(home, schema=new.value)
    return home

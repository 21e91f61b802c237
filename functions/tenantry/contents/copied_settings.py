"""Sets a copied database to what the original is set to, which no dump has."""

from tenantry.contents.residents import Resident
from tenantry.database.admin_sql import role_names
from tenantry.database.identity import IDENTITY_SETTING
from tenantry.database.logins import login_names
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.servers.database_notes import read_notes, write_notes
from tenantry.servers.database_settings import needs_contents, quoted, set_as_owner, settings_for_all
from tenantry.servers.role_settings import RoleSetting, read_role_settings, renamed, write_role_settings
from tenantry.servers.servers import Servers

# What logins are set to by a fence and, where tenants share a database, so that they find the tenant's own.
_OURS = frozenset({IDENTITY_SETTING, "default_transaction_read_only"})
_OURS_IF_SHARED = frozenset({"search_path", "idle_in_transaction_session_timeout"})


def bring_settings(servers: Servers, source: Resident, target: Resident) -> None:
    """Set a database of the tenant's own to what the other is set to, before anything is computed there.

    :raises TenantryError: a server could not be reached.
    """
    here, there = (servers.connector(r.home.server_id) for r in (source, target))
    database, owner = target.home.database, owner_role(target.tenant_id)
    if (source.home.isolation, target.home.isolation) == (Isolation.SCHEMA, Isolation.DATABASE):
        # As its logins find its tables in the shared database.
        set_as_owner(there, database, owner, [("search_path", quoted(target.home.schema))])
    if {source.home.isolation, target.home.isolation} == {Isolation.DATABASE}:
        found = settings_for_all(here, source.home.database)
        set_as_owner(there, database, owner, [setting for setting in found if not needs_contents(setting)])
        write_notes(there, database, owner, read_notes(here, source.home.database))


def bring_late_settings(servers: Servers, source: Resident, target: Resident) -> None:
    """Set a database of the tenant's own to what names things in it, now that they are there.

    :raises TenantryError: a server could not be reached.
    """
    if {source.home.isolation, target.home.isolation} == {Isolation.DATABASE}:
        here, there = (servers.connector(r.home.server_id) for r in (source, target))
        late = filter(needs_contents, settings_for_all(here, source.home.database))
        set_as_owner(there, target.home.database, owner_role(target.tenant_id), late)
    bring_role_settings(servers, source, target)


def bring_role_settings(servers: Servers, source: Resident, target: Resident) -> None:
    """Let the tenant's roles be set there to what they are set to here, apart from what we set ourselves.

    :raises TenantryError: a server could not be reached.
    """
    if Isolation.POOLED in {source.home.isolation, target.home.isolation}:
        return
    names = dict(zip(_roles(source.tenant_id), _roles(target.tenant_id), strict=True))
    is_shared = Isolation.SCHEMA in {source.home.isolation, target.home.isolation}
    ours = _OURS | _OURS_IF_SHARED if is_shared else _OURS

    def read(resident: Resident) -> list[RoleSetting]:
        connect, logins = servers.connector(resident.home.server_id), login_names(resident.tenant_id)
        found = read_role_settings(connect, resident.home.database, _roles(resident.tenant_id))
        return [(role, name, value) for role, name, value in found if role not in logins or name not in ours]

    write_role_settings(
        servers.connector(target.home.server_id), target.home.database, renamed(read(source), names), read(target)
    )


def _roles(tenant_id: TenantId) -> list[str]:
    return [*login_names(tenant_id), *role_names(tenant_id).values()]

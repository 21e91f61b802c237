"""Sets a copied database to what the original is set to, which no dump has."""

from tenantry.contents.residents import Resident
from tenantry.domain.tenant import Isolation, owner_role
from tenantry.servers.database_notes import read_notes, write_notes
from tenantry.servers.database_settings import needs_contents, quoted, set_as_owner, settings_for_all
from tenantry.servers.servers import Servers


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

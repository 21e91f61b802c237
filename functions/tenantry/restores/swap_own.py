"""Where a restore ends: how a home of the tenant's own gives its place to what was restored beside it.

Shared tables do it row by row: `swap_pooled.py`.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from psycopg2 import sql

from tenantry.contents.digest import Access, ContentReader
from tenantry.contents.schema_copy import copy_schema
from tenantry.contents.surroundings_writer import write_surroundings
from tenantry.database.admin_sql import AdminConnect, role_identifiers, role_names, run
from tenantry.database.client_environment import CopyTools
from tenantry.database.logins import login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup import Manifest
from tenantry.domain.errors import RestoreFailed
from tenantry.domain.rights import is_global
from tenantry.domain.tenant import Home, TenantId, owner_role
from tenantry.homes import swapping
from tenantry.homes.shared_database import SharedDatabase
from tenantry.restores.scratch import ScratchRestorer
from tenantry.servers.database_settings import copy_database_settings, copy_default_privileges, set_as_owner
from tenantry.servers.servers import Servers


class Swap(NamedTuple):
    """Whose home is swapped: the home, the name of what takes its place, and where what is there is kept.

    `has_home` says whether there is a home at all: a new tenant's is not, and a lost one's may not be. `tables` are the
    only ones of shared tables whose rows are exchanged, as the backup's manifest names them; none: all.
    """

    tenant_id: TenantId
    home: Home
    staging: str
    kept: Home
    has_home: bool
    tables: tuple[str, ...] = ()


class SwapStrategy(Protocol):
    """Takes what was restored into a scratch database to where its tenant lives.

    Every method may be repeated, after a crash at any point too. All raise TenantryError where a server refuses.
    """

    def prepare(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:
        """Make ready beside what is there, whose users go on; `source` is in the scratch database. Returns facts."""

    def keep(self, swap: Swap) -> None:
        """Copy what is there to where it is kept, if renaming it is not enough; the tenant only reads from now on."""

    def is_swapped(self, swap: Swap) -> bool:
        """Whether `swap` has come to its end before."""

    def swap(self, swap: Swap, source: Home) -> None:
        """Let nobody in, and put the one in the place of the other, which is kept."""

    def finish(self, swap: Swap) -> None:
        """Let the tenant in, who finds its own."""

    def take_back(self, swap: Swap) -> None:
        """Let the tenant at what is there again, and drop what was made for the swap."""


class DatabaseSwap:
    """A database of the tenant's own: the scratch database becomes it."""

    def __init__(self, servers: Servers) -> None:
        """Take the servers."""
        self._servers = servers

    def prepare(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:
        """Give it the settings and rights of the one that is there, or the settings that there were."""
        if not keep_rights:
            self._servers.home(swap.tenant_id, replace(swap.home, database=source.database)).grant()
        connect = self._connect(swap)
        if not swap.has_home:
            wanted = [(fact.name, fact.value) for fact in manifest.settings if not fact.role]
            return {"settings": set_as_owner(connect, source.database, owner_role(swap.tenant_id), wanted)}
        # What was in the dump ran as the owner of both.
        swapping.readmit(connect, swap.tenant_id, swap.home)
        if manifest.rights is None:
            # A backup from before rights were read knows no others' than the tenant's own.
            own = [*role_names(swap.tenant_id).values(), *login_names(swap.tenant_id)]
            copy_default_privileges(connect, swap.home.database, source.database, own)
        return {"settings": copy_database_settings(connect, swap.home.database, source.database)}

    def keep(self, swap: Swap) -> None:
        """Do nothing: renaming is enough."""

    def is_swapped(self, swap: Swap) -> bool:
        """Whether the names are as they are after both renames, which are one transaction."""
        end = swap.kept if swap.has_home else swap.home
        return swapping.has_database(self._connect(swap), end.database)

    def swap(self, swap: Swap, source: Home) -> None:
        """Rename both."""
        connect = self._connect(swap)
        if swap.has_home:
            # What was pooled in vain goes first: the last that anybody is refused is the renaming.
            self._servers.home(swap.tenant_id, swap.home).close()
        swapping.shut(connect, swap.home.database)
        swapping.shut(connect, source.database)
        swapping.swap_databases(connect, swap.tenant_id, swap.home.database, source.database, swap.kept.database)

    def finish(self, swap: Swap) -> None:
        """Let connections in."""
        swapping.unshut(self._connect(swap), swap.home.database)
        self._servers.home(swap.tenant_id, swap.home).open()

    def take_back(self, swap: Swap) -> None:
        """Let connections in again, where the tenant is; nothing but the scratch database was made."""
        if swap.has_home:
            self.finish(swap)

    def _connect(self, swap: Swap) -> AdminConnect:
        return self._servers.connector(swap.home.server_id)


class SchemaSwap:
    """A schema of a shared database: carried there from the scratch database under another name, and renamed."""

    def __init__(
        self, servers: Servers, scratches: ScratchRestorer, tools: CopyTools, deadline: Callable[[], float]
    ) -> None:
        """Take the adapters, and the moment (of `time.monotonic()`) at which a copy has to have ended."""
        self._servers = servers
        self._scratches = scratches
        self._tools = tools
        self._deadline = deadline

    def prepare(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:
        """Copy the schema beside the tenant's own, and see that the copy is one."""
        connect, database, owner = self._connect(swap), swap.home.database, owner_role(swap.tenant_id)
        SharedDatabase(connect, database).ensure()
        swapping.make_schema(connect, database, swap.staging, owner)
        # It is carried under the name that it has beside the tenant's own.
        swapping.rename_schema(connect, source.database, owner, source.schema, swap.staging)
        with self._scratches.access(swap.tenant_id, replace(source, schema=swap.staging), database) as access:
            there = replace(swap.home, schema=swap.staging)
            credentials = replace(access.credentials, dbname=database)
            self._carry(swap, access, Access(there, credentials, access.role))
        if keep_rights and manifest.rights is None:
            # Those to what is in it came with it; a dump says nothing of the schema itself.
            grant = load_sql("restores/grant_restored_schema").format(
                schema=sql.Identifier(swap.staging), **role_identifiers(swap.tenant_id)
            )
            run(connect, database, grant)
        elif not keep_rights:
            self._servers.home(swap.tenant_id, replace(swap.home, schema=swap.staging)).grant()
        return {}

    def keep(self, swap: Swap) -> None:
        """Do nothing: renaming is enough."""

    def is_swapped(self, swap: Swap) -> bool:
        """Whether the names are as they are after both renames, which are one transaction."""
        end = swap.kept if swap.has_home else swap.home
        return swapping.has_schema(self._connect(swap), swap.home.database, end.schema)

    def swap(self, swap: Swap, source: Home) -> None:  # noqa: ARG002 - it was carried beside
        """Rename both."""
        home = swap.home
        if swap.has_home:
            self._servers.home(swap.tenant_id, home).close()
        swapping.swap_schemas(self._connect(swap), home.database, home.schema, swap.staging, swap.kept.schema)

    def finish(self, swap: Swap) -> None:
        """Let the tenant's logins in, who find its schema first."""
        connect, home = self._connect(swap), swap.home
        shared = SharedDatabase(connect, home.database)
        with closing(connect("postgres")) as connection, connection.cursor() as cursor:
            shared.identify(cursor, swap.tenant_id, home.schema)
        shared.open(swap.tenant_id)

    def take_back(self, swap: Swap) -> None:
        """Let the tenant in again, where it is, and drop what was carried beside."""
        if swapping.has_database(self._connect(swap), swap.home.database):
            swapping.drop_schema(self._connect(swap), swap.home.database, swap.staging)
        if swap.has_home:
            self._servers.home(swap.tenant_id, swap.home).open()

    def _carry(self, swap: Swap, source: Access, target: Access) -> None:
        settings = self._scratches.settings()
        with ContentReader(source, settings) as reader:
            copy_schema(source, target, reader.export(), self._tools, deadline=self._deadline())
            write_surroundings(target, reader.surroundings(), settings, whole=False)
            restored, wanted = reader.content(), reader.defined().fingerprint
        with ContentReader(target, settings) as reader:
            differences = restored.differences(reader.content())
            differences += wanted.differences(reader.defined().fingerprint, target.home.schema)
        differences = differences or self._carry_rights(swap, source.home, target.home)
        if differences:
            raise RestoreFailed(code="restore_differs", details=", ".join(differences))

    def _carry_rights(self, swap: Swap, source: Home, target: Home) -> list[str]:
        """Give everybody the rights that were restored; returns what has others all the same."""
        there, here = (self._scratches.rights_writer(swap.tenant_id, home) for home in (source, target))
        rights, present = there.read(), here.read()
        if swap.has_home:
            # What the tenant's roles make in whatever schema concerns the one that is there, too.
            rights = {t: r for t, r in rights.items() if not is_global(t)}
            rights |= {t: r for t, r in present.items() if is_global(t)}
        return here.write(rights, strangers=True)

    def _connect(self, swap: Swap) -> AdminConnect:
        return self._servers.connector(swap.home.server_id)

"""Where the restore of a tenant's schema ends: it is carried into the shared database under its own name.

Functions name tables, and a schema cannot change its name in their text. So what is there is renamed, and gives its
name to what comes, which is complete before anybody is let in. Whoever undoes a restore renames both.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from psycopg2 import sql

from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.contents.schema_copy import copy_schema
from tenantry.contents.schema_names import require_schema_unnamed
from tenantry.contents.surroundings_writer import write_surroundings
from tenantry.contents.whole_reader import reading_whole
from tenantry.database.admin_sql import AdminConnect, role_identifiers, run
from tenantry.database.client_environment import CopyTools
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup import Manifest
from tenantry.domain.content import Counting
from tenantry.domain.errors import RestoreFailed
from tenantry.domain.rights import is_global
from tenantry.domain.tenant import Home, TenantId, owner_role
from tenantry.homes import swapping
from tenantry.homes.shared_database import SharedDatabase
from tenantry.restores.scratch import ScratchRestorer
from tenantry.restores.swap_own import Swap
from tenantry.servers.servers import Servers


class SchemaExchange:
    """Two schemas of the same tenant in one shared database exchange names: both were called so when they were made."""

    def __init__(self, servers: Servers) -> None:
        """Take the servers."""
        self._servers = servers

    def prepare(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:  # noqa: ARG002
        """Do nothing: both are there."""
        return {}

    def keep(self, swap: Swap) -> None:
        """Do nothing: renaming is enough."""

    def carry(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:  # noqa: ARG002
        """Do nothing: both are there."""
        return {}

    def is_swapped(self, swap: Swap) -> bool:
        """Whether the names are as they are after both renames, which are one transaction."""
        end = swap.kept if swap.has_home else swap.home
        return swapping.has_schema(self._connect(swap), swap.home.database, end.schema)

    def swap(self, swap: Swap, source: Home) -> None:  # noqa: ARG002 - both are there
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
        """Let the tenant in again, where it is."""
        if swap.has_home:
            self._servers.home(swap.tenant_id, swap.home).open()

    def _connect(self, swap: Swap) -> AdminConnect:
        return self._servers.connector(swap.home.server_id)


class SchemaSwap(SchemaExchange):
    """A schema comes out of a scratch database, under the name that it has in both, while nobody is let in."""

    def __init__(
        self,
        servers: Servers,
        scratches: ScratchRestorer,
        tools: CopyTools,
        deadline: Callable[[], float],
        read_dump_password: Callable[[TenantId], str | None],
    ) -> None:
        """Take the adapters, and the moment (of `time.monotonic()`) at which a copy has to have ended."""
        super().__init__(servers)
        self._read_dump_password = read_dump_password
        self._scratches = scratches
        self._tools = tools
        self._deadline = deadline

    def prepare(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:  # noqa: ARG002
        """Let the scratch schema have the name that it will have, where that is another one than it was dumped under.

        :raises Conflict: something in it spells its name (`schema_named`).
        """
        SharedDatabase(self._connect(swap), swap.home.database).ensure()
        self._name_scratch(swap, source)
        return {}

    def carry(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:
        """Keep what is there under another name, and copy what was restored to where that was; repeated, all of it.

        :raises RestoreFailed: the copy is none (`restore_differs`).
        """
        if self._was_exchanged(swap):
            return {}
        connect, home = self._connect(swap), swap.home
        facts: dict[str, Any] = {}
        self._name_scratch(swap, source)
        scratch = replace(source, schema=home.schema)
        with self._reading(swap, scratch) as (access, reader):
            # What can be done before is done while users go on.
            snapshot, restored = reader.export(), reader.content()
            surroundings, defined = reader.surroundings(), reader.defined().fingerprint
            target = Access(home, replace(access.credentials, dbname=home.database), access.role)
            if swap.has_home:
                facts["closed_at"] = time.time()
                self._servers.home(swap.tenant_id, home).close()
            kept = swap.kept.schema if swap.has_home else ""
            swapping.give_way(connect, home.database, access.role, home.schema, kept)
            copy_schema(reader, target, snapshot, self._tools, deadline=self._deadline(), casts=surroundings.casts)
            write_surroundings(target, surroundings, self._scratches.settings(), whole=False)
            withheld = {table.place for table in reader.unreadable.tables.values()}
            with ContentReader(target, self._scratches.settings(), past_policies=True) as there:
                differences = restored.differences(there.content(Counting(copied=withheld)))
            with ContentReader(target, self._scratches.settings()) as there:
                differences += defined.differences(there.defined().fingerprint, home.schema)
        differences = differences or self._carry_rights(swap, scratch)
        if differences:
            raise RestoreFailed(code="restore_differs", details=", ".join(differences))
        self._grant(swap, manifest, keep_rights=keep_rights)
        return facts

    @contextmanager
    def _reading(self, swap: Swap, scratch: Home) -> Iterator[tuple[Access, ContentReader]]:
        """Read what was restored, past an owner who was shut out of some of it, and is again."""
        settings, connect = self._scratches.settings(), self._connect(swap)
        with (
            self._scratches.access(swap.tenant_id, scratch, swap.home.database) as access,
            reading_whole(connect, swap.tenant_id, access, self._read_dump_password, settings) as opened,
            opened() as reader,
        ):
            yield access, reader

    def is_swapped(self, swap: Swap) -> bool:
        """Whether all was carried, or the names are as an earlier version left them, which carried it beside."""
        return swap.is_carried or self._was_exchanged(swap)

    def swap(self, swap: Swap, source: Home) -> None:
        """Do nothing: it was carried to its place."""

    def take_back(self, swap: Swap) -> None:
        """Give the tenant's own schema its name again, in the place of what was carried, and let the tenant in."""
        connect, home = self._connect(swap), swap.home
        if swapping.has_database(connect, home.database):
            swapping.drop_schema(connect, home.database, swap.staging)
            kept = swap.kept.schema if swap.has_home else ""
            swapping.take_place_back(connect, home.database, owner_role(swap.tenant_id), home.schema, kept)
        super().take_back(swap)

    def _was_exchanged(self, swap: Swap) -> bool:
        """Tell whether an earlier version has put it in its place: it renamed the schema, here and in the scratch."""
        connect = self._connect(swap)
        return (
            swapping.has_schema(connect, swap.staging, swap.staging)
            and not swapping.has_schema(connect, swap.home.database, swap.staging)
            and super().is_swapped(swap)
        )

    def _name_scratch(self, swap: Swap, source: Home) -> None:
        """Give the scratch schema the name that it will have; one that it was dumped under stays."""
        connect, owner, wanted = self._connect(swap), owner_role(swap.tenant_id), swap.home.schema
        # What an earlier version has prepared: the name in the scratch database comes first, for it tells of the other.
        swapping.rename_schema(connect, source.database, owner, swap.staging, source.schema)
        swapping.drop_schema(connect, swap.home.database, swap.staging)
        if source.schema != wanted and swapping.has_schema(connect, source.database, source.schema):
            with self._scratches.access(swap.tenant_id, source) as access:
                require_schema_unnamed(access, self._scratches.settings())
            swapping.rename_schema(connect, source.database, owner, source.schema, wanted)

    def _grant(self, swap: Swap, manifest: Manifest, *, keep_rights: bool) -> None:
        if keep_rights and manifest.rights is None:
            # Those to what is in it came with it; a dump says nothing of the schema itself.
            grant = load_sql("restores/grant_restored_schema").format(
                schema=sql.Identifier(swap.home.schema), **role_identifiers(swap.tenant_id)
            )
            run(self._connect(swap), swap.home.database, grant)
        elif not keep_rights:
            self._servers.home(swap.tenant_id, swap.home).grant()

    def _carry_rights(self, swap: Swap, source: Home) -> list[str]:
        """Give everybody the rights that were restored; returns what has others all the same."""
        there, here = (self._scratches.rights_writer(swap.tenant_id, home) for home in (source, swap.home))
        rights, present = there.read(), here.read()
        if swap.has_home:
            # What the tenant's roles make in whatever schema concerns the one that is there, too.
            rights = {t: r for t, r in rights.items() if not is_global(t)}
            rights |= {t: r for t, r in present.items() if is_global(t)}
        return here.write(rights, strangers=True)

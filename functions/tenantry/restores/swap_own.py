"""Where a restore ends: how a home of the tenant's own gives its place to what was restored beside it.

A schema of a shared database does it otherwise (`swap_schema.py`), and shared tables row by row (`swap_pooled.py`).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from tenantry.database.admin_sql import AdminConnect, role_names
from tenantry.database.logins import login_names
from tenantry.domain.backup import Manifest
from tenantry.domain.backup_facts import DatabaseFacts
from tenantry.domain.tenant import Home, TenantId, owner_role
from tenantry.homes import swapping
from tenantry.restores.scratch import own_settings
from tenantry.servers.database_notes import UNLIMITED, DatabaseNotes, read_notes, write_notes
from tenantry.servers.database_settings import (
    copy_database_settings,
    copy_default_privileges,
    grant_as_owner,
    set_as_owner,
)
from tenantry.servers.servers import Servers


class Swap(NamedTuple):
    """Whose home is swapped: the home, the name of what takes its place, and where what is there is kept.

    `has_home` says whether there is a home at all: a new tenant's is not, and a lost one's may not be. `tables` are the
    only ones of shared tables whose rows are exchanged, as the backup's manifest names them; none: all. `is_carried`
    says that `SwapStrategy.carry` has come to its end.
    """

    tenant_id: TenantId
    home: Home
    staging: str
    kept: Home
    has_home: bool
    tables: tuple[str, ...] = ()
    is_carried: bool = False


class SwapStrategy(Protocol):
    """Takes what was restored into a scratch database to where its tenant lives.

    Every method may be repeated, after a crash at any point too. All raise TenantryError where a server refuses.
    """

    def prepare(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:
        """Make ready beside what is there, whose users go on; `source` is in the scratch database. Returns facts."""

    def keep(self, swap: Swap) -> None:
        """Copy what is there to where it is kept, if renaming it is not enough; the tenant only reads from now on."""

    def carry(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:
        """Put what was restored in its place, where that is neither a rename nor one transaction.

        Nobody is let in then until `finish`. Returns facts: `closed_at`, the `time.time()` at which that began.
        """

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
        owner = owner_role(swap.tenant_id)
        if not swap.has_home:
            write_notes(connect, source.database, owner, _notes_of(manifest.database))
            if keep_rights:
                grant_as_owner(connect, source.database, owner, _grants_of(manifest, swap.tenant_id))
            return {"settings": set_as_owner(connect, source.database, owner, own_settings(manifest))}
        # What was in the dump ran as the owner of both.
        swapping.readmit(connect, swap.tenant_id, swap.home)
        write_notes(connect, source.database, owner, read_notes(connect, swap.home.database))
        swapping.leave_public(connect, swap.home.database, source.database, owner)
        if manifest.rights is None:
            # A backup from before rights were read knows no others' than the tenant's own.
            own = [*role_names(swap.tenant_id).values(), *login_names(swap.tenant_id)]
            copy_default_privileges(connect, swap.home.database, source.database, own)
        return {"settings": copy_database_settings(connect, swap.home.database, source.database)}

    def keep(self, swap: Swap) -> None:
        """Do nothing: renaming is enough."""

    def carry(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:  # noqa: ARG002
        """Do nothing: renaming is enough."""
        return {}

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


def _grants_of(manifest: Manifest, tenant_id: TenantId) -> Iterator[tuple[str, str, bool]]:
    """List what everybody and the tenant's roles might do with the database; who may connect is said anew."""
    archived = role_names(TenantId(manifest.tenant_id))
    roles = {"": ""} | {archived[kind]: name for kind, name in role_names(tenant_id).items() if kind != "owner"}
    for grant in manifest.grants:
        if grant.grantee in roles and grant.privilege in {"CREATE", "TEMPORARY"}:
            yield roles[grant.grantee], grant.privilege, grant.grantable


def _notes_of(facts: DatabaseFacts) -> DatabaseNotes:
    limit = facts.connection_limit
    return DatabaseNotes(facts.comment or "", UNLIMITED if limit is None else limit)

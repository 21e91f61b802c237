"""Exchanges a tenant's rows in shared tables for the restored rows, in one transaction."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader, comparable
from tenantry.contents.row_copy import copy_rows, require_same_tables
from tenantry.contents.row_targets import SharedTables
from tenantry.contents.rows_dump import dump_rows
from tenantry.database.admin_sql import AdminConnect, execute, transaction
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import connect
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup import Manifest
from tenantry.domain.content import Content, ContentTable
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict, RestoreFailed
from tenantry.domain.home import credentials_at
from tenantry.domain.restore import wanted_tables
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes import swapping
from tenantry.homes.database_home import DatabaseHome
from tenantry.homes.pool import Pool
from tenantry.homes.pool_shape import POOL_ROLE
from tenantry.homes.pooled_home import PooledHome
from tenantry.restores.scratch import ScratchRestorer
from tenantry.restores.swap_own import Swap
from tenantry.servers.servers import Servers

_NAMED = 10

# The tables whose rows are exchanged, by their keys (`content_key`); None means all.
type _Names = Collection[str] | None

# Reads a tenant's present credentials from its secret.
type ReadCredentials = Callable[[TenantId], Credentials]


class PooledSwap:
    """Swaps rows of shared tables. The former rows are kept in a database of their own, for an undo."""

    def __init__(
        self,
        servers: Servers,
        scratches: ScratchRestorer,
        tools: CopyTools,
        deadline: Callable[[], float],
        credentials: ReadCredentials,
    ) -> None:
        """Take the adapters, and what returns the `time.monotonic()` by which a copy has to end."""
        self._servers = servers
        self._scratches = scratches
        self._tools = tools
        self._deadline = deadline
        self._credentials = credentials

    def prepare(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:  # noqa: ARG002
        """Make sure that the pool has the restored tables, with the same columns.

        :raises Conflict: they differ (`tables_differ`), or other tables would change too (`tables_referred`).
        """
        Pool(self._connect(swap), swap.home.database, swap.home.schema).ensure()
        with (
            self._scratches.access(swap.tenant_id, source) as access,
            ContentReader(access, self._scratches.settings()) as restored,
            ContentReader(self._administrators(swap), self._scratches.settings()) as there,
        ):
            names = _wanted(swap, restored.tables)
            require_same_tables(_some(restored.tables, names), _some(there.tables, names), "tables_differ")
            tables = [table.name for table in _some(there.tables, names).values()]
        if names:
            self._require_alone(swap, tables)
        return {}

    def keep(self, swap: Swap) -> None:
        """Fence the tenant's writes, and copy its rows into a database of their own."""
        if not swap.has_home:
            return
        self._servers.home(swap.tenant_id, swap.home).fence()
        kept = DatabaseHome(swap.tenant_id, swap.kept, self._connect(swap))
        kept.make_empty()
        with self._scratches.access(swap.tenant_id, self._kept_rows(swap)) as access:
            server = self._servers.get(swap.home.server_id)
            own = credentials_at(self._credentials(swap.tenant_id), swap.home, server)
            source = Access(swap.home, own, owner_role(swap.tenant_id))
            dump_rows(source, access, self._tools, deadline=self._deadline())
            with ContentReader(access, self._scratches.settings()) as reader:
                copied = reader.content()
        if copied.differences(self._rows(swap)):
            raise RestoreFailed("The tenant's present rows could not be kept.", code="rows_not_kept")
        kept.reserve()
        swapping.shut(self._connect(swap), swap.kept.database)

    def carry(self, swap: Swap, source: Home, manifest: Manifest, *, keep_rights: bool) -> dict[str, Any]:  # noqa: ARG002
        """Do nothing: rows are exchanged in one transaction."""
        return {}

    def is_swapped(self, swap: Swap) -> bool:
        """Whether the tenant's rows differ from the kept ones; it can't write meanwhile."""
        if not swapping.has_database(self._connect(swap), swap.home.database):
            return False
        if not swap.has_home:
            return self._rows(swap).rows > 0
        if not swapping.has_database(self._connect(swap), swap.kept.database):
            return False
        return bool(self._read_kept(swap).differences(self._rows(swap)))

    def swap(self, swap: Swap, source: Home) -> None:
        """Delete the tenant's rows and insert those of `source`, in one transaction."""
        with (
            self._scratches.access(swap.tenant_id, source) as access,
            ContentReader(access, self._scratches.settings()) as reader,
        ):
            there = self._administrators(swap)
            home = PooledHome(swap.tenant_id, swap.home, self._connect(swap))
            names = _wanted(swap, reader.tables)
            connection = connect(there.credentials, self._scratches.settings())
            target = _ExchangedRows(connection, home, swap.tenant_id, there, names)
            with closing(target):
                require_same_tables(_some(reader.tables, names), target.tables, "tables_differ")
                copy_rows(reader, target)
            restored = _part(comparable(reader.content(), shared=True), names)
        if restored.differences(_part(self._rows(swap), names)):
            raise RestoreFailed(code="restore_differs")

    def finish(self, swap: Swap) -> None:
        """Lift the fence on the tenant's writes; a new tenant gets its place in the pool first."""
        home = PooledHome(swap.tenant_id, swap.home, self._connect(swap))
        if not swap.has_home:
            home.make()
        home.unfence()

    def take_back(self, swap: Swap) -> None:
        """Drop the copy of the present rows, and lift the fence on the tenant's writes."""
        swapping.drop_database(self._connect(swap), swap.kept.database)
        if swap.has_home:
            self._servers.home(swap.tenant_id, swap.home).unfence()

    def _require_alone(self, swap: Swap, names: Collection[str]) -> None:
        """Make sure that deleting these tables' rows does not delete or change rows of other tables.

        :raises Conflict: it would (`tables_referred`); `details` names the other tables.
        """
        with transaction(self._connect(swap), swap.home.database) as cursor:
            tables = {"schema": swap.home.schema, "tables": list(names)}
            execute(cursor, load_sql("restores/pool_dependents"), tables)
            referring = [name for (name,) in cursor.fetchall()]
        if referring:
            raise Conflict(
                "Other tables refer to these in a way that would change their rows too.",
                code="tables_referred",
                details=", ".join(referring[:_NAMED]),
                hint="Name them as well, or restore the backup into a new tenant and copy what is wanted.",
            )

    def _rows(self, swap: Swap) -> Content:
        with ContentReader(self._administrators(swap), self._scratches.settings()) as reader:
            return comparable(reader.content(), shared=True)

    def _read_kept(self, swap: Swap) -> Content:
        swapping.unshut(self._connect(swap), swap.kept.database)
        with (
            self._scratches.access(swap.tenant_id, self._kept_rows(swap)) as access,
            ContentReader(access, self._scratches.settings()) as reader,
        ):
            return comparable(reader.content(), shared=True)

    def _kept_rows(self, swap: Swap) -> Home:
        return replace(swap.kept, isolation=Isolation.POOLED)

    def _administrators(self, swap: Swap) -> Access:
        """Access to the tenant's rows as the role that owns the tables."""
        administrator = self._servers.administrator(swap.home.server_id)
        credentials = replace(administrator, dbname=swap.home.database)
        return Access(swap.home, credentials, POOL_ROLE, swap.tenant_id)

    def _connect(self, swap: Swap) -> AdminConnect:
        return self._servers.connector(swap.home.server_id)


class _ExchangedRows(SharedTables):
    """Shared tables from which this transaction has deleted the tenant's rows, to be filled within it."""

    def __init__(self, connection: Any, home: PooledHome, tenant_id: TenantId, access: Access, names: _Names) -> None:
        super().__init__(connection, tenant_id, access)
        self.tables = dict(_some(self.tables, names))
        wanted = None if names is None else {table.name for table in self.tables.values()}
        with connection.cursor() as cursor:
            home.delete_rows(cursor, wanted)
            cursor.execute("SET LOCAL ROLE NONE")


def _wanted(swap: Swap, tables: Mapping[str, ContentTable]) -> _Names:
    return wanted_tables(tables, swap.tables) if swap.tables else None


def _some(tables: Mapping[str, ContentTable], names: _Names) -> Mapping[str, ContentTable]:
    return tables if names is None else {name: tables[name] for name in names if name in tables}


def _part(content: Content, names: _Names) -> Content:
    if names is None:
        return content
    return replace(content, tables={name: found for name, found in content.tables.items() if name in names})

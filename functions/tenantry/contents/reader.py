"""Reads what a tenant has in one home, at one moment, so that two homes can be compared."""

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Self

import psycopg2
from psycopg2 import sql

from tenantry.contents import steadiness
from tenantry.contents.access import Access, begin, looking_in
from tenantry.contents.copied_rows import digest_copied
from tenantry.contents.digest import RowDigest, digest_large_objects
from tenantry.contents.fingerprint import Defined, read_fingerprint
from tenantry.contents.inventory import (
    Unreadable,
    find_childless,
    find_sequences,
    find_tables,
    find_unreadable,
    find_withheld,
    key_of,
)
from tenantry.contents.passing import Execute, passing
from tenantry.contents.past_policies import lift_policies, regain_rights
from tenantry.contents.rights_reader import read_rights
from tenantry.contents.surroundings_reader import read_surroundings
from tenantry.contents.watch import Watch
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.sql_errors import translate
from tenantry.domain.content import Content, ContentTable, Counting, Place, TableContent
from tenantry.domain.revision import VERSION_TABLE
from tenantry.domain.rights import AllRights
from tenantry.domain.surroundings import Surroundings
from tenantry.domain.tenant import Isolation, TenantId

_EVERYTHING, _STRICT = Counting(), Watch()


class ContentReader:
    """A tenant's home as it is at one moment. Close it: it holds a snapshot."""

    def __init__(
        self,
        access: Access,
        settings: ConnectSettings,
        snapshot: str = "",
        patience: float = steadiness.PATIENCE_SECONDS,
        *,
        leaves_out: bool = False,
        past_policies: bool = False,
        computed: bool = False,
    ) -> None:
        """Log in and take a snapshot, or look at one that another session has exported.

        :param patience: seconds to wait for others' locks on the tables, where it is a snapshot of its own.
        :param leaves_out: leave out the tables and sequences that the role can't read whole, as `unreadable`; otherwise
            reading one is an error.
        :param past_policies: lift policies that bind the owner, too, and let it read what it has shut itself out of and
            what another of the tenant's roles owns, until this is closed: for a home where nobody is. What was withheld
            from it before is named in `withheld`.
        :param computed: see `find_tables`.
        :raises Conflict: others lock tables all the time (`tables_locked`).
        :raises TenantryError: it could not be taken.
        """
        self.access = access
        self._computed = computed
        self._leaves_out = leaves_out
        self._past_policies = past_policies
        self._connection = connect(access.credentials, settings)
        try:
            self._begin(settings, snapshot, patience)
        except BaseException:
            self.close()
            raise

    def _begin(self, settings: ConnectSettings, snapshot: str, patience: float) -> None:
        with self._translated(), self._connection.cursor() as cursor:
            if not snapshot:
                limit = min(patience, (settings.statement_timeout_ms or 0) / 1000 or math.inf)
                steadiness.wait_until_readable(
                    self._connection, lambda: begin(self._connection, self.access), self.access.scope, limit
                )
            writes = "READ WRITE" if self._past_policies else "READ ONLY"
            begin(self._connection, self.access, f"ISOLATION LEVEL REPEATABLE READ {writes}", snapshot)
            self.withheld = find_withheld(self._connection, self.access) if self._past_policies else frozenset[Place]()
            if self._past_policies:
                regain_rights(cursor, self.access.role)
                lift_policies(cursor, self.access.role)
            cursor.execute("SELECT pg_catalog.getdatabaseencoding()::text")
            self.encoding: str = cursor.fetchone()[0]
            self.tables = find_tables(self._connection, self.access, computed=self._computed)
            self.unreadable = self._find_unreadable()
            self.tables = {n: t for n, t in self.tables.items() if n not in self.unreadable.tables}

    @property
    def rehashes(self) -> bool:
        """Whether rows may lie in other partitions in a copy: a dump has to give them to the partitioned table."""
        return any(table.rehashed_in for table in (*self.tables.values(), *self.unreadable.tables.values()))

    @property
    def connection(self) -> Any:
        """The connection, in the transaction of the snapshot."""
        return self._connection

    @property
    def dumped_by(self) -> Access:
        """As whom pg_dump reads the home."""
        return self.access

    def export(self) -> str:
        """Name the snapshot, so that others can look at it while this is open.

        :raises TenantryError: the database refused or went away.
        """
        with self._translated(), self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_catalog.pg_export_snapshot()")
            return str(cursor.fetchone()[0])

    def content(self, counting: Counting = _EVERYTHING, watch: Watch = _STRICT) -> Content:
        """Count and digest the rows of every table. No table is locked for longer than it is read.

        :param watch: told of each table; a lenient one has what can't be read left out.
        :raises Conflict: tables were rewritten meanwhile, so they were not what the snapshot shows.
        :raises TenantryError: the database refused or went away.
        """
        connection = self._connection
        with self._translated(), passing(connection) as execute:
            tables = self._count(execute, counting, watch)
            states = None if self.access.is_pooled else watch.attempt(connection, lambda: self._states(execute))
            objects = watch.attempt(connection, lambda: self._large_objects(counting))
        watch.attempt(connection, self.require_unchanged)
        sequences = {name: f"{value} {called}" for name, (value, called) in (states or {}).items()}
        return Content(tables, sequences, objects, self._groups())

    def rights(self, tenant_id: TenantId, *, narrow: bool = False, to_database: bool = True) -> AllRights:
        """Read who may do what; see `read_rights`.

        :raises TenantryError: the database refused or went away.
        """
        with self._translated(), self._connection.cursor() as cursor:
            return read_rights(cursor, tenant_id, self.access.home, narrow=narrow, to_database=to_database)

    def defined(self, *, narrow: bool = False, beside: Collection[str] = ()) -> Defined:
        """Read how everything is defined; see `read_fingerprint`.

        :raises TenantryError: the database refused or went away.
        """
        with self._translated():
            return read_fingerprint(self._connection, self.access.home, narrow=narrow, beside=beside)

    def surroundings(self) -> Surroundings:
        """Read what no dump of the home has; see `read_surroundings`.

        :raises TenantryError: the database refused or went away.
        """
        with self._translated(), looking_in(self._connection, "pg_catalog"):
            return read_surroundings(self._connection, self.access.home)

    def childless(self) -> list[Place]:
        """Read which partitioned tables have no partition; see `find_childless`.

        :raises TenantryError: the database refused or went away.
        """
        with self._translated():
            return find_childless(self._connection, self.access)

    def hold(self) -> None:
        """Lock the tables for reading, as far as that is possible at once.

        :raises TenantryError: the database refused or went away.
        """
        with self._translated():
            steadiness.hold_tables(self._connection, self.access.scope)

    def require_unchanged(self) -> None:
        """Make sure that the tables are those that the snapshot shows, for whoever has read them by their names.

        :raises Conflict: they were rewritten, dropped or renamed since (`tables_rewritten`).
        :raises TenantryError: the database refused or went away.
        """
        with self._translated():
            steadiness.require_unchanged(self._connection, self.access.scope)

    def explain(self) -> None:
        """Tell whether whoever has failed to read what this snapshot shows may owe it to what others do to the tables.

        :raises Conflict: it may (`tables_rewritten`, `tables_locked`), and is worth another attempt.
        :raises TenantryError: the database refused or went away.
        """
        self.require_unchanged()
        with self._translated():
            steadiness.require_no_lock(self._connection)

    def sequences(self) -> dict[str, tuple[int, bool]]:
        """Read the state of every sequence: its last value, and whether that was given out.

        :raises TenantryError: the database refused or went away.
        """
        with self._translated(), passing(self._connection) as execute:
            return self._states(execute)

    def close(self) -> None:
        """End the transaction, and with it the snapshot and its locks."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find_unreadable(self) -> Unreadable:
        return find_unreadable(self._connection, self.access, self.tables) if self._leaves_out else Unreadable({}, {})

    def _groups(self) -> dict[str, str]:
        """Name what each table whose rows are distributed otherwise in a copy is compared with others as."""
        tables = {**self.tables, **self.unreadable.tables}
        return {name: key_of(self.access, *table.rehashed_in) for name, table in tables.items() if table.rehashed_in}

    def _count(self, execute: Execute, counting: Counting, watch: Watch) -> dict[str, TableContent]:
        found: dict[str, TableContent] = {}
        for name, table in self.tables.items():
            if table.place not in counting.skipped:
                read = partial(self._digest, execute, counting, table)
                if content := watch.attempt(self._connection, read):
                    found[name] = content
                    watch.done()
        return found

    def _digest(self, execute: Execute, counting: Counting, table: ContentTable) -> TableContent:
        if table.place in counting.copied:
            return digest_copied(self._connection, table)
        digest = RowDigest(self.encoding, self.access.only, counting.whole)
        rows, found, *what = execute(digest.statement(table, counting.samples.get(table.place))).fetchone()
        if what != [table.oid, table.file]:
            raise steadiness.rewritten([f"{table.schema}.{table.name}"])
        return TableContent(rows, found)

    def _large_objects(self, counting: Counting) -> TableContent | None:
        if not counting.large_objects or self.access.home.isolation is not Isolation.DATABASE:
            return None
        content = digest_large_objects(self._connection, whole=counting.whole)
        return content if content.rows else None

    def _states(self, execute: Execute) -> dict[str, tuple[int, bool]]:
        states: dict[str, tuple[int, bool]] = {}
        for name, place in find_sequences(self._connection, self.access).items():
            if name not in self.unreadable.sequences:
                asked = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(*place))
                states[name] = execute(asked).fetchone()
        return states

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as exc:
            self._connection.close()
            raise translate(exc) from exc


def comparable(content: Content, *, shared: bool) -> Content:
    """Leave out what has no counterpart in a home with shared tables: `shared` says that one of the two is such."""
    if not shared:
        return content
    return replace(content, tables={n: t for n, t in content.tables.items() if n != VERSION_TABLE}, sequences={})

"""Counts and digests what a snapshot shows, as far as that is possible: the dump has also what can't be counted."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg2

from tenantry.backups.facts import tenant_roles
from tenantry.backups.logins import BackupLogins
from tenantry.contents.access import looking_in
from tenantry.contents.reader import ContentReader
from tenantry.contents.watch import Lenient, Watch
from tenantry.contents.withheld import Withheld, WithheldReader
from tenantry.database.connecting import ConnectSettings
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup import TableRows
from tenantry.domain.backup_facts import FingerprintFacts, LargeObjects
from tenantry.domain.content import Content, ContentTable, Counting, Place, Sample, TableContent
from tenantry.domain.errors import BackupFailed, DatabaseTimeout, TenantryError
from tenantry.domain.tenant import Isolation, TenantId

# Objects that a manifest names, with their digests. Of the kinds beyond that, it can only be told that they differ.
_MOST_OBJECTS = 20_000


@dataclass(frozen=True, slots=True)
class Counted:
    """What a snapshot shows: tables with their rows and digests, sequences' states, large objects, definitions.

    `failure` is what kept anything of it from being read, which is then missing.
    """

    tables: list[TableRows]
    sequences: dict[str, str]
    large_objects: LargeObjects | None
    fingerprint: FingerprintFacts | None
    failure: TenantryError | None = None


@dataclass(frozen=True, slots=True)
class CountOrder:
    """What to count: whose home, as it is in a snapshot, of which a reader is open."""

    tenant_id: TenantId
    logins: BackupLogins
    settings: ConnectSettings
    reader: ContentReader
    snapshot: str
    samples: Mapping[Place, Sample]


class Count:
    """One count, which another thread may stop."""

    def __init__(self, order: CountOrder) -> None:
        """Take what to count."""
        self._order, self._reader = order, order.reader
        self._watch = _Watch()
        self._withheld: WithheldReader | None = None

    def stop(self, reason: TenantryError | None = None) -> None:
        """End the count in another thread with what it has; `reason` is its failure, if it had none before."""
        self._watch.stop(reason)
        # It may have ended by itself, or its server is gone.
        with suppress(psycopg2.Error):
            self._reader.connection.cancel()
            if self._withheld:
                self._withheld.cancel()

    def run(self, done: Callable[[], object]) -> Counted:
        """Count and digest the rows of every table, as the dump sees them, and say how everything is defined.

        :param done: called after each table.
        :raises BackupFailed: the tenant has rows that the dump does not see, or large objects in a shared database.
        :raises Conflict: tables were rewritten meanwhile.
        :raises TenantryError: whether that is so can't be told.
        """
        self._watch.tell = done
        if self._isolation is not Isolation.DATABASE:
            self._refuse_large_objects()
        if self._isolation is Isolation.POOLED:
            return self._count_shared()
        reads_all, connection = self._order.logins.reads_all, self._reader.connection
        counting = Counting(samples=self._order.samples, large_objects=not reads_all)
        content = self._reader.content(counting, self._watch)
        withheld = self._watch.attempt(connection, self._read_withheld) if reads_all else None
        withheld = withheld or Withheld({}, {}, content.large_objects)
        # They too were read by their names.
        self._watch.attempt(connection, self._reader.require_unchanged)
        return Counted(
            self._describe(content, withheld.tables),
            dict(content.sequences) | withheld.sequences,
            _objects(withheld.large_objects),
            self._watch.attempt(connection, self._read_fingerprint),
            self._watch.failure,
        )

    def _count_shared(self) -> Counted:
        """Count what lies in shared tables: if that fails, nobody knows whether the dump has all of it."""
        try:
            content = self._reader.content(Counting(samples=self._order.samples), _Strict(self._watch))
        except DatabaseTimeout as error:
            raise self._watch.failure or error from error
        tables = self._describe(content, {})
        try:
            _require_all(self._reader.connection, tables)
        except psycopg2.Error as exc:
            raise translate(exc) from exc
        return Counted(tables, {}, None, None)

    def _read_withheld(self) -> Withheld:
        """Read what the tenant's owner may not."""
        order, home = self._order, self._reader.access.home
        with WithheldReader(home, order.logins.dump, order.settings, order.snapshot) as reader:
            self._withheld = reader
            return reader.read(
                self._reader.unreadable, self._watch, large_objects=self._isolation is Isolation.DATABASE
            )

    def _read_fingerprint(self) -> FingerprintFacts:
        fingerprint = self._reader.defined().fingerprint.bounded(_MOST_OBJECTS)
        return FingerprintFacts.model_validate(fingerprint.to_facts())

    @property
    def _isolation(self) -> Isolation:
        return self._reader.access.home.isolation

    def _describe(self, content: Content, withheld: Mapping[str, TableContent]) -> list[TableRows]:
        copied = self._reader.unreadable.tables
        tables = [self._describe_table(table, content.tables.get(name)) for name, table in self._reader.tables.items()]
        tables += [self._describe_table(table, withheld.get(name), copied=True) for name, table in copied.items()]
        return sorted(tables, key=lambda table: (table.schema_name, table.table))

    def _describe_table(self, table: ContentTable, found: TableContent | None, *, copied: bool = False) -> TableRows:
        sample = (None if copied else self._order.samples.get(table.place)) or Sample(1, ())
        return TableRows(
            schema=table.schema,
            table=table.name,
            rows=found.rows if found else None,
            digest=found.digest if found else None,
            partition_of=list(table.roots),
            rehashed_in=table.rehashed_in,
            copied=copied,
            one_in=sample.one_in,
            key=list(sample.key),
        )

    def _refuse_large_objects(self) -> None:
        """They lie in no schema, so a dump of one schema has none."""
        connection = self._reader.connection
        try:
            with looking_in(connection, "pg_catalog"), connection.cursor() as cursor:
                cursor.execute(load_sql("backups/large_objects_of"), (tenant_roles(self._order.tenant_id),))
                count = cursor.fetchone()[0]
        except psycopg2.Error as exc:
            raise translate(exc) from exc
        if count:
            raise BackupFailed(
                "The tenant has large objects, which can't be backed up from a shared database.",
                code="large_objects",
                hint="Give the tenant a database of its own, or store them as bytea.",
            )


class _Watch(Lenient):
    """Passes on which table was counted."""

    def __init__(self) -> None:
        super().__init__()
        self.tell: Callable[[], object] = lambda: None

    def done(self) -> None:
        self.tell()


class _Strict(Watch):
    """Passes on which table was counted, and no failure by."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch

    def done(self) -> None:
        self._watch.done()


def _objects(content: TableContent | None) -> LargeObjects | None:
    return LargeObjects(count=content.rows, digest=content.digest) if content and content.rows else None


def _require_all(connection: Any, counted: list[TableRows]) -> None:
    """Compare with what the tenant has, which does not depend on what its policies let it see."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relation, rows FROM tenantry.own_rows()")
        is_all = dict(cursor.fetchall()) == {table.table: table.rows for table in counted}
    if not is_all:
        raise BackupFailed(
            "The tenant has rows that it can't see, so nothing was published.",
            code="rows_hidden",
            hint="Look at the policies of the shared tables: the isolation report names those that are wrong.",
        )

"""A snapshot of one tenant's database, held open while it is dumped, counted and digested."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg2

from tenantry.backups.facts import read_facts, tenant_roles
from tenantry.backups.logins import BackupLogins
from tenantry.contents.digest import Access, ContentReader, looking_in
from tenantry.contents.omissions import read_omissions
from tenantry.contents.withheld import WithheldReader
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.database.tenant_connection import check_identity
from tenantry.domain.backup import FingerprintFacts, LargeObjects, RightsFacts, TableRows
from tenantry.domain.content import Content, Sample, TableContent
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BackupFailed, DatabaseUnavailable
from tenantry.domain.rights import notable, to_facts
from tenantry.domain.tenant import Home, Isolation, TenantId

# To digest every row costs the server as much as the dump itself. So in a large database it is one row in so many of
# each table that is not small, if it has a primary key by which the same rows are found in a copy.
_ALL_ROWS_BYTES = 256 << 20
_SMALL_TABLE_BYTES = 8 << 20
_ONE_IN = 16
# Rights in a manifest, which is read whole by all who list backups. Of more, the dump alone knows.
_MOST_RIGHTS = 200_000
# Objects that a manifest names, with their digests. Of the kinds beyond that, it can only be told that they differ.
_MOST_OBJECTS = 20_000


@dataclass(frozen=True, slots=True)
class Counted:
    """What a snapshot shows: tables with their rows and digests, sequences' states, large objects, definitions."""

    tables: list[TableRows]
    sequences: dict[str, str]
    large_objects: LargeObjects | None
    fingerprint: FingerprintFacts | None


class Snapshot:
    """A read-only transaction whose snapshot pg_dump can see by its name."""

    def __init__(self, tenant_id: TenantId, logins: BackupLogins, settings: ConnectSettings, patience: float) -> None:
        """Log in, check whose database it is, and take the snapshot as the tenant's owner.

        :param patience: seconds to wait for others' locks on the tables.
        :raises Conflict: they are locked all the time (`tables_locked`).
        :raises DatabaseUnavailable, IdentityMismatch, StatementFailed: it could not be taken.
        """
        self._tenant_id, self._logins, self._settings = tenant_id, logins, settings
        place = logins.count
        self._home = Home("", place.isolation, place.dbname, place.schema)
        # A policy that hides rows makes this fail, not a count that agrees with an incomplete dump. What is withheld
        # from the owner is read as the login of the dump, if that may.
        self._reader = ContentReader(
            Access(self._home, place, logins.role), settings, patience=patience, leaves_out=logins.reads_all
        )
        self._withheld: WithheldReader | None = None
        try:
            check_identity(self._connection, tenant_id)
            self.name = self._reader.export()
            self.rights = self._read_rights()
            self.surroundings = self._reader.surroundings()
            with _translated(), looking_in(self._connection, "pg_catalog"):
                self.facts = read_facts(self._connection, tenant_id, self._home)
                self.omissions = read_omissions(self._connection, tenant_id, self._home)
                self._samples = self._choose_samples()
        except BaseException:
            self.close()
            raise

    def _read_rights(self) -> list[RightsFacts] | None:
        """Read who may do what; None where it is not the tenant's to say, or too much to write down."""
        if self._home.isolation is Isolation.POOLED:
            return None
        rights = notable(self._reader.rights(self._tenant_id, to_database=False))
        entries = sum(1 + len(found.granted) + len(found.revoked) for found in rights.values())
        if entries > _MOST_RIGHTS:
            return None
        return [RightsFacts.model_validate(facts) for facts in to_facts(rights)]

    @property
    def rehashes(self) -> bool:
        """Whether a restore may distribute rows to other partitions."""
        return self._reader.rehashes

    @property
    def tables(self) -> int:
        """How many tables there are."""
        return len(self._reader.tables) + len(self._reader.unreadable.tables)

    def count_rows(self, done: Callable[[], object] = lambda: None) -> Counted:
        """Count and digest the rows of every table, as the dump sees them, and say how everything is defined.

        :param done: called after each table.
        :raises BackupFailed: the tenant has rows that the dump does not see, or large objects in a shared database.
        :raises TenantryError: the database refused or went away.
        """
        with _translated(), self._connection.cursor() as cursor:
            if self._home.isolation is not Isolation.DATABASE:
                with looking_in(self._connection, "pg_catalog"):
                    self._refuse_large_objects(cursor)
            content = self._reader.content(self._samples, done, large_objects=not self._logins.reads_all)
            tables = self._describe(content)
            if self._home.isolation is Isolation.POOLED:
                _require_all(cursor, tables)
        objects = _objects(content.large_objects)
        counted = Counted(tables, dict(content.sequences), objects, self._read_fingerprint())
        return self._add_withheld(counted, done) if self._logins.reads_all else counted

    def _add_withheld(self, counted: Counted, done: Callable[[], object]) -> Counted:
        """Add what the tenant's owner may not read."""
        withheld = self._reader.unreadable
        with WithheldReader(self._home, self._logins.dump, self._settings, self.name) as reader:
            self._withheld = reader
            found = reader.tables(withheld.tables, done)
            sequences = counted.sequences | reader.sequences(withheld.sequences)
            objects = _objects(reader.large_objects()) if self._home.isolation is Isolation.DATABASE else None
        # They too were read by their names.
        self._reader.require_unchanged()
        tables = [
            TableRows(
                schema=table.schema,
                table=table.name,
                rows=found[name].rows,
                digest=found[name].digest,
                partition_of=list(table.roots),
                rehashed_in=table.rehashed_in,
                copied=True,
            )
            for name, table in withheld.tables.items()
        ]
        in_order = sorted([*counted.tables, *tables], key=lambda table: (table.schema_name, table.table))
        return Counted(in_order, sequences, objects, counted.fingerprint)

    def _read_fingerprint(self) -> FingerprintFacts | None:
        """Read how everything is defined; None where it is not the tenant's to say."""
        if self._home.isolation is Isolation.POOLED:
            return None
        fingerprint = self._reader.defined().fingerprint.bounded(_MOST_OBJECTS)
        return FingerprintFacts.model_validate(fingerprint.to_facts())

    @property
    def _connection(self) -> Any:
        return self._reader.connection

    def _describe(self, content: Content) -> list[TableRows]:
        return [
            TableRows(
                schema=table.schema,
                table=table.name,
                rows=content.tables[name].rows,
                digest=content.tables[name].digest,
                partition_of=list(table.roots),
                rehashed_in=table.rehashed_in,
                **self._sample_of(table.schema, table.name),
            )
            for name, table in self._reader.tables.items()
        ]

    def _sample_of(self, schema: str, table: str) -> dict[str, Any]:
        sample = self._samples.get((schema, table))
        return {"one_in": sample.one_in, "key": list(sample.key)} if sample else {}

    def _choose_samples(self) -> dict[tuple[str, str], Sample]:
        if self._home.isolation is Isolation.POOLED or self.facts.database.size_bytes <= _ALL_ROWS_BYTES:
            return {}
        rehashed = {table.place for table in self._reader.tables.values() if table.rehashed_in}
        with self._connection.cursor() as cursor:
            cursor.execute(load_sql("backups/large_table_keys"), (_SMALL_TABLE_BYTES,))
            found = {(schema, table): Sample(_ONE_IN, tuple(key)) for schema, table, key in cursor.fetchall()}
        # Partitions that are compared as one are all digested in one way.
        return {place: sample for place, sample in found.items() if place not in rehashed}

    def _refuse_large_objects(self, cursor: Any) -> None:
        """They lie in no schema, so a dump of one schema has none."""
        cursor.execute(load_sql("backups/large_objects_of"), (tenant_roles(self._tenant_id),))
        if cursor.fetchone()[0]:
            raise BackupFailed(
                "The tenant has large objects, which can't be backed up from a shared database.",
                code="large_objects",
                hint="Give the tenant a database of its own, or store them as bytea.",
            )

    def hold(self) -> None:
        """Keep the tables as they are shown, once pg_dump has locked them, and see that they still are.

        :raises Conflict: they were rewritten before (`tables_rewritten`).
        :raises TenantryError: the database refused or went away.
        """
        self._reader.hold()
        self._reader.require_unchanged()

    def explain(self) -> None:
        """Tell whether a dump has failed of what others did to the tables meanwhile.

        :raises Conflict: it may have (`tables_rewritten`, `tables_locked`).
        :raises TenantryError: the database refused or went away.
        """
        self._reader.explain()

    def cancel(self) -> None:
        """Stop a count that runs in another thread."""
        try:
            self._connection.cancel()
            if self._withheld:
                self._withheld.cancel()
        except psycopg2.Error:
            # It ended by itself, or its server is gone.
            return

    def close(self) -> None:
        """End the transaction, and with it the snapshot and its locks."""
        self._reader.close()


def _objects(content: TableContent | None) -> LargeObjects | None:
    return LargeObjects(count=content.rows, digest=content.digest) if content and content.rows else None


def _require_all(cursor: Any, counted: list[TableRows]) -> None:
    """Compare with what the tenant has, which does not depend on what its policies let it see."""
    cursor.execute("SELECT relation, rows FROM tenantry.own_rows()")
    if dict(cursor.fetchall()) != {table.table: table.rows for table in counted}:
        raise BackupFailed(
            "The tenant has rows that it can't see, so nothing was published.",
            code="rows_hidden",
            hint="Look at the policies of the shared tables: the isolation report names those that are wrong.",
        )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as exc:
        raise translate(exc) from exc


def terminate_backends(credentials: Credentials, application_name: str, settings: ConnectSettings) -> None:
    """End the login's sessions of that application name; a server that is gone has none."""
    try:
        login = replace(credentials, schema="pg_catalog")
        with closing(connect(login, settings)) as connection, connection.cursor() as cursor:
            cursor.execute(load_sql("backups/terminate_backends"), (application_name,))
    except (DatabaseUnavailable, psycopg2.Error):
        return

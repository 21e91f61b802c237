"""A snapshot of one tenant's database, held open while it is dumped, counted and digested."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg2

from tenantry.backups.count import Count, Counted, CountOrder
from tenantry.backups.facts import read_facts
from tenantry.backups.logins import BackupLogins
from tenantry.contents.access import Access, looking_in
from tenantry.contents.omissions import read_omissions
from tenantry.contents.reader import ContentReader
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.identity import check_identity
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup_facts import RightsFacts
from tenantry.domain.content import Sample
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, TenantryError
from tenantry.domain.rights import notable, to_facts
from tenantry.domain.tenant import Home, Isolation, TenantId

# To digest every row costs the server as much as the dump itself. So in a large database it is one row in so many of
# each table that is not small, if it has a primary key by which the same rows are found in a copy.
_ALL_ROWS_BYTES = 256 << 20
_SMALL_TABLE_BYTES = 8 << 20
_ONE_IN = 16
# Rights in a manifest, which is read whole by all who list backups. Of more, the dump alone knows.
_MOST_RIGHTS = 200_000


class Snapshot:
    """A read-only transaction whose snapshot pg_dump can see by its name."""

    def __init__(self, tenant_id: TenantId, logins: BackupLogins, settings: ConnectSettings, patience: float) -> None:
        """Log in, check whose database it is, and take the snapshot as the tenant's owner.

        :param patience: seconds to wait for others' locks on the tables.
        :raises Conflict: they are locked all the time (`tables_locked`).
        :raises DatabaseUnavailable, IdentityMismatch, StatementFailed: it could not be taken.
        """
        self._tenant_id = tenant_id
        place = logins.count
        self._home = Home("", place.isolation, place.dbname, place.schema)
        # A policy that hides rows makes this fail, not a count that agrees with an incomplete dump. What is withheld
        # from the owner is read as the login of the dump, if that may.
        self._reader = ContentReader(
            Access(self._home, place, logins.role), settings, patience=patience, leaves_out=logins.reads_all
        )
        try:
            check_identity(self._connection, tenant_id)
            self.name = self._reader.export()
            self.rights = self._read_rights()
            self.surroundings = self._reader.surroundings()
            self.childless = self._reader.childless()
            with _translated(), looking_in(self._connection, "pg_catalog"):
                self.facts = read_facts(self._connection, tenant_id, self._home)
                self.omissions = read_omissions(self._connection, tenant_id, self._home)
                samples = self._choose_samples()
            self._count = Count(CountOrder(tenant_id, logins, settings, self._reader, self.name, samples))
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
        """Count and digest what is there, as the dump sees it; see `Count.run`."""
        return self._count.run(done)

    def stop_counting(self, reason: TenantryError | None = None) -> None:
        """End a count that runs in another thread, with what it has until then; see `Count.stop`."""
        self._count.stop(reason)

    @property
    def _connection(self) -> Any:
        return self._reader.connection

    def _choose_samples(self) -> dict[tuple[str, str], Sample]:
        if self._home.isolation is Isolation.POOLED or self.facts.database.size_bytes <= _ALL_ROWS_BYTES:
            return {}
        rehashed = {table.place for table in self._reader.tables.values() if table.rehashed_in}
        with self._connection.cursor() as cursor:
            cursor.execute(load_sql("backups/large_table_keys"), (_SMALL_TABLE_BYTES,))
            found = {(schema, table): Sample(_ONE_IN, tuple(key)) for schema, table, key in cursor.fetchall()}
        # Partitions that are compared as one are all digested in one way.
        return {place: sample for place, sample in found.items() if place not in rehashed}

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

    def close(self) -> None:
        """End the transaction, and with it the snapshot and its locks."""
        self._reader.close()


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

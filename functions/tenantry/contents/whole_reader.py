"""Reads a home that its owner may not read whole: what is withheld from the owner is read by the login for dumps."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Protocol

from psycopg2 import sql

from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.contents.watch import Watch
from tenantry.contents.withheld import WithheldReader
from tenantry.database.admin_sql import AdminConnect, run
from tenantry.database.connecting import ConnectSettings
from tenantry.database.logins import dump_login
from tenantry.database.sql_files import load_sql
from tenantry.domain.content import Content, Counting
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Home, Isolation, TenantId
from tenantry.homes.lent_rights import lent
from tenantry.homes.withheld import dumps_whole, find_withheld, rows_withheld

_EVERYTHING, _STRICT = Counting(), Watch()


class WholeReader(ContentReader):
    """A home as it is at one moment, past its owner. Close it: it holds a snapshot."""

    def __init__(self, access: Access, dump: Credentials, settings: ConnectSettings, snapshot: str = "") -> None:
        """Log in and take a snapshot, or look at one that another session has exported.

        :param access: as the owner, who reads what it may.
        :param dump: the login for dumps, to which what it lacks is lent (`homes.lent_rights`) until this is closed.
        :raises TenantryError: as `ContentReader`.
        """
        super().__init__(access, settings, snapshot, leaves_out=True)
        self._dump, self._settings = dump, settings
        # At once: not possible any more when savepoints were set.
        self._snapshot = snapshot or self.export()

    @property
    def dumped_by(self) -> Access:
        """As whom pg_dump reads the home: as the login itself."""
        return replace(self.access, credentials=self._dump, role="")

    def content(self, counting: Counting = _EVERYTHING, watch: Watch = _STRICT) -> Content:
        """Count and digest the rows of every table: what is withheld by the lines that COPY writes.

        :raises TenantryError: as `ContentReader.content`.
        """
        whole = counting.large_objects and self.access.home.isolation is Isolation.DATABASE
        seen = super().content(replace(counting, large_objects=False), watch)
        with WithheldReader(self.access.home, self._dump, self._settings, self._snapshot) as reader:
            withheld = reader.read(self.unreadable, watch, large_objects=whole)
        watch.attempt(self.connection, self.require_unchanged)
        objects = withheld.large_objects if withheld.large_objects and withheld.large_objects.rows else None
        tables, sequences = {**seen.tables, **withheld.tables}, {**seen.sequences, **withheld.sequences}
        return replace(seen, tables=tables, sequences=sequences, large_objects=objects)


class ReaderOpener(Protocol):
    """Opens a reader of a home; with a snapshot that another one has exported, it looks at that."""

    def __call__(self, snapshot: str = "") -> ContentReader:
        """Open it. :raises TenantryError: as `ContentReader`."""


@contextmanager
def reading_whole(
    connect: AdminConnect,
    tenant_id: TenantId,
    access: Access,
    read_dump_password: Callable[[TenantId], str | None],
    settings: ConnectSettings,
) -> Iterator[ReaderOpener]:
    """Give what opens readers of a home that a dump copies: past its owner, where that is shut out.

    :param connect: as the administrator of the home's server.
    :param access: as the owner, with a login that is let in.
    :param read_dump_password: of the tenant's logins for backups; None: there are none.
    :raises Conflict: nobody can read all that the tenant has (`rows_withheld`).
    :raises TenantryError: the server refused.
    """
    home = access.home
    if access.is_pooled or not (withheld := _withheld(connect, tenant_id, home)):
        yield lambda snapshot="": ContentReader(access, settings, snapshot)
        return
    password = read_dump_password(tenant_id)
    if password is None:
        raise rows_withheld(withheld)
    dump = replace(access.credentials, username=dump_login(tenant_id), password=password)
    admit = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
        sql.Identifier(home.database), sql.Identifier(dump.username)
    )
    run(connect, "postgres", load_sql("homes/lock_database_rights") + admit)
    with lent(connect, tenant_id, home):
        if left := _withheld(connect, tenant_id, home, dump.username):
            raise rows_withheld(left)
        yield lambda snapshot="": WholeReader(access, dump, settings, snapshot)


def _withheld(connect: AdminConnect, tenant_id: TenantId, home: Home, role: str = "") -> list[str]:
    with closing(connect(home.database)) as connection, connection.cursor() as cursor:
        if role and home.isolation is Isolation.DATABASE:
            return [] if dumps_whole(cursor, tenant_id, home) else find_withheld(cursor, tenant_id, home)
        return find_withheld(cursor, tenant_id, home, role)

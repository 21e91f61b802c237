"""Copies what a tenant has from one home into another that is closed to everybody, and reads both for a comparison."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

from tenantry.contents.access import Access
from tenantry.contents.copied_settings import bring_late_settings, bring_settings
from tenantry.contents.counting_login import choose_reader
from tenantry.contents.fingerprint import Defined
from tenantry.contents.reader import ContentReader, comparable
from tenantry.contents.renamed_copy import copy_renamed
from tenantry.contents.residents import Both, HomeRead, Resident
from tenantry.contents.rights_writer import RightsWriter
from tenantry.contents.row_copy import copy_rows, require_same_tables
from tenantry.contents.row_targets import OwnTables, SharedTables
from tenantry.contents.schema_copy import APPLICATION, copy_schema, drop_restored_schema, rename_schema
from tenantry.contents.statistics import analyse
from tenantry.contents.surroundings_writer import write_surroundings
from tenantry.contents.whole_reader import ReaderOpener, reading_whole
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.content import Content, Counting
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import CopyFailed
from tenantry.domain.fingerprint import Fingerprint
from tenantry.domain.home import credentials_at
from tenantry.domain.relocation import Journey
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.copy_login import copy_login
from tenantry.homes.pool_shape import POOL_ROLE
from tenantry.homes.withheld import require_readable
from tenantry.servers.servers import Servers


class HomeCopier:
    """Copies between the homes of one stage."""

    def __init__(
        self,
        servers: Servers,
        tools: CopyTools,
        deadline: Callable[[], float],
        read_dump_password: Callable[[TenantId], str | None],
    ) -> None:
        """Take the servers, the programs, and the moment (of `time.monotonic()`) at which a copy has to have ended.

        :param read_dump_password: of a tenant's logins for backups; None: it has none.
        """
        self._read_dump_password = read_dump_password
        self._servers = servers
        self._tools = tools
        self._deadline = deadline

    @property
    def deadline(self) -> float:
        """The moment (of `time.monotonic()`) at which a copy has to have ended."""
        return self._deadline()

    def at(self, home: Home, credentials: Credentials) -> Credentials:
        """Say how a login reaches a home, with the password that it has."""
        return credentials_at(credentials, home, self._servers.get(home.server_id))

    def copy(self, source: Resident, target: Resident) -> Both:
        """Copy at one moment of the source's, and read both; only the rights to what is there are compared yet.

        :param target: its home is empty (or, where rows are copied, has the tables), and closed. Another tenant's roles
            get the rights of those that they correspond to, and third parties none.
        :raises CopyFailed, Conflict: it could not be copied, the tables differ, or they were rewritten meanwhile
            (`tables_rewritten`, to be tried again); what is there is of no use.
        :raises TenantryError: a server refused or went away.
        """
        with self._reading(source, target) as opened, opened() as reader, ThreadPoolExecutor(1) as pool:
            snapshot = reader.export()
            # Beside the copy: the comparison then waits for the target alone.
            read = pool.submit(self._read_at, opened, source, target, snapshot)
            with self._filling(target) as access:
                try:
                    bring_settings(self._servers, source, target)
                    self._fill(reader, snapshot, access, target)
                    self._bring_rights(reader, source, target)
                    bring_late_settings(self._servers, source, target)
                    reader.require_unchanged()
                    return self._both(read, access, source, target)
                except BaseException:
                    reader.close()
                    raise

    def read_both(self, source: Resident, target: Resident) -> Both:
        """Read what the one home has and what the other, which is closed."""
        with (
            self._reading(source, target) as opened,
            ThreadPoolExecutor(1) as pool,
            self._filling(target) as access,
        ):
            read = pool.submit(self._read_at, opened, source, target, "")
            return self._both(read, access, source, target)

    def read(self, resident: Resident) -> Content:
        """Read what a tenant has in the home that it is served from.

        :raises Conflict: nobody can read all of it (`rows_withheld`).
        :raises TenantryError: a server refused or went away.
        """
        with self._reading(resident) as opened, opened() as reader:
            return reader.content()

    def definitions(self, resident: Resident) -> str:
        """Mark how everything is defined in the home that a tenant is served from.

        :raises TenantryError: a server refused or went away.
        """
        with ContentReader(self._tenants_own(resident), self._settings()) as reader:
            return reader.defined().mark

    def mark_closed(self, resident: Resident) -> str:
        """Digest all that a tenant has in a home that is closed to its own logins."""
        with self._filling(resident) as access, self._past_policies(access) as reader:
            return reader.content(Counting(copied=reader.withheld)).mark()

    def has_same_tables(self, source: Resident, target: Resident) -> None:
        """Make sure that rows can be copied from the one home into the other.

        :raises Conflict: the tables differ (`changed_since`); `details` name them.
        """
        with (
            ContentReader(self._tenants_own(source), self._settings()) as reader,
            self._filling(target) as access,
            ContentReader(access, self._settings()) as other,
        ):
            require_same_tables(reader.tables, other.tables, "changed_since")

    def analyse(self, resident: Resident) -> None:
        """Let the planner know how the tables of a tenant's own are filled."""
        analyse(self._tenants_own(resident), self._settings())

    def same_rights(self, source: Resident, target: Resident) -> bool:
        """Tell whether the tenant's roles, and others, may do the same in both homes.

        :raises TenantryError: a server refused or went away.
        """
        if _is_pooled(source, target):
            # Those of shared tables are the same for all who live there, and nobody's to change.
            return True
        one, other = (self._rights_at(resident, source, target) for resident in (source, target))
        # As they would be written there: a server that does not know somebody can't give him what he had elsewhere.
        return not other.differences(one.read(), strangers=True)

    def _bring_rights(self, reader: ContentReader, source: Resident, target: Resident) -> None:
        """Let everybody have the rights to the copy that the same roles have to the original.

        :raises CopyFailed: some differ all the same (`copy_differs`); `details` name them.
        """
        if _is_pooled(source, target):
            return
        rights = reader.rights(source.tenant_id, narrow=_is_narrow(source, target))
        differences = self._rights_at(target, source, target).write(
            rights, strangers=source.tenant_id == target.tenant_id, partial=not _is_dumped(source.home, target)
        )
        if differences:
            raise CopyFailed("The rights to the copy differ.", code="copy_differs", details=", ".join(differences))

    def _rights_at(self, resident: Resident, *both: Resident) -> RightsWriter:
        connect = self._servers.connector(resident.home.server_id)
        return RightsWriter(connect, resident.tenant_id, resident.home, narrow=_is_narrow(*both))

    def _fill(self, reader: ContentReader, snapshot: str, access: Access, target: Resident) -> None:
        source = reader.access
        if _is_renamed(source.home, target):
            connect = self._servers.connector(target.home.server_id)
            copy_renamed(
                reader,
                snapshot,
                access,
                self._dump,
                tenant_id=target.tenant_id,
                connect=connect,
                read_dump_password=self._read_dump_password,
                settings=self._settings(),
            )
            return
        if _is_dumped(source.home, target):
            named = replace(access, home=replace(access.home, schema=source.home.schema))
            drop_restored_schema(source, access, self._settings())
            with rename_schema(access, source.home.schema, self._settings()):
                self._dump(reader, snapshot, named)
            return
        with closing(self._rows_into(access, target)) as into:
            require_same_tables(reader.tables, into.tables, "tables_differ")
            copy_rows(reader, into)

    def _dump(self, reader: ContentReader, snapshot: str, target: Access) -> None:
        surroundings = reader.surroundings()
        try:
            copy_schema(reader, target, snapshot, self._tools, deadline=self._deadline(), casts=surroundings.casts)
        except CopyFailed:
            reader.explain()
            raise
        is_whole = reader.access.home.isolation is Isolation.DATABASE
        write_surroundings(target, surroundings, self._settings(), whole=is_whole)

    def _rows_into(self, access: Access, target: Resident) -> OwnTables | SharedTables:
        if access.is_pooled:
            return SharedTables(connect(access.credentials, self._settings()), target.tenant_id, access)
        return OwnTables(access, self._settings())

    def _both(self, read: Future[HomeRead], access: Access, *residents: Resident) -> Both:
        """Read the target, which nobody changes, and put it beside what is read of the source."""
        with ContentReader(access, self._settings()) as reader:
            made = self._defined(reader, *residents)
            mark = made.mark if not _is_narrow(*residents) else reader.defined().mark
        source, wanted, withheld = read.result()
        schemas = {residents[0].home.schema: access.home.schema}
        copied = {(schemas.get(schema, schema), name) for schema, name in withheld}
        with self._past_policies(access) as reader:
            target = reader.content(Counting(copied=copied))
        there, here = (comparable(content, shared=_is_pooled(*residents)) for content in (source, target))
        if not _is_dumped(residents[0].home, residents[1]):
            # Into tables that were there: they are as revisions make them, and must not lack anything.
            wanted, made = wanted.names_only(), made._replace(fingerprint=made.fingerprint.names_only())
        redefined = wanted.differences(made.fingerprint, access.home.schema)
        return Both(there, here, source.mark(), target.mark(), mark, redefined)

    def _read_at(self, opened: ReaderOpener, source: Resident, target: Resident, snapshot: str) -> HomeRead:
        """Read as the tenant and, where others' rows lie beside, see that the administrator finds as many."""
        with opened(snapshot) as reader:
            content, defined = reader.content(), self._defined(reader, source, target)
            withheld = {table.place for table in reader.unreadable.tables.values()}
        if source.home.isolation is Isolation.POOLED:
            with ContentReader(self._administrators(source), self._settings(), snapshot) as reader:
                if reader.content() != content:
                    raise CopyFailed("The tenant does not see all of its rows.", code="rows_hidden")
        return HomeRead(content, defined.fingerprint, withheld)

    def _defined(self, reader: ContentReader, *both: Resident) -> Defined:
        """Read how everything is defined, as far as it can be compared: shared tables are nobody's own."""
        if _is_pooled(*both):
            return Defined(Fingerprint(), "")
        schemas = {resident.home.schema for resident in both}
        return reader.defined(narrow=_is_narrow(*both), beside=schemas)

    @contextmanager
    def _reading(self, source: Resident, target: Resident | None = None) -> Iterator[ReaderOpener]:
        """Open readers of a home that a tenant is served from, past its owner.

        :param target: where what is read goes: rows into tables that are there are read as the owner alone.
        """
        access = self._tenants_own(source)
        connect = self._servers.connector(source.home.server_id)
        if target and not _is_dumped(source.home, target) and not access.is_pooled:
            require_readable(connect, source.tenant_id, source.home)
        with reading_whole(connect, source.tenant_id, access, self._read_dump_password, self._settings()) as opened:
            yield opened

    def _past_policies(self, access: Access) -> ContentReader:
        """Read a home where nobody is, past what its owner is shut out of."""
        return ContentReader(access, self._settings(), past_policies=not access.is_pooled)

    def _tenants_own(self, resident: Resident) -> Access:
        own = self.at(resident.home, resident.credentials)
        password = self._read_dump_password(resident.tenant_id)
        reader = choose_reader(resident.tenant_id, own, password, self._settings())
        return Access(resident.home, reader, owner_role(resident.tenant_id))

    def _administrators(self, resident: Resident) -> Access:
        """Access to a tenant's rows of shared tables, as the role that owns the tables."""
        administrator = self._servers.administrator(resident.home.server_id)
        credentials = replace(administrator, dbname=resident.home.database)
        return Access(resident.home, credentials, POOL_ROLE, resident.tenant_id)

    @contextmanager
    def _filling(self, target: Resident) -> Iterator[Access]:
        """Get at a home that is closed to the tenant's own logins."""
        if target.home.isolation is Isolation.POOLED:
            yield self._administrators(target)
            return
        connector = self._servers.connector(target.home.server_id)
        with copy_login(connector, target.tenant_id, target.home.database) as login:
            credentials = replace(
                self.at(target.home, target.credentials), username=login.username, password=login.password
            )
            yield Access(target.home, credentials, owner_role(target.tenant_id))

    def _settings(self) -> ConnectSettings:
        left = max(int((self._deadline() - time.monotonic()) * 1000), 1)
        return ConnectSettings(self._tools.connect_timeout, left, left, APPLICATION, administers=True)


def _is_dumped(source: Home, target: Resident) -> bool:
    """Whether all that lies in a home is copied, and not rows into tables that are there."""
    return Journey(source, target.home).copies_schema


def _is_renamed(source: Home, target: Resident) -> bool:
    """Whether a schema is copied under another name, as another tenant's: a dump of it lies where it did."""
    return {source.isolation, target.home.isolation} == {Isolation.SCHEMA} and source.schema != target.home.schema


def _is_pooled(*residents: Resident) -> bool:
    return any(resident.home.isolation is Isolation.POOLED for resident in residents)


def _is_narrow(*residents: Resident) -> bool:
    """Whether one of them has a schema of a database that others share: the rest of that database is not its own."""
    return any(resident.home.isolation is not Isolation.DATABASE for resident in residents)

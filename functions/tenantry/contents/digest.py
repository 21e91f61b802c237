"""Reads what a tenant has in one home, at one moment, and digests it so that two homes can be compared."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import psycopg2
from psycopg2 import sql

from tenantry.contents import steadiness
from tenantry.contents.copied_rows import digest_copied
from tenantry.contents.fingerprint import Defined, read_fingerprint
from tenantry.contents.past_policies import lift_policies, regain_rights
from tenantry.contents.rehashed import with_rehashed
from tenantry.contents.rights_reader import read_rights
from tenantry.contents.surroundings_reader import read_surroundings
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.pg_dump import NO_ENCODING
from tenantry.database.revisions import VERSION_TABLE
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.content import Content, ContentColumn, ContentTable, Sample, TableContent, content_key
from tenantry.domain.credentials import Credentials
from tenantry.domain.rights import AllRights
from tenantry.domain.surroundings import Surroundings
from tenantry.domain.tenant import Home, Isolation, TenantId

type Samples = Mapping[tuple[str, str], Sample]

TENANT_COLUMN = "tenant_id"
# Every row's key is hashed, so for what most keys are it is done without writing it as text.
_INTEGER_HASH = "pg_catalog.hashint8extended({}::bigint, 1::bigint)"
_CHEAP_HASHES = {
    "bigint": _INTEGER_HASH,
    "integer": _INTEGER_HASH,
    "smallint": _INTEGER_HASH,
    "uuid": "pg_catalog.uuid_hash_extended({}, 1::bigint)",
}
# Encodings whose text is hashed as the bytes that it is. SQL_ASCII is any bytes, which are nobody's to convert: such a
# database is made again as one, and the same bytes have the same hash.
_HASHED_AS_IS = frozenset({"UTF8", NO_ENCODING})
# So that a value is written the same way by every server. What is not our own schema's is then named with its schema.
_FORMS = (
    "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL xmloption = 'content'; "
    "SET LOCAL lc_monetary = 'C'; SET LOCAL client_encoding = 'UTF8'"
)


@dataclass(frozen=True, slots=True)
class Access:
    """How to get at a home: the login, and the role that it becomes, which owns (or may read) what is there."""

    home: Home
    credentials: Credentials
    role: str
    # Whose rows of shared tables to look at, for a role that sees everybody's.
    only: TenantId | None = None

    @property
    def is_pooled(self) -> bool:
        """Whether the tenant's rows lie in tables that others share."""
        return self.home.isolation is Isolation.POOLED


def begin(connection: Any, access: Access, mode: str = "", snapshot: str = "") -> None:
    """Begin a transaction as the home's role, with values written in one form.

    :param snapshot: what the transaction sees; without one, its own.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN {mode}")
        if snapshot:
            cursor.execute("SET TRANSACTION SNAPSHOT %s", (snapshot,))
        cursor.execute(_FORMS)
        cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(access.role)))
        cursor.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(access.home.schema)))
        # In tables of its own, a policy that hides rows from their owner is an error and not a smaller result.
        cursor.execute(f"SET LOCAL row_security = {'on' if access.is_pooled else 'off'}")


@contextmanager
def looking_in(connection: Any, schema: str) -> Iterator[None]:
    """Find what has no schema before its name in this one alone, until this ends; in a transaction.

    What a tenant has made in its own schema would answer for PostgreSQL's own, where its types fit better.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.current_setting('search_path')")
        before = cursor.fetchone()[0]
        cursor.execute(sql.SQL("SET LOCAL search_path = {}, pg_temp").format(sql.Identifier(schema)))
        yield
        cursor.execute("SELECT pg_catalog.set_config('search_path', %s, true)", (before,))


def find_tables(connection: Any, access: Access, *, computed: bool = False) -> dict[str, ContentTable]:
    """Find the tables with a tenant's rows, by the key that they have in any home (`content_key`).

    :param computed: with the columns that are computed when they are read, as older versions of ours digested them.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        cursor.execute(load_sql("contents/content_tables"), _scope(access) | {"computed": computed})
        found = [
            ContentTable(schema, name, tuple(ContentColumn(**column) for column in columns), tuple(map(tuple, roots)))
            for schema, name, columns, roots in cursor.fetchall()
        ]
        with looking_in(connection, "pg_catalog"):
            found = with_rehashed(cursor, found)
    if access.is_pooled:
        found = [_without_tenant(table) for table in found if _has_tenant(table)]
    return {_name(access, table.schema, table.name): table for table in found}


def find_sequences(connection: Any, access: Access) -> dict[str, tuple[str, str]]:
    """Find a tenant's own sequences, schema and name, by the key that they have in any home (`content_key`).

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        with looking_in(connection, "pg_catalog"):
            cursor.execute(load_sql("contents/content_sequences"), _scope(access))
        return {_name(access, schema, name): (schema, name) for schema, name in cursor.fetchall()}


class Unreadable(NamedTuple):
    """What a role can't read whole, by its name in any home: tables, and sequences with their OIDs."""

    tables: dict[str, ContentTable]
    sequences: dict[str, int]


def digest_large_objects(connection: Any) -> TableContent:
    """Count and digest all large objects of a database, within a transaction.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        with looking_in(connection, "pg_catalog"):
            cursor.execute(load_sql("contents/digest_large_objects"))
        return TableContent(*cursor.fetchone())


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
                    self._connection, lambda: begin(self._connection, self.access), _scope(self.access), limit
                )
            writes = "READ WRITE" if self._past_policies else "READ ONLY"
            begin(self._connection, self.access, f"ISOLATION LEVEL REPEATABLE READ {writes}", snapshot)
            self.withheld = self._find_withheld() if self._past_policies else frozenset()
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

    def content(
        self,
        samples: Samples | None = None,
        done: Callable[[], object] = lambda: None,
        *,
        copied: Collection[tuple[str, str]] = (),
        large_objects: bool = True,
    ) -> Content:
        """Count and digest the rows of every table.

        :param samples: by schema and name, the tables of which a share of the rows is digested; all are counted.
        :param copied: the schemas and names of tables that are digested by the lines that COPY writes.
        :param large_objects: whether to digest those, too, in a database of the tenant's own.
        :param done: called after each table.
        :raises Conflict: tables were rewritten meanwhile, so they were not what the snapshot shows.
        :raises TenantryError: the database refused or went away.
        """
        tables: dict[str, TableContent] = {}
        with self._translated():
            for name, table in self.tables.items():
                place = (table.schema, table.name)
                tables[name] = (
                    digest_copied(self._connection, table)
                    if place in copied
                    else self._digest(table, (samples or {}).get(place))
                )
                done()
            of_its_own = large_objects and self.access.home.isolation is Isolation.DATABASE
            objects = self._large_objects() if of_its_own else None
            sequences = {} if self.access.is_pooled else self._sequences()
            content = Content(tables, sequences, objects, self._groups())
        self.require_unchanged()
        return content

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

    def hold(self) -> None:
        """Lock the tables for reading, as far as that is possible at once.

        :raises TenantryError: the database refused or went away.
        """
        with self._translated():
            steadiness.hold_tables(self._connection, _scope(self.access))

    def require_unchanged(self) -> None:
        """Make sure that the tables are those that the snapshot shows, for whoever has read them by their names.

        :raises Conflict: they were rewritten, dropped or renamed since (`tables_rewritten`).
        :raises TenantryError: the database refused or went away.
        """
        with self._translated():
            steadiness.require_unchanged(self._connection, _scope(self.access))

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
        states: dict[str, tuple[int, bool]] = {}
        with self._translated(), self._connection.cursor() as cursor:
            for name, place in find_sequences(self._connection, self.access).items():
                if name in self.unreadable.sequences:
                    continue
                cursor.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(*place)))
                states[name] = cursor.fetchone()
        return states

    def close(self) -> None:
        """End the transaction, and with it the snapshot and its locks."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find_withheld(self) -> frozenset[tuple[str, str]]:
        """Find the schemas and names of the tables that the role can't read whole."""
        return frozenset(
            (schema, name) for schema, name, _, is_sequence in self._look_for_unreadable() if not is_sequence
        )

    def _look_for_unreadable(self) -> list[tuple[str, str, int, bool]]:
        with self._connection.cursor() as cursor:
            with looking_in(self._connection, "pg_catalog"):
                cursor.execute(load_sql("contents/unreadable"), _scope(self.access))
            found: list[tuple[str, str, int, bool]] = cursor.fetchall()
            return found

    def _find_unreadable(self) -> Unreadable:
        if not self._leaves_out:
            return Unreadable({}, {})
        found = [
            (_name(self.access, schema, name), oid, is_sequence)
            for schema, name, oid, is_sequence in self._look_for_unreadable()
        ]
        return Unreadable(
            {name: self.tables[name] for name, _, is_sequence in found if not is_sequence and name in self.tables},
            {name: oid for name, oid, is_sequence in found if is_sequence},
        )

    def _groups(self) -> dict[str, str]:
        """Name what each table whose rows are distributed otherwise in a copy is compared with others as."""
        tables = {**self.tables, **self.unreadable.tables}
        return {name: _name(self.access, *table.rehashed_in) for name, table in tables.items() if table.rehashed_in}

    def _digest(self, table: ContentTable, sample: Sample | None) -> TableContent:
        chosen: sql.Composable = sql.SQL("")
        if sample:
            of_key = sql.SQL(" FILTER (WHERE pg_catalog.mod({}, {}::bigint) OPERATOR(pg_catalog.=) 0::bigint)")
            chosen = of_key.format(self._hash_key(table, sample), sql.Literal(sample.one_in))
        statement = sql.SQL("SELECT pg_catalog.count(*), coalesce(pg_catalog.sum({}){}, 0)::text FROM ONLY {}").format(
            self._hash([column.name for column in table.columns], seed=0),
            chosen,
            sql.Identifier(table.schema, table.name),
        )
        if only := self.access.only:
            condition = sql.SQL(" WHERE {} OPERATOR(pg_catalog.=) {}")
            statement += condition.format(sql.Identifier(TENANT_COLUMN), sql.Literal(only.value))
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return TableContent(*cursor.fetchone())

    def _hash_key(self, table: ContentTable, sample: Sample) -> sql.Composable:
        types = {column.name: column.type for column in table.columns}
        if len(sample.key) == 1 and (cheap := _CHEAP_HASHES.get(types.get(sample.key[0], ""))):
            return sql.SQL(cheap).format(sql.Identifier(sample.key[0]))
        return self._hash(sample.key, seed=1)

    def _hash(self, columns: Sequence[str], seed: int) -> sql.Composable:
        row = sql.SQL("ROW({})::text").format(sql.SQL(", ").join(map(sql.Identifier, columns)))
        # Of the server's own encoding: two that differ in it are compared in UTF-8.
        hashed = (
            sql.SQL('pg_catalog.hashtextextended({} COLLATE pg_catalog."C", {}::bigint)')
            if self.encoding in _HASHED_AS_IS
            else sql.SQL(
                "pg_catalog.hashtextextended(pg_catalog.convert_from(pg_catalog.convert_to({}, 'UTF8'), 'SQL_ASCII') "
                'COLLATE pg_catalog."C", {}::bigint)'
            )
        )
        return hashed.format(row, sql.Literal(seed))

    def _large_objects(self) -> TableContent | None:
        content = digest_large_objects(self._connection)
        return content if content.rows else None

    def _sequences(self) -> dict[str, str]:
        return {name: f"{value} {called}" for name, (value, called) in self.sequences().items()}

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


def _scope(access: Access) -> dict[str, str | None]:
    """Say which schema to look in: in a database of the tenant's own, all of them."""
    return {"schema": None if access.home.isolation is Isolation.DATABASE else access.home.schema}


def _name(access: Access, schema: str, name: str) -> str:
    return content_key("" if schema == access.home.schema else schema, name)


def _has_tenant(table: ContentTable) -> bool:
    return any(column.name == TENANT_COLUMN for column in table.columns)


def _without_tenant(table: ContentTable) -> ContentTable:
    return replace(table, columns=tuple(column for column in table.columns if column.name != TENANT_COLUMN))

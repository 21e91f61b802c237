"""Digests the rows of a table, and large objects, in the server: one number for all, whatever their order.

What has no bound, such as a text, is hashed by itself and where it lies. The text of a row then is a short one, while a
text of all that the row holds can be longer than a server can make, and takes a multiple of the row's memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from tenantry.contents.access import looking_in
from tenantry.contents.inventory import TENANT_COLUMN
from tenantry.contents.passing import passing
from tenantry.database.pg_dump import NO_ENCODING
from tenantry.database.sql_files import load_sql
from tenantry.domain.content import ContentColumn, ContentTable, Sample, TableContent
from tenantry.domain.tenant import TenantId

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
# Types of any length, by the function that writes them; these values are never long. A `char(n)` is one if n is small.
_SHORT = frozenset({"numeric_out", "inet_out", "cidr_out"})
_IS_TEXT = frozenset({"textout", "varcharout"})
# Written as COPY writes them, without the quotes that a row's text adds.
_WRITTEN = frozenset(
    {"bpcharout", "json_out", "jsonb_out", "xml_out", "array_out", "record_out", "bit_out", "varbit_out"}
)
_AS_ROW = "ROW({})::text"
# Of a large object, in bytes: as much as is in memory at once. It is part of what a digest is.
PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RowDigest:
    """How to digest rows: in a database of which encoding, and of whom in tables that others share.

    `whole`: each row as one text, as in backups up to format 2.
    """

    encoding: str
    only: TenantId | None = None
    whole: bool = False

    def statement(self, table: ContentTable, sample: Sample | None) -> sql.Composable:
        """Write the query for the number of rows, their digest, and the OID and file of the table that it has read."""
        chosen: sql.Composable = sql.SQL("")
        if sample:
            of_key = sql.SQL(" FILTER (WHERE pg_catalog.mod({}, {}::bigint) OPERATOR(pg_catalog.=) 0::bigint)")
            chosen = of_key.format(self._hash_key(table, sample), sql.Literal(sample.one_in))
        name = sql.Identifier(table.schema, table.name)
        # While this is being read, its name means no other table, and no other file.
        found = sql.SQL("pg_catalog.to_regclass({})").format(sql.Literal(table.quoted))
        statement = sql.SQL(
            "SELECT pg_catalog.count(*), coalesce(pg_catalog.sum({}){}, 0)::text,"
            " {}::pg_catalog.oid::bigint, pg_catalog.pg_relation_filenode({})::bigint FROM ONLY {}"
        ).format(self._hash(self._row(table.columns)), chosen, found, found, name)
        if self.only:
            condition = sql.SQL(" WHERE {} OPERATOR(pg_catalog.=) {}")
            statement += condition.format(sql.Identifier(TENANT_COLUMN), sql.Literal(self.only.value))
        return statement

    def _hash_key(self, table: ContentTable, sample: Sample) -> sql.Composable:
        types = {column.name: column.type for column in table.columns}
        if len(sample.key) == 1 and (cheap := _CHEAP_HASHES.get(types.get(sample.key[0], ""))):
            return sql.SQL(cheap).format(sql.Identifier(sample.key[0]))
        return self._hash(_row_of(map(sql.Identifier, sample.key)), seed=1)

    def _row(self, columns: Iterable[ContentColumn]) -> sql.Composable:
        return _row_of(sql.Identifier(column.name) if self.whole else self._value(column) for column in columns)

    def _value(self, column: ContentColumn) -> sql.Composable:
        """Write a value that is never long: itself, or a hash of it; null is null."""
        name, output = sql.Identifier(column.name), column.output
        if not output or output in _SHORT:
            return name
        if output == "byteaout":
            return sql.SQL("pg_catalog.sha256({})").format(name)
        if output in _IS_TEXT:
            return self._hash(sql.SQL("{}::text").format(name))
        if output in _WRITTEN:
            return self._hash(sql.SQL(f"pg_catalog.textin(pg_catalog.{output}({{}}))").format(name))
        return self._hash(_row_of([name]))

    def _hash(self, text: sql.Composable, seed: int = 0) -> sql.Composable:
        # Of the server's own encoding: two that differ in it are compared in UTF-8.
        hashed = (
            sql.SQL('pg_catalog.hashtextextended({} COLLATE pg_catalog."C", {}::bigint)')
            if self.encoding in _HASHED_AS_IS
            else sql.SQL(
                "pg_catalog.hashtextextended(pg_catalog.convert_from(pg_catalog.convert_to({}, 'UTF8'), 'SQL_ASCII') "
                'COLLATE pg_catalog."C", {}::bigint)'
            )
        )
        return hashed.format(text, sql.Literal(seed))


def digest_large_objects(connection: Any, *, whole: bool = False) -> TableContent:
    """Count and digest all large objects of a database, within a transaction, piece by piece.

    :param whole: each at once, as in backups up to format 2.
    :raises psycopg2.Error: as PostgreSQL gave it; the transaction is as it was.
    """
    with passing(connection) as execute, looking_in(connection, "pg_catalog"):
        if whole:
            found = execute(load_sql("contents/digest_large_objects"))
        else:
            found = execute(load_sql("contents/digest_large_object_pieces"), {"bytes": PIECE_BYTES})
        return TableContent(*found.fetchone())


def _row_of(values: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(_AS_ROW).format(sql.SQL(", ").join(values))

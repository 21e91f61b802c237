"""Counts and digests a table's rows by the lines that COPY writes, which runs no expression of the tenant's.

To plan a SELECT, PostgreSQL evaluates what is constant in a table's indexes and statistics, with the rights of whoever
asks. COPY of a table plans nothing. It sends all rows here, so it is for tables that can't be read in another way.
"""

from hashlib import blake2b
from typing import Any

from psycopg2 import sql

from tenantry.contents.passing import passing
from tenantry.database.pg_dump import NO_ENCODING
from tenantry.domain.content import ContentTable, TableContent

_DIGEST_BYTES = 8
_MODULUS = 1 << 64


def digest_copied(connection: Any, table: ContentTable) -> TableContent:
    """Count a table's rows, and add up the digests of their lines; in a transaction of `access.begin`.

    Generated columns are left out: COPY does not write them, and what they are made of is digested.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    written = [sql.Identifier(column.name) for column in table.stored]
    columns = sql.SQL(" ({})").format(sql.SQL(", ").join(written)) if written else sql.SQL("")
    name = sql.Identifier(table.schema, table.name)
    lines = _Lines()
    with passing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.getdatabaseencoding()::text")
        # What has no encoding can't be told in another.
        encoding = NO_ENCODING if cursor.fetchone()[0] == NO_ENCODING else "UTF8"
        copy = sql.SQL("COPY {}{} TO STDOUT WITH (ENCODING {})").format(name, columns, sql.Literal(encoding))
        cursor.copy_expert(copy, lines)
    return TableContent(lines.count, str(lines.total % _MODULUS))


class _Lines:
    """What COPY is written to: it gets one row at a time."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0

    def write(self, line: bytes) -> None:
        self.count += 1
        self.total += int.from_bytes(blake2b(line, digest_size=_DIGEST_BYTES).digest())

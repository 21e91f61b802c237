"""Tells whether a dump has failed of a row that no client can read, as PostgreSQL writes it: one of more than 1 GB."""

import time
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile

import psycopg2
from psycopg2 import sql

from tenantry.backups.logins import BackupLogins
from tenantry.contents.access import Access
from tenantry.contents.passing import Execute, passing
from tenantry.contents.reader import ContentReader
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.content import ContentTable
from tenantry.domain.errors import BackupFailed, TenantryError
from tenantry.domain.tenant import Home

# What one message, and one value as text, may have at most.
MOST_BYTES = (1 << 30) - 1
# What nothing is stored in less than a share of: the best that PostgreSQL compresses.
_COMPRESSED = 300
_SECONDS = 10
# What a byte of each becomes at least; a text has escapes besides, and bytes have two digits.
_WRITTEN = {"textout": 1, "varcharout": 1, "byteaout": 2}


def explain_oversize(logins: BackupLogins, settings: ConnectSettings) -> None:
    """Look for such a row, for some seconds. Nothing is read but lengths.

    :raises BackupFailed: there is one (`row_too_long`); `details` names its table.
    """
    place = logins.count
    home = Home("", place.isolation, place.dbname, place.schema)
    limited = replace(settings, statement_timeout_ms=_SECONDS * 1000)
    access, found = Access(home, place, logins.role), None
    # The dump has failed, and that is told where this can't be.
    with (
        suppress(TenantryError, psycopg2.Error),
        ContentReader(access, limited, leaves_out=logins.reads_all) as reader,
    ):
        found = _find(reader)
    if found:
        raise BackupFailed(
            "A row is longer than 1 GB as PostgreSQL writes it: no client can read it, and pg_dump fails.",
            code="row_too_long",
            details=f"{found.schema}.{found.name}",
            hint="Keep what is longer than 500 MB as a large object, or in several rows.",
        )


def _find(reader: ContentReader) -> ContentTable | None:
    until = time.monotonic() + _SECONDS
    with passing(reader.connection) as execute:
        in_time = takewhile(lambda _: time.monotonic() < until, reader.tables.values())
        return next((table for table in in_time if _has_oversize(execute, table)), None)


def _has_oversize(execute: Execute, table: ContentTable) -> bool:
    lengths = [
        sql.SQL("coalesce(pg_catalog.octet_length({})::bigint, 0) OPERATOR(pg_catalog.*) {}::bigint").format(
            sql.Identifier(column.name), sql.Literal(_WRITTEN[column.output])
        )
        for column in table.stored
        if column.output in _WRITTEN
    ]
    if not lengths:
        return False
    (size,) = execute("SELECT pg_catalog.pg_table_size(%s::oid::pg_catalog.regclass)", (table.oid,)).fetchone()
    if size < MOST_BYTES // 2 // _COMPRESSED:
        return False
    total = sql.SQL(" OPERATOR(pg_catalog.+) ").join(lengths)
    asked = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {} WHERE {} OPERATOR(pg_catalog.>=) {}::bigint)")
    name = sql.Identifier(table.schema, table.name)
    return bool(execute(asked.format(name, total, sql.Literal(MOST_BYTES))).fetchone()[0])

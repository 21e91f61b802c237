"""Copies rows table by table, between homes that have the same tables: `COPY … TO` into `COPY … FROM`."""

import os
import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Protocol

import psycopg2
from psycopg2 import sql

from tenantry.contents.reader import ContentReader
from tenantry.database.sql_errors import translate
from tenantry.domain.content import ContentTable
from tenantry.domain.errors import Conflict
from tenantry.domain.revision import VERSION_TABLE

_PIPE_BYTES = 1 << 16


class RowTarget(Protocol):
    """Where rows are copied to, in a transaction of its own that is committed with the last of them."""

    @property
    def tables(self) -> Mapping[str, ContentTable]:
        """The tables, by the name that they have in any home."""

    def receive(self, table: ContentTable, stream: Any) -> None:
        """Fill a table with what is read from `stream`, in COPY's text format."""

    def finish(self, source: ContentReader) -> None:
        """Let sequences go on where the rows end, and commit."""

    def close(self) -> None:
        """End it; what was not committed is as it was."""


def require_same_tables(source: Mapping[str, ContentTable], target: Mapping[str, ContentTable], code: str) -> None:
    """Make sure that each table of the one is in the other, with the same columns.

    :raises Conflict: they differ; `details` name the tables.
    """
    names = sorted((source.keys() | target.keys()) - {VERSION_TABLE})
    differing = [
        name
        for name in names
        if name not in source or name not in target or not source[name].has_columns_of(target[name])
    ]
    if differing:
        raise Conflict(
            "The tables of the two places differ, so rows can't be copied from one to the other.",
            code=code,
            details=", ".join(differing[:10]),
            hint="Bring both to the same tables and columns, and repeat the call.",
        )


def copy_rows(source: ContentReader, target: RowTarget) -> None:
    """Copy the rows of every table, all or none, and commit.

    :raises TenantryError: a database refused or went away; the target is as it was.
    """
    for name, table in target.tables.items():
        if name in source.tables:
            _copy_table(source, source.tables[name], table, target)
    target.finish(source)


def _copy_table(source: ContentReader, table: ContentTable, into: ContentTable, target: RowTarget) -> None:
    reading, writing = os.pipe()
    failures: list[psycopg2.Error] = []
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.stored)
    statement = sql.SQL("COPY (SELECT {} FROM ONLY {}) TO STDOUT").format(
        columns, sql.Identifier(table.schema, table.name)
    )

    def send() -> None:
        # Closed at its end, whatever it ends with: else the receiver would wait forever.
        with os.fdopen(writing, "wb", _PIPE_BYTES) as stream, source.connection.cursor() as cursor:
            try:
                cursor.copy_expert(statement, stream, _PIPE_BYTES)
            except psycopg2.Error as exc:
                failures.append(exc)
            except BrokenPipeError:
                # The receiver has failed, and says why.
                source.close()

    sender = threading.Thread(target=send, name="copy-rows")
    sender.start()
    try:
        with closing(os.fdopen(reading, "rb", _PIPE_BYTES)) as stream:
            target.receive(into, stream)
    finally:
        sender.join()
    if failures:
        # The receiver has taken what came for the whole: its transaction is not committed.
        raise translate(failures[0]) from failures[0]

"""Compares what was restored with what the manifest says was backed up."""

from dataclasses import dataclass
from typing import NamedTuple

import psycopg2
from psycopg2 import sql

from tenantry.adapters.content_digest import Access, ContentReader
from tenantry.adapters.migrations import schema_revision
from tenantry.adapters.postgres import ConnectSettings
from tenantry.adapters.sql_errors import translate
from tenantry.domain.backup import Manifest
from tenantry.domain.content import Table
from tenantry.domain.errors import RestoreFailed

_NAMED = 10


class FoundTable(NamedTuple):
    """A table, the rows that came back, and whether they are what was backed up."""

    schema: str
    table: str
    rows: int
    matches: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """What came back. `has_digests` says whether content was compared too: older backups have counts only."""

    tables: tuple[FoundTable, ...]
    missing: tuple[str, ...]
    has_digests: bool
    # The revision that was restored; empty: none of ours.
    schema_revision: str = ""

    @property
    def rows(self) -> int:
        """How many rows came back."""
        return sum(table.rows for table in self.tables)

    @property
    def matches(self) -> bool:
        """Whether everything came back as it was."""
        return not self.differing

    @property
    def differing(self) -> list[str]:
        """Name tables that are not as they were."""
        return [*(f"{t.schema}.{t.table}" for t in self.tables if not t.matches), *self.missing]

    def require_same(self) -> None:
        """Make sure that everything came back.

        :raises RestoreFailed: it did not (`restore_differs`); `details` name the tables.
        """
        if self.differing:
            raise RestoreFailed(
                "What was restored is not what was backed up.",
                code="restore_differs",
                details=", ".join(self.differing[:_NAMED]),
            )


def examine(manifest: Manifest, access: Access, settings: ConnectSettings) -> Findings:
    """Count (and digest, where the manifest has digests) the rows of every table in a scratch database.

    :raises TenantryError: the server refused or went away.
    """
    wanted = {(table.schema_name, table.table): table for table in manifest.tables}
    digests = _digests(manifest)
    with ContentReader(access, settings) as reader:
        content = reader.content().tables if digests else {}
        counted = {
            (table.schema, table.name): content[name].rows if digests else _count(reader, table)
            for name, table in reader.tables.items()
        }
        revision = schema_revision(reader.connection, access.home.schema) or ""
        found = {(table.schema, table.name): content.get(name) for name, table in reader.tables.items()}
    tables = [
        FoundTable(
            *key,
            rows,
            key in wanted
            and rows == wanted[key].rows
            and (key not in digests or digests[key] == getattr(found[key], "digest", None)),
        )
        for key, rows in sorted(counted.items())
    ]
    missing = sorted(f"{schema}.{table}" for schema, table in wanted.keys() - counted.keys())
    return Findings(tuple(tables), tuple(missing), bool(digests), revision)


def _digests(manifest: Manifest) -> dict[tuple[str, str], str]:
    """List the digests by table, of a manifest that has them."""
    pairs = (((t.schema_name, t.table), getattr(t, "digest", None)) for t in manifest.tables)
    return {key: digest for key, digest in pairs if digest}


def _count(reader: ContentReader, table: Table) -> int:
    statement = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(table.schema, table.name))
    try:
        with reader.connection.cursor() as cursor:
            cursor.execute(statement)
            return int(cursor.fetchone()[0])
    except psycopg2.Error as exc:
        raise translate(exc) from exc

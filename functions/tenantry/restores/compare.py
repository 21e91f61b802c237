"""Compares what was restored with what the manifest says was backed up."""

from dataclasses import dataclass
from typing import NamedTuple

import psycopg2
from psycopg2 import sql

from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.database.connecting import ConnectSettings
from tenantry.database.sql_errors import translate
from tenantry.domain.backup import Manifest, TableRows
from tenantry.domain.content import LARGE_OBJECTS, Content, ContentTable, Place, TableContent
from tenantry.domain.errors import RestoreFailed
from tenantry.domain.fingerprint import from_facts
from tenantry.restores.regrouped import compare_groups
from tenantry.revisions.version import schema_revision

_NAMED = 10


class FoundTable(NamedTuple):
    """A table, the rows that came back, and whether they are what was backed up.

    `matches` is None where that can't be told: its rows were not counted when it was backed up, and are not now.
    """

    schema: str
    table: str
    rows: int | None
    matches: bool | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What came back.

    `missing` names tables that did not, and whatever is defined in another way or has other rights than it had.
    `has_digests` tells whether content was compared too: older backups have counts only.
    """

    tables: tuple[FoundTable, ...]
    missing: tuple[str, ...]
    has_digests: bool
    # The revision that was restored; empty: none of ours.
    schema_revision: str = ""
    # Roles of others that have got nothing back: they are not on this server. What they owned is the tenant's owner's.
    left_out: tuple[str, ...] = ()
    # The code of what kept some of it from being counted when it was backed up, so that it could not be compared.
    uncounted: str | None = None

    @property
    def rows(self) -> int:
        """How many rows came back."""
        return sum(table.rows or 0 for table in self.tables)

    @property
    def compared(self) -> str:
        """What was compared: `content`, `counts` alone, or `part`, where not all was counted when it was backed up."""
        if self.uncounted:
            return "part"
        return "content" if self.has_digests else "counts"

    @property
    def matches(self) -> bool:
        """Whether everything that could be compared came back as it was."""
        return not self.differing

    @property
    def differing(self) -> list[str]:
        """Name tables that are not as they were."""
        return [*(f"{t.schema}.{t.table}" for t in self.tables if t.matches is False), *self.missing]

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
    """Compare the definitions and the rows of every table in a scratch database, as far as the manifest has them.

    :raises TenantryError: the server refused or went away.
    """
    wanted = {(table.schema_name, table.table): table for table in manifest.tables}
    has_digests = manifest.has_digests
    # Nobody else is there: what hides rows from their owner, too, is put aside for as long as this takes.
    with ContentReader(access, settings, past_policies=True, computed=_has_computed(manifest)) as reader:
        content = reader.content(manifest.counting) if has_digests else None
        tables, contents = list[FoundTable](), dict[Place, TableContent]()
        for name, table in reader.tables.items():
            there = wanted.pop(table.place, None)
            if there and there.rows is None:
                tables.append(FoundTable(*table.place, None, None))
                continue
            found = content.tables[name] if content else TableContent(_count(reader, table), "")
            contents[table.place] = found
            tables.append(_compare(table, found, there))
        revision = schema_revision(reader.connection, access.home.schema) or ""
    grouped = compare_groups(manifest.tables, contents)
    tables = [t._replace(matches=grouped.get((t.schema, t.table), t.matches)) for t in tables]
    missing = _redefined(manifest, access, settings)
    missing += sorted(f"{schema}.{table}" for schema, table in wanted)
    if content and not _same_objects(manifest, content):
        missing.append(LARGE_OBJECTS)
    return Findings(tuple(tables), tuple(missing), has_digests, revision, uncounted=manifest.uncounted)


def _has_computed(manifest: Manifest) -> bool:
    """Whether digests are of what is computed when it is read, too, as before it was said what does not come back."""
    return manifest.omissions is None


def _redefined(manifest: Manifest, access: Access, settings: ConnectSettings) -> list[str]:
    """Name what is defined in another way than it was: policies too, so nothing may put them aside meanwhile."""
    if manifest.fingerprint is None:
        return []
    wanted = from_facts(manifest.fingerprint.model_dump())
    left_out = {(gone.kind, gone.name) for gone in manifest.left_out}
    with ContentReader(access, settings) as reader:
        return wanted.differences(reader.defined().fingerprint, access.home.schema, left_out)


def _compare(table: ContentTable, found: TableContent, wanted: TableRows | None) -> FoundTable:
    matches = wanted is not None and wanted.rows == found.rows and wanted.digest in (None, found.digest)
    return FoundTable(table.schema, table.name, found.rows, matches)


def _same_objects(manifest: Manifest, content: Content) -> bool:
    found, wanted = content.large_objects, manifest.large_objects
    if manifest.uncounted and not wanted:
        return True
    return (found and (found.rows, found.digest)) == (wanted and (wanted.count, wanted.digest))


def _count(reader: ContentReader, table: ContentTable) -> int:
    statement = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(table.schema, table.name))
    try:
        with reader.connection.cursor() as cursor:
            cursor.execute(statement)
            return int(cursor.fetchone()[0])
    except psycopg2.Error as exc:
        raise translate(exc) from exc

"""Compares what was restored with what the manifest says was backed up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import psycopg2
from psycopg2 import sql

from tenantry.contents.digest import Access, ContentReader
from tenantry.database.connecting import ConnectSettings
from tenantry.database.revisions import schema_revision
from tenantry.database.sql_errors import translate
from tenantry.domain.backup import Manifest, TableRows
from tenantry.domain.content import LARGE_OBJECTS, Content, ContentTable, Place, TableContent, together
from tenantry.domain.errors import RestoreFailed
from tenantry.domain.fingerprint import from_facts

_NAMED = 10


class FoundTable(NamedTuple):
    """A table, the rows that came back, and whether they are what was backed up."""

    schema: str
    table: str
    rows: int
    matches: bool


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
    """Compare the definitions and the rows of every table in a scratch database, as far as the manifest has them.

    :raises TenantryError: the server refused or went away.
    """
    wanted = {(table.schema_name, table.table): table for table in manifest.tables}
    has_digests = any(table.digest for table in manifest.tables)
    # Nobody else is there: what hides rows from their owner, too, is put aside for as long as this takes.
    with ContentReader(access, settings, past_policies=True, computed=_has_computed(manifest)) as reader:
        content = reader.content(manifest.samples, copied=manifest.copied) if has_digests else None
        tables: list[FoundTable] = []
        there: dict[Place, TableContent] = {}
        for name, table in reader.tables.items():
            found = content.tables[name] if content else TableContent(_count(reader, table), "")
            there[table.place] = found
            tables.append(_compare(table, found, wanted.pop((table.schema, table.name), None)))
        revision = schema_revision(reader.connection, access.home.schema) or ""
    tables = _regrouped(manifest, tables, there)
    missing = _redefined(manifest, access, settings)
    missing += sorted(f"{schema}.{table}" for schema, table in wanted)
    if content and not _same_objects(manifest, content):
        missing.append(LARGE_OBJECTS)
    return Findings(tuple(tables), tuple(missing), has_digests, revision)


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


def _regrouped(manifest: Manifest, tables: list[FoundTable], found: Mapping[Place, TableContent]) -> list[FoundTable]:
    """Compare partitions whose rows may lie in others as one table."""
    parts = {(t.schema_name, t.table): t for t in manifest.tables if t.rehashed_in}
    if not parts:
        return tables
    groups = {place: table.rehashed_in or place for place, table in parts.items()}
    # Digests of two kinds can't be added up.
    mixed = {groups[place] for place, t in parts.items() if t.digest is None}
    mixed |= {groups[p] for p, t in parts.items() if t.copied} & {groups[p] for p, t in parts.items() if not t.copied}

    def sums(contents: Mapping[Place, TableContent]) -> dict[Place, TableContent]:
        summed = together({p: replace(c, digest=c.digest or "0") for p, c in contents.items() if p in parts}, groups)
        return {group: replace(c, digest="") if group in mixed else c for group, c in summed.items()}

    wanted, there = sums({p: TableContent(t.rows, t.digest or "") for p, t in parts.items()}), sums(found)
    same = {place: wanted[group] == there.get(group) for place, group in groups.items()}
    return [t._replace(matches=same.get((t.schema, t.table), t.matches)) for t in tables]


def _same_objects(manifest: Manifest, content: Content) -> bool:
    found, wanted = content.large_objects, manifest.large_objects
    return (found and (found.rows, found.digest)) == (wanted and (wanted.count, wanted.digest))


def _count(reader: ContentReader, table: ContentTable) -> int:
    statement = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(table.schema, table.name))
    try:
        with reader.connection.cursor() as cursor:
            cursor.execute(statement)
            return int(cursor.fetchone()[0])
    except psycopg2.Error as exc:
        raise translate(exc) from exc

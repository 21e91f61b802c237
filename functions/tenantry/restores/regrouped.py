"""Compares partitions whose rows a restore may distribute otherwise: all of one partitioned table as one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tenantry.domain.backup import TableRows
from tenantry.domain.content import Place, TableContent, together


def compare_groups(tables: Sequence[TableRows], found: Mapping[Place, TableContent]) -> dict[Place, bool | None]:
    """Say of each of these tables that is such a partition whether what was found is what was backed up.

    None: rows of its group were not counted.
    """
    parts = {(t.schema_name, t.table): t for t in tables if t.rehashed_in}
    groups = {place: table.rehashed_in or place for place, table in parts.items()}
    uncounted = {groups[place] for place, table in parts.items() if table.rows is None}
    copied, whole = ({groups[p] for p, t in parts.items() if t.copied is is_copied} for is_copied in (True, False))
    # Digests of two kinds can't be added up.
    mixed = copied & whole | {groups[place] for place, table in parts.items() if table.digest is None}

    def sums(contents: Mapping[Place, TableContent]) -> dict[Place, TableContent]:
        summed = together({p: replace(c, digest=c.digest or "0") for p, c in contents.items() if p in parts}, groups)
        return {group: replace(c, digest="") if group in mixed else c for group, c in summed.items()}

    wanted, there = sums({p: TableContent(t.rows or 0, t.digest or "") for p, t in parts.items()}), sums(found)
    return {p: None if group in uncounted else wanted[group] == there.get(group) for p, group in groups.items()}

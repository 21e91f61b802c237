"""Judges what a revision does to large tables: a rewrite or a scan is an error above a number of rows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tenantry.domain.errors import Conflict
from tenantry.rollouts.looking import estimate_rows
from tenantry.rollouts.places import Place
from tenantry.rollouts.rollout import Rules


class SizedFinding(Protocol):
    """What a linter has found about a step, as far as a table's size matters."""

    @property
    def rule(self) -> str:
        """The linter's rule."""

    @property
    def tables(self) -> Collection[str]:
        """The tables that are concerned."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Knows, for each step by its digest, the findings that depend on a table's size."""

    findings: Mapping[str, Collection[SizedFinding]]

    def require(self, digests: Iterable[str], place: Place, rules: Rules) -> dict[str, int]:
        """Estimate the rows of the tables concerned, and make sure that none is too large.

        :returns: the rows by table.
        :raises Conflict: one has more rows than the rollout allows (`table_too_large`).
        :raises TenantryError: the server refused.
        """
        findings = [finding for digest in digests for finding in self.findings.get(digest, ())]
        tables = {bare_name(table) for finding in findings for table in finding.tables}
        rows = estimate_rows(place.connect, place.admin.home, tables)
        large = sorted(table for table, count in rows.items() if count > rules.max_rows)
        if large:
            told = sorted({one.rule for one in findings if {*map(bare_name, one.tables)} & {*large}})
            raise Conflict(
                "A revision rewrites or scans a table that is too large for that.",
                code="table_too_large",
                details=f"{', '.join(f'{table}: {rows[table]} rows' for table in large)} ({', '.join(told)})",
                hint="Split the revision as its findings say, or raise max_rows where such a lock does no harm.",
            )
        return rows


def bare_name(table: str) -> str:
    """Return a table's name without its schema and quotes, as the catalogue has it."""
    name = table[table.index('"') :] if table.endswith('"') else table.rpartition(".")[2]
    return name.rpartition('"."')[2].strip('"').replace('""', '"')

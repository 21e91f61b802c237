"""Rules of our own: what squawk does not look for, and what a revision has to say of itself."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tenantry.revisions.lint.rules import HINTS
from tenantry.revisions.lint.statements import NAME, Statement


@dataclass(frozen=True, slots=True)
class OwnRemark:
    """What is wrong, and what to do, without the statement."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    """How a statement begins, without what stands in parentheses.

    `in_transaction` says where it counts: in one, outside, or (None) in both.
    """

    rule: str
    words: str
    message: str
    in_transaction: bool | None = None


_ALTER: Final = rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{NAME} "
_ALONE: Final = "It can't be run in a transaction: set `in_transaction = False` in a revision of its own."
_REWRITTEN: Final = "The whole table is written anew while nobody can read it."
# The role, the schema and the limits with which all revisions are run.
_OURS: Final = r"(?:role|session_authorization|search_path|row_security|(?:lock|statement|transaction|idle\w*)_timeout)"
_SET: Final = rf"(?:SET|RESET) (?:SESSION |LOCAL )?(?:{_OURS}|AUTHORIZATION)\b|RESET ALL\b|DISCARD (?:ALL|TEMP)\b"
_SET_CONFIG: Final = re.compile(rf"\bset_config\s*\(\s*'{_OURS}'", re.IGNORECASE)
_CHANGE: Final = re.compile(r"(?:UPDATE|DELETE|INSERT|MERGE)\b", re.IGNORECASE)

_PATTERNS: Final = (
    _Pattern("table-rewritten", rf"{_ALTER}(?:.* , )?SET (?:LOGGED|UNLOGGED|TABLESPACE|ACCESS METHOD)\b", _REWRITTEN),
    _Pattern(
        "table-rewritten",
        rf"{_ALTER}(?:.* , )?ADD (?:COLUMN )?(?:IF NOT EXISTS )?{NAME} (?:small|big)?serial\d?\b",
        f"{_REWRITTEN} {HINTS['adding-field-with-default']}",
    ),
    _Pattern("table-rewritten", r"CLUSTER\b|VACUUM FULL\b", _REWRITTEN),
    _Pattern(
        "table-scanned",
        rf"{_ALTER}(?:.* , )?ADD (?:COLUMN )?(?:IF NOT EXISTS )?(?!CONSTRAINT |CHECK )[^,]* CHECK\b",
        f"Every row is checked while nobody can read the table. {HINTS['table-scanned']}",
    ),
    _Pattern(
        "table-scanned",
        rf"{_ALTER}ATTACH PARTITION\b",
        "Every row is checked while nobody can write to the table. Add a CHECK that says the same, VALIDATE it before.",
    ),
    _Pattern(
        "validate-in-transaction",
        rf"{_ALTER}(?:.* , )?VALIDATE CONSTRAINT\b",
        "Every row is read in a transaction, which may not take long. Set `in_transaction = False`.",
        in_transaction=True,
    ),
    _Pattern(
        "require-concurrent-refresh",
        r"REFRESH MATERIALIZED VIEW (?!CONCURRENTLY\b)",
        "Nobody can read the view meanwhile. Use `REFRESH MATERIALIZED VIEW CONCURRENTLY`.",
    ),
    _Pattern("ban-truncate", r"TRUNCATE\b", f"It takes all rows away. {HINTS['ban-truncate']}"),
    _Pattern(
        "not-in-a-transaction",
        r"VACUUM\b|DROP INDEX CONCURRENTLY\b|REINDEX .*\bCONCURRENTLY\b|REINDEX (?:DATABASE|SCHEMA|SYSTEM)\b"
        rf"|{_ALTER}DETACH PARTITION .* CONCURRENTLY\b|ALTER SYSTEM\b|(?:CREATE|DROP) (?:DATABASE|TABLESPACE)\b",
        _ALONE,
        in_transaction=True,
    ),
)


def remarks_on(statement: Statement, *, in_transaction: bool) -> Iterator[OwnRemark]:
    """Say what our own rules find in a statement of an upgrade or a downgrade."""
    for pattern in _PATTERNS:
        if pattern.in_transaction in {None, in_transaction} and statement.begins(pattern.words):
            yield OwnRemark(pattern.rule, pattern.message)
    if statement.begins(r"VACUUM \(") and re.search(r"\bFULL\b", statement.plain.partition(")")[0], re.IGNORECASE):
        yield OwnRemark("table-rewritten", _REWRITTEN)
    if statement.begins(_SET) or _SET_CONFIG.search(statement.text):
        yield OwnRemark(
            "session-changed",
            "It changes the role, the schema or the limits with which all revisions are run. Leave it out.",
        )
    if _changed_rows(statement) in {"UPDATE", "DELETE"}:
        yield OwnRemark(
            "rows-changed-at-once",
            'All its rows are locked until the transaction ends. Change them in a revision with `phase = "backfill"`.',
        )


def remarks_on_batch(batch: Sequence[Statement]) -> Iterator[OwnRemark]:
    """Say what is wrong with a backfill's batch, which is repeated until it changes no row."""
    change = _changed_rows(batch[0]) if len(batch) == 1 else ""
    if not change:
        yield OwnRemark(
            "batch-not-a-change",
            "It is repeated until it changes no row. Make it one UPDATE, DELETE, INSERT or MERGE, and nothing else.",
        )
    elif change == "UPDATE" and not batch[0].has(r"\bWHERE\b"):
        yield OwnRemark(
            "batch-never-ends",
            "It changes every row each time. Give it a WHERE that leaves out the rows that are done.",
        )


def _changed_rows(statement: Statement) -> str:
    """Return the word with which a statement changes rows, itself or after its WITH; empty for any other."""
    if not statement.begins(r"WITH\b"):
        found = _CHANGE.match(statement.outer)
        return found[0].upper() if found else ""
    words = re.findall(r"\b(?:SELECT|VALUES|TABLE|UPDATE|DELETE|INSERT|MERGE)\b", statement.outer, re.IGNORECASE)
    return words[0].upper() if words and _CHANGE.match(words[0]) else ""

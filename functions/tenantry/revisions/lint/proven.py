"""Which columns hold no NULL for certain: a CHECK says so, and was validated. PostgreSQL reads no row of them then."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from tenantry.revisions.lint.statements import NAME, PART, Statement, unquoted

# What squawk calls it.
NOT_NULL_RULE: Final = "adding-not-nullable-field"
_ALTER: Final = rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{NAME} "
_CHECK: Final = re.compile(
    rf"{_ALTER}ADD CONSTRAINT (?P<name>{PART}) CHECK \( (?P<column>{PART}) IS NOT NULL \)(?P<later> NOT VALID)?",
    re.IGNORECASE,
)
_VALIDATE: Final = re.compile(rf"{_ALTER}VALIDATE CONSTRAINT (?P<name>{PART})", re.IGNORECASE)
# With nothing beside it: what the same statement drops is dropped first.
_SET: Final = re.compile(rf"{_ALTER}ALTER (?:COLUMN )?(?P<column>{PART}) SET NOT NULL", re.IGNORECASE)
_DROP: Final = re.compile(
    rf"{_ALTER}DROP CONSTRAINT (?:IF EXISTS )?(?P<name>{PART})(?: CASCADE| RESTRICT)?", re.IGNORECASE
)
# They leave a table's checks as they are.
_HARMLESS: Final = re.compile(
    rf"{_ALTER}(?:ADD|ALTER|VALIDATE|SET|ENABLE) (?!.*\b(?:DROP|RENAME|TYPE)\b)", re.IGNORECASE
)


def without_scan(upgrades: Sequence[Sequence[Statement]]) -> Iterator[tuple[int, int]]:
    """Yield which statements set NOT NULL on a column that is proven to hold none: the number of upgrade and statement.

    :param upgrades: the statements of all revisions, oldest first.
    """
    checks: dict[tuple[str, str], str] = {}
    valid: set[tuple[str, str]] = set()
    for revision, upgrade in enumerate(upgrades):
        for number, statement in enumerate(upgrade):
            table = statement.tables[0] if statement.tables else ""
            if found := _SET.fullmatch(statement.plain):
                if any(
                    name in valid and checks[name] == unquoted(found["column"]) for name in checks if name[0] == table
                ):
                    yield revision, number
            elif found := _CHECK.fullmatch(statement.plain):
                checks[table, unquoted(found["name"])] = unquoted(found["column"])
                valid |= set() if found["later"] else {(table, unquoted(found["name"]))}
            elif found := _VALIDATE.fullmatch(statement.plain):
                valid.add((table, unquoted(found["name"])))
            else:
                gone = _forgotten(statement, checks)
                checks = {name: column for name, column in checks.items() if name not in gone}
                valid -= gone


def _forgotten(statement: Statement, checks: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    """Name the checks that are not there any more after a statement, or may not be."""
    if found := _DROP.fullmatch(statement.plain):
        return {(statement.tables[0], unquoted(found["name"]))}
    if not re.match(r"(?:ALTER|DROP)\b", statement.plain, re.IGNORECASE) or _HARMLESS.match(statement.plain):
        return set()
    return {name for name in checks if not statement.tables or name[0] in statement.tables}

"""What the linter has found in the revisions: in a file beside theirs, which is packed with them.

The linter runs where the code is built (`make lint`). Here is what a running function needs: to read what it found.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.revision import Phase
from tenantry.revisions.history import revisions_directory

# No number at its beginning, and no `.py` at its end: neither Alembic nor `head_revision` takes it for a revision.
_FILE: Final = "findings.json"
_ABOUT: Final = "What `make lint` found in each revision. `make findings` writes it: commit it, and do not edit it."


class Level(StrEnum):
    """Whether a finding stops the build, unless it is accepted."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What may go wrong when a revision is run.

    `message` says what to do, too. `tables` are those that it is about, as far as the statement names them. `by_size`:
    it takes as long as they have rows. `accepted` is the reason that the revision gives, or empty.
    """

    rule: str
    level: Level
    message: str
    tables: tuple[str, ...] = ()
    by_size: bool = False
    accepted: str = ""


@dataclass(frozen=True, slots=True)
class LintedRevision:
    """A revision and what was found in it; `digest` is that of what its upgrade does, in hexadecimal."""

    revision: str
    digest: str
    phase: Phase
    findings: tuple[Finding, ...]


NOT_LINTED: Final = Finding(
    "not_linted",
    Level.WARNING,
    "The linter has not seen this revision as it is now. Run `make findings` and commit what it writes.",
)


def findings_file() -> Path:
    """Say where the findings are: in the directory of the revisions."""
    return revisions_directory() / _FILE


def read_findings() -> Mapping[str, tuple[Finding, ...]]:
    """Read what was found in each revision, by the digest of what its upgrade does; nothing where there is no file.

    :raises InvalidSetting: the file can't be read.
    """
    found: dict[str, tuple[Finding, ...]] = {}
    try:
        text = findings_file().read_text("utf-8")
    except FileNotFoundError:
        return found
    try:
        for entry in json.loads(text)["revisions"]:
            # Two revisions may do the same, and each have its own phase.
            known, more = found.get(entry["digest"], ()), map(_finding, entry["findings"])
            found[entry["digest"]] = (*known, *(one for one in more if one not in known))
    except (KeyError, TypeError, ValueError) as exc:
        raise InvalidSetting(f"The file {_FILE} of the revisions can't be read: run `make findings`.") from exc
    return found


def findings_of(digest: str, found: Mapping[str, tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """Return what was found in the revision with this digest: the warning `not_linted` if nobody has looked."""
    return found.get(digest, (NOT_LINTED,))


def as_text(revisions: list[LintedRevision]) -> str:
    """Write the file's text; a revision that can't be run at all has no digest, and is left out."""
    listed = [asdict(one) for one in revisions if one.digest]
    return json.dumps({"about": _ABOUT, "revisions": listed}, indent=2, ensure_ascii=False) + "\n"


def _finding(entry: dict[str, Any]) -> Finding:
    finding = Finding(**entry)
    return replace(finding, level=Level(finding.level), tables=tuple(finding.tables))

"""The file of the linter's findings, as a running function reads it."""

from pathlib import Path

import pytest

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.revision import Phase
from tenantry.revisions.findings import (
    NOT_LINTED,
    Finding,
    Level,
    LintedRevision,
    as_text,
    findings_of,
    read_findings,
)
from tenantry.revisions.history import head_revision

DROPPED = Finding("ban-drop-table", Level.ERROR, "Later.", ("a", "b"), accepted="empty")
REWRITTEN = Finding("table-rewritten", Level.ERROR, "Not now.", ("ü",), by_size=True)

LOCKED = Finding("require-concurrent-index-deletion", Level.ERROR, "Concurrently.")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(tmp_path))
    return tmp_path


def test_what_is_written_is_read(directory: Path) -> None:
    linted = [
        LintedRevision("0001", "aa", Phase.CONTRACT, (DROPPED, REWRITTEN)),
        LintedRevision("0002", "bb", Phase.EXPAND, (DROPPED, REWRITTEN)),
        LintedRevision("0003", "", Phase.EXPAND, (REWRITTEN,)),
        LintedRevision("0004", "aa", Phase.EXPAND, (REWRITTEN, LOCKED)),
    ]
    (directory / "findings.json").write_text(as_text(linted), "utf-8")

    found = read_findings()

    assert found == {"aa": (DROPPED, REWRITTEN, LOCKED), "bb": (DROPPED, REWRITTEN)}
    assert findings_of("bb", found) == (DROPPED, REWRITTEN)
    assert findings_of("cc", found) == (NOT_LINTED,)


def test_without_the_file_nothing_is_linted(directory: Path) -> None:
    assert read_findings() == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"revisions": [{}]}',
        '{"revisions": [{"digest": "a", "findings": [{"rule": "x"}]}]}',
        '{"revisions": [{"digest": "a", "findings": [{"rule": "x", "level": "fatal", "message": ""}]}]}',
    ],
)
def test_a_broken_file_is_told(directory: Path, text: str) -> None:
    (directory / "findings.json").write_text(text)
    with pytest.raises(InvalidSetting, match="make findings"):
        read_findings()


def test_the_file_is_no_revision(directory: Path) -> None:
    (directory / "findings.json").write_text("{}")
    with pytest.raises(InvalidSetting, match="has none"):
        head_revision()

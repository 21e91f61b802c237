"""Everything that the documents refer to exists: links, headings, and the files and folders that they name."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from tenantry.reports.drift.findings import Drift
from tenantry.reports.isolation.findings import Hole
from tests.unit.documents import ROOT, anchors, dead_links, documents, missing_paths


def _name(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", documents(), ids=_name)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert dead_links(document) == []


@pytest.mark.parametrize("document", documents(), ids=_name)
def test_every_path_that_is_named_exists(document: Path) -> None:
    assert missing_paths(document) == []


@pytest.mark.parametrize("document", documents(), ids=_name)
def test_one_shell_can_follow_several_documents(document: Path) -> None:
    """`API` is the stack's address in all of them: a call adds its own path."""
    text = document.read_text("utf-8")
    assert re.findall(r"\$API(?!/(?:rest|admin|backups)/v1)\S*", text) == []
    given = [address.strip('"') for address in re.findall(r"\bAPI=(\S+ -s url\)\S*)", text)]
    assert set(given) <= {"$(make -s url)"}


def test_every_decision_stands_in_the_index_under_its_own_title() -> None:
    folder = ROOT / "docs" / "decisions"
    titles = {path.name: path.read_text().split("\n", 1)[0] for path in folder.glob("[0-9]*.md")}
    rows = re.findall(r"^\| (\d+) \| \[([^]]+)\]\(([^)]+)\) \| [\d-]{10} \| [^|]+ \|$", _index(folder), re.MULTILINE)

    assert {name: f"# {number}. {title}" for number, title, name in rows} == titles


def test_every_document_is_listed() -> None:
    folder = ROOT / "docs"
    listed = set(re.findall(r"\]\(([^)#]+)\)", _index(folder)))

    assert {path.name for path in folder.glob("*.md")} - {"README.md"} <= listed
    assert "decisions/README.md" in listed


def test_faults_of_a_document_are_found(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text(
        "# A title: with `code`\n[a](gone.md) [b](#nowhere) [c](#a-title-with-code) [d](https://example.com/x)\n"
        "`functions/tenantry/adapters/homes.py` `gone.sql` `tests/unit/<room>` `functions/gone`\n"
        "`manifest.json` `POST /x` `a/b`\n"
        "```\n[e](gone.md)\n```\n"
    )

    assert anchors(document) == {"a-title-with-code"}
    assert dead_links(document) == ["gone.md", "#nowhere"]
    assert missing_paths(document) == ["functions/tenantry/adapters/homes.py", "gone.sql", "functions/gone"]


def _index(folder: Path) -> str:
    return (folder / "README.md").read_text()


@pytest.mark.parametrize(("heading", "kinds"), [("Isolation: what to do", Hole), ("Drift: what to do", Drift)])
def test_what_to_do_is_told_for_every_kind_of_finding(heading: str, kinds: type[StrEnum]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = re.split(r"^##", text.split(f"### {heading}\n")[1], flags=re.MULTILINE)[0]
    first_cells = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first_cells))) == sorted(kind.value for kind in kinds)

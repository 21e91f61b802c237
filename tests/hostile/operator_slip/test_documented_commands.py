"""What the documents have an operator paste builds no command of what somebody else has named."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

DOCUMENTS = sorted([*Path("docs").rglob("*.md"), Path("README.md"), Path("frontend/README.md")])
# A word that makes a command of text.
MAKERS = re.compile(r"\beval\b|\bxargs\b|\bsource <|\b(ba)?sh -c\b|\| *(ba)?sh\b|python3? *>|\\gexec")
# A manifest is fetched, deleted, or read by the command that knows what to do with it.
READERS = re.compile(r"aws s3 cp |aws s3api delete-object |python3 -m tenantry\.restores\.by_hand ")
# Ids of tenants have no character that a shell would mind, and the API gives no others.
HARMLESS = "for id in $(tenant_ids)"


def blocks(text: str) -> Iterator[str]:
    """Everything that is to be pasted: indented by four, or between fences."""
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip()


def takes_words(line: str) -> bool:
    """Whether what a program says becomes words of a command: it is not in quotes, and assigned to nothing."""
    before = ""
    for part in re.split(r"\$\((?!\()", line.replace('\\"', ""))[:-1]:
        before += part
        if not (before.count('"') % 2 or part.count('"') % 2 or part.endswith("=")):
            return True
    return False


def slips(line: str) -> list[str]:
    """What is wrong with a line."""
    return [
        *(["makes a command of text"] if MAKERS.search(line) else []),
        *(["reads a manifest"] if "manifest.json" in line and not READERS.search(line) else []),
        *(["takes an answer as words"] if takes_words(line) and not line.startswith(HARMLESS) else []),
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_a_document_builds_no_command_of_names(document: Path) -> None:
    """Names a table like a command and waits for an operator to paste: no documented line hands a name to a shell."""
    found = {line: slips(line) for line in blocks(document.read_text()) if slips(line)}
    assert not {line: wrong for line, wrong in found.items() if not line.startswith("tenants/")}


@pytest.mark.parametrize(
    "line",
    [
        "python3 > counts.sql <<'END'",
        'psql -c "SELECT count(*) FROM \\"$(jq -r .tables[0].table manifest.json)\\""',
        "jq -r '.tables[].table' manifest.json | xargs -I{} psql -c 'SELECT count(*) FROM {}'",
        "for t in $(jq -r '.tables[].table' names.json); do psql -c \"ANALYZE $t\"; done",
        'eval "$(jq -r .sql look.json)"',
        "psql -c '…' \\gexec",
    ],
)
def test_a_slip_would_be_noticed(line: str) -> None:
    assert slips(line)

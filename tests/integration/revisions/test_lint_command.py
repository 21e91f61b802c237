"""What `make lint` and `make findings` print, write and return."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tenantry.domain.revision import Phase, Step
from tenantry.revisions.findings import as_text, findings_file, read_findings
from tenantry.revisions.history import History
from tenantry.revisions.lint.__main__ import main
from tenantry.revisions.lint.judging import lint
from tenantry.revisions.rendering import RenderedHistory
from tests.integration.revisions.conftest import Versions

Told = Callable[..., tuple[int, str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run the command; returns its exit status and what it prints."""

    def run(*arguments: str) -> tuple[int, str]:
        status = main(arguments)
        return status, capsys.readouterr().out

    return run


def test_the_command_says_what_to_do(versions: Versions, told: Told) -> None:
    file = versions.add("0002", "0001", 'op.drop_table("candidates")')

    status, output = told("--write")

    assert status == 1
    assert f"{file}: error: ban-drop-table (candidates): " in output
    assert 'phase = "contract"' in output
    assert "1 to mend" in output


def test_the_file_has_to_be_up_to_date(versions: Versions, told: Told) -> None:
    status, output = told()
    assert (status, "make findings" in output) == (1, True)
    assert told("--write") == (0, "")
    assert told() == (0, "")

    file = versions.add("0002", "0001", 'op.drop_table("candidates")', safety_assured="it is not used")
    status, output = told()
    assert (status, "accepted, 'it is not used'" in output, "make findings" in output) == (1, True, True)
    assert told("--write")[0] == 0
    assert told()[0] == 0

    scripts = RenderedHistory(History())
    (step,) = [Step(one) for one in scripts.history.revisions if one.revision_id == "0002"]
    (found,) = read_findings()[scripts.digest(step)]
    assert (found.rule, found.accepted, found.tables) == ("ban-drop-table", "it is not used", ("candidates",))
    file.write_text(file.read_text().replace("candidates", "people"))
    assert told()[0] == 1


def test_files_that_can_not_be_read_are_told(versions: Versions, told: Told) -> None:
    (versions.path / "0002_made.py").write_text("revision = ")
    status, output = told()
    assert status == 2
    assert "can't be read" in output
    assert "SyntaxError" in output


def test_the_sample_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVISIONS_DIRECTORY")
    linted = lint(RenderedHistory(History()))
    assert [one.findings for one in linted] == [()] * len(linted)
    assert linted[0].phase is Phase.EXPAND
    assert findings_file().read_text("utf-8") == as_text(linted)
    assert Path("functions/migrations/versions/findings.json").samefile(findings_file())

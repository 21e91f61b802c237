"""`make revision NAME=…`: the next revision's file, and names of which none can be made."""

import subprocess
import sys
from pathlib import Path

import pytest

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.revision import Phase
from tenantry.revisions.history import History, head_revision
from tenantry.revisions.new_revision import main, make_revision
from tests.integration.conftest import PROJECT
from tests.integration.revisions.conftest import Versions


def test_the_next_file_has_the_next_number(versions: Versions) -> None:
    made = make_revision("add a note")
    assert made == versions.path / "0002_add_a_note.py"
    assert make_revision("Fill-it 2") == versions.path / "0003_fill_it_2.py"

    history = History()
    assert head_revision() == "0003"
    newest = history.revisions[-1]
    assert (newest.revision_id, newest.down_revision, newest.title) == ("0003", "0002", "Fill-it 2.")
    assert (newest.phase, newest.in_transaction, newest.pause_seconds) == (Phase.EXPAND, True, 0.1)
    for attribute in ("phase", "in_transaction", "batch", "pause_seconds", "safety_assured"):
        assert f"# - {attribute}: " in made.read_text()
    assert_well_written(made)


def assert_well_written(made: Path) -> None:
    place = ["--stdin-filename", "functions/migrations/versions/0002_new.py", "-"]
    # `op` is for what will be filled in.
    for command in (["format", "--check"], ["check", "--ignore", "F401"]):
        ruff = [str(Path(sys.executable).with_name("ruff")), *command, *place]
        done = subprocess.run(ruff, cwd=PROJECT, input=made.read_bytes(), capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()


def test_the_first_file_has_nothing_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(tmp_path))
    assert make_revision("customers") == tmp_path / "0001_customers.py"
    assert [(one.revision_id, one.down_revision) for one in History().revisions] == [("0001", "")]


@pytest.mark.parametrize(
    "name",
    ["", "1st", 'a """', "a\\", "a\nb", "../up", "größer", "${a}", "a ", "-a", "a" * 61, "a;b"],
)
def test_a_name_that_makes_no_file_is_refused(versions: Versions, name: str) -> None:
    before = sorted(versions.path.iterdir())
    with pytest.raises(ValueError, match='Say what it does: make revision NAME="add a note"'):
        make_revision(name)
    assert sorted(versions.path.iterdir()) == before


@pytest.mark.parametrize("newest", ["9999", "20240101", "1975ea83b712"])
def test_without_a_next_number_it_says_so(versions: Versions, newest: str) -> None:
    versions.add(newest, "0001", "pass")
    with pytest.raises(InvalidSetting, match="no number of four digits"):
        make_revision("more")


def test_files_that_do_not_fit_are_told_first(
    versions: Versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.add("0003", "0002", "pass")
    with pytest.raises(InvalidSetting):
        make_revision("more")
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(tmp_path / "nowhere"))
    with pytest.raises(InvalidSetting, match="nowhere"):
        make_revision("more")


def test_the_command_tells_what_it_made_or_why_not(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add a note"]) == 0
    assert str(versions.path / "0002_add_a_note.py") in capsys.readouterr().out
    assert main([""]) == 2
    told = capsys.readouterr()
    assert (told.out, "make revision NAME=" in told.err) == ("", True)


def test_a_name_with_signs_of_the_shell_is_refused_and_not_run(versions: Versions, tmp_path: Path) -> None:
    # The environment is there already: it is not to be made anew under this test.
    command = ["make", "-o", ".venv/.ready", "revision", f'NAME=a"; touch {tmp_path}/b; `touch {tmp_path}/c` $x']
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a revision's name has letters" in done.stderr.lower()
    assert not {"b", "c"} & {path.name for path in tmp_path.iterdir()}


def test_two_files_of_one_number_are_both_named(versions: Versions) -> None:
    """Two branches made it, and were merged: Alembic would take one of them and say nothing."""
    versions.add("0002", "0001", "pass")
    (versions.path / "0002_theirs.py").write_text((versions.path / "0002_made.py").read_text())
    with pytest.raises(InvalidSetting, match=r"Both 0002_made\.py and 0002_theirs\.py are revision 0002"):
        History()


@pytest.mark.parametrize("name", ["0003_made.py", "notes.py"])
def test_a_file_is_named_by_its_revision(versions: Versions, name: str) -> None:
    versions.add("0002", "0001", "pass").rename(versions.path / name)
    with pytest.raises(InvalidSetting, match=rf"name of {name} has to begin with its `revision`, 0002"):
        History()


def test_two_that_follow_the_same_are_told(versions: Versions) -> None:
    versions.add("0002", "0001", "pass")
    versions.add("0003", "0001", "pass")
    with pytest.raises(InvalidSetting, match=r"000[23]_made\.py has `down_revision` '0001'.*no two follow the same"):
        History()

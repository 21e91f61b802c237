"""Processes: started in a session of their own, watched, and ended with all that they started."""

import os
import signal
import sys
from pathlib import Path

import pytest

from local.errors import PartFailed
from local.processes import MARK, ChildProcess, marked_processes, started_at, wait_until

# What Python itself may need to start.
_NEEDED = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
_SLEEP = "import time; time.sleep(60)"
_WITH_A_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{_SLEEP}']).wait()"


def _start(tmp_path: Path, code: str) -> ChildProcess:
    environment = {**_NEEDED, MARK: str(tmp_path)}
    return ChildProcess("A part", [sys.executable, "-c", code], log=tmp_path / "log", environment=environment)


def test_stopping_ends_the_whole_group(tmp_path: Path) -> None:
    child = _start(tmp_path, _WITH_A_CHILD)
    assert wait_until(lambda: len(marked_processes(tmp_path)) == 2, within=10)

    child.stop()

    assert wait_until(lambda: not marked_processes(tmp_path), within=10)
    assert not child.is_alive()


def test_one_that_ignores_the_signal_is_ended_by_force(tmp_path: Path) -> None:
    child = _start(
        tmp_path,
        f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {_SLEEP}",
    )
    child.wait_until(lambda: "deaf" in child.log.read_text(), within=10)
    child.stop(signal.SIGTERM, within=0.2)
    assert not child.is_alive()


def test_death_while_starting_names_the_part_and_its_log(tmp_path: Path) -> None:
    child = _start(tmp_path, "raise SystemExit(3)")
    with pytest.raises(PartFailed, match=r"A part died while it started \(exit code 3\)") as told:
        child.wait_until(lambda: False, within=10)
    assert str(tmp_path / "log") in str(told.value)


def test_nothing_of_our_own_environment_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    child = _start(tmp_path, "import os; print('AWS_PROFILE' in os.environ, flush=True)")
    assert child.wait(within=10) == 0
    assert child.log.read_text() == "False\n"


def test_the_start_of_a_process_tells_it_from_a_later_one(tmp_path: Path) -> None:
    child = _start(tmp_path, _SLEEP)
    first = started_at(child.pid)
    assert first is not None
    assert started_at(child.pid) == first
    child.stop()
    assert started_at(child.pid) is None

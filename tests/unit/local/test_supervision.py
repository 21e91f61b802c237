"""Supervision: one supervisor at a time, and a complete shutdown even after a crash."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.processes import MARK, started_at, wait_until
from local.supervision import Supervision

_SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@contextmanager
def _process(environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(_SLEEP, env={**os.environ, **(environment or {})}) as process:
        try:
            yield process
        finally:
            process.kill()


def test_there_is_one_supervisor_at_a_time(tmp_path: Path) -> None:
    first, second = Supervision(tmp_path), Supervision(tmp_path)
    assert first.acquire()
    assert not second.acquire()
    assert second.is_held()
    first.release()
    assert not second.is_held()
    assert second.acquire()
    second.release()


def test_asking_whether_it_runs_leaves_nothing_behind(tmp_path: Path) -> None:
    assert not Supervision(tmp_path / "never").is_held()
    assert not (tmp_path / "never").exists()


def test_a_sweep_ends_what_a_dead_supervisor_recorded(tmp_path: Path) -> None:
    with _process() as left_behind:
        Supervision(tmp_path).record({"aws": left_behind.pid})
        Supervision(tmp_path).sweep()
        assert wait_until(lambda: left_behind.poll() is not None, within=10)
    assert not (tmp_path / "processes.json").exists()


def test_a_sweep_ends_what_carries_the_mark_though_nobody_recorded_it(tmp_path: Path) -> None:
    with (
        _process({MARK: str(tmp_path)}) as worker,
        _process({MARK: str(tmp_path) + "-of-another"}) as foreign,
    ):
        assert wait_until(lambda: started_at(worker.pid) is not None, within=10)
        Supervision(tmp_path).sweep()
        assert wait_until(lambda: worker.poll() is not None, within=10)
        assert foreign.poll() is None


def test_a_process_id_that_was_given_again_is_left_alone(tmp_path: Path) -> None:
    with _process() as foreign:
        entry = {"pid": foreign.pid, "started_at": "an earlier time"}
        (tmp_path / "processes.json").write_text(json.dumps({"supervisor": entry, "aws": entry}))
        Supervision(tmp_path).sweep()
        assert not Supervision(tmp_path).end()
        assert foreign.poll() is None

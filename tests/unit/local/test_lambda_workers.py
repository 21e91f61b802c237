"""What the local stack changes in ministack's Lambda workers, and that it is still there to be changed."""

import types
import zipfile
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import scheduler

from local.lambda_workers import WorkerArchive, quicken_workers


def runtime() -> Any:
    """A copy of ministack's module, so that the tests change nothing for each other."""
    worker = type("Worker", (lambda_runtime.Worker,), {})
    return types.SimpleNamespace(**{**vars(lambda_runtime), "Worker": worker})


def seconds_for_silence(runtime: Any) -> float:
    worker = runtime.Worker("silent", {}, b"")
    begun = perf_counter()
    assert worker._drain_stderr_bounded() == ""
    return perf_counter() - begun


def test_a_handler_that_logs_nothing_is_not_waited_for() -> None:
    changed = runtime()
    assert min(seconds_for_silence(changed) for _ in range(5)) > 0.045, "no wait that would have to be shortened"
    quicken_workers(changed)
    assert min(seconds_for_silence(changed) for _ in range(10)) < 0.025


def test_what_a_handler_has_logged_is_taken() -> None:
    changed = runtime()
    quicken_workers(changed)
    worker = changed.Worker("talking", {}, b"")
    for line in ("one", "two"):
        worker._stderr_queue.put(line)
    assert worker._drain_stderr_bounded() == "one\ntwo"


def test_workers_unpack_with_what_is_put_in_place() -> None:
    assert lambda_runtime.zipfile.BadZipFile is zipfile.BadZipFile
    changed = runtime()
    quicken_workers(changed)
    assert changed.zipfile.ZipFile is WorkerArchive
    assert changed.zipfile.BadZipFile is zipfile.BadZipFile
    assert zipfile.ZipFile is not WorkerArchive


def test_schedules_are_looked_at_in_an_interval() -> None:
    assert scheduler._SCHEDULE_TICK_INTERVAL > 0


def test_a_release_that_has_none_of_it_is_left_alone() -> None:
    other = types.SimpleNamespace(Worker=type("Worker", (), {"_drain_stderr_bounded": lambda _: "all"}))
    quicken_workers(other)
    assert other.Worker()._drain_stderr_bounded() == "all"
    assert not hasattr(other, "zipfile")


@pytest.fixture
def workers(tmp_path: Path) -> list[Path]:
    """The folders of two workers that have not started yet."""
    folders = [tmp_path / "tmp" / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


def unpack(worker: Path, text: str) -> Path:
    """Do with an archive what a worker does."""
    packed, folder = worker / "layer_0.zip", worker / "layer_0"
    folder.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("python/module.py"), text)
    with WorkerArchive(packed) as archive:
        archive.extractall(folder)
    return folder


def test_what_is_the_same_is_unpacked_once(workers: list[Path]) -> None:
    first, second = (unpack(worker, "same") for worker in workers)
    assert (first / "python/module.py").read_text() == "same"
    assert first.resolve() == second.resolve()


def test_what_is_not_the_same_is_unpacked_beside_it(workers: list[Path]) -> None:
    first, second = (unpack(worker, worker.name) for worker in workers)
    assert [(folder / "python/module.py").read_text() for folder in (first, second)] == ["one", "two"]


def test_names_are_looked_at_before_anything_is_unpacked(workers: list[Path]) -> None:
    with zipfile.ZipFile(workers[0] / "code.zip", "w") as archive:
        archive.writestr("../outside", "x")
    with WorkerArchive(workers[0] / "code.zip") as archive:
        assert archive.namelist() == ["../outside"]

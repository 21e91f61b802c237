"""Makes sure that one process runs the stack of a directory, and lets a later command end it, even after a crash."""

import fcntl
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from local.errors import LocalStackError
from local.private import ENTERED, private_directory, private_file
from local.processes import marked_processes, started_at, wait_until
from local.stack_file import write_private


class Supervision:
    """A lock that the system releases when its holder dies, and a record of the processes that the holder started."""

    def __init__(self, directory: Path) -> None:
        """Keep the lock and the record in the stack's directory."""
        self._directory = directory
        self._lock_path = directory / "supervisor.lock"
        self._record_path = directory / "processes.json"
        self._lock: IO[str] | None = None

    def acquire(self) -> bool:
        """Become the supervisor; returns False if another process is."""
        private_directory(self._directory, ENTERED)
        lock = open(self._lock_path, "a", opener=private_file)  # noqa: SIM115 - kept open; Path's has no opener
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    @property
    def is_mine(self) -> bool:
        """Tell whether this object holds the lock."""
        return self._lock is not None

    def release(self) -> None:
        """Stop being the supervisor, after everything has ended."""
        self._record_path.unlink(missing_ok=True)
        if self._lock:
            self._lock.close()
            self._lock = None

    def is_held(self) -> bool:
        """Tell whether any process supervises the stack."""
        if not self._lock_path.exists():
            return False
        probe = Supervision(self._directory)
        if not probe.acquire():
            return True
        if probe._lock:
            probe._lock.close()
        return False

    def record(self, processes: Mapping[str, int | None]) -> None:
        """Record the supervisor and its processes by name, so that they can be found after a crash."""
        known = {"supervisor": os.getpid(), **{name: pid for name, pid in processes.items() if pid}}
        entries = {name: {"pid": pid, "started_at": started_at(pid)} for name, pid in known.items()}
        write_private(self._record_path, json.dumps(entries, indent=2))

    def end(self, *, within: float = 40) -> bool:
        """Ask the supervisor to end the stack and wait for it; returns False if there was none."""
        if not self.is_held():
            return False
        supervisor = self._recorded().get("supervisor")
        if supervisor is None:
            raise LocalStackError("The stack is just being started. Try again in a moment.")
        os.kill(supervisor, signal.SIGTERM)
        if not wait_until(lambda: not self.is_held(), within=within, every=0.05):
            os.kill(supervisor, signal.SIGKILL)
            wait_until(lambda: not self.is_held(), within=5)
        return True

    def sweep(self) -> None:
        """End the processes that a dead supervisor left behind: the recorded ones, and those with the stack's mark."""
        for name, pid in self._recorded().items():
            if name != "supervisor":
                # On SIGINT PostgreSQL closes its sessions properly; the other processes end on it too.
                _end(pid, signal.SIGINT)
        for pid in marked_processes(self._directory):
            _end(pid, signal.SIGKILL)
        self._record_path.unlink(missing_ok=True)

    def _recorded(self) -> dict[str, int]:
        """Read the recorded processes that still run, by process id and start time."""
        try:
            entries = json.loads(self._record_path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {
            name: entry["pid"]
            for name, entry in entries.items()
            if entry["started_at"] is not None and started_at(entry["pid"]) == entry["started_at"]
        }


def _end(pid: int, first: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, first)
        if not wait_until(lambda: started_at(pid) is None, within=5):
            os.kill(pid, signal.SIGKILL)

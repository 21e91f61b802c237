"""Starts, watches and ends the stack's processes, and never ends any other process."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.errors import PartFailed
from local.private import UMASK, private_file

# Every process that the stack starts has this environment variable, with the stack's directory as its value. Processes
# that those start (the local Lambdas, for example) inherit it.
MARK = "TENANTRY_LOCAL_STACK"


class ChildProcess:
    """A part of the stack that runs in its own process group and writes to a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        directory: Path | None = None,
        umask: int = UMASK,
    ) -> None:
        """Start the command in `directory` (by default the log's). It gets only `environment`, and inherits nothing.

        :param umask: of the files that it makes; -1: the caller's.
        """
        self.name = name
        self.log = log
        with open(log, "ab", opener=private_file) as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=directory or log.parent,
                start_new_session=True,
                umask=umask,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, within: float) -> None:
        """Wait until the part serves. :raises PartFailed: it died, or took longer than `within` seconds."""

        def settled() -> bool:
            return not self.is_alive() or ready()

        if not wait_until(settled, within=within):
            raise PartFailed(self.name, f"did not serve within {within:.0f} s", self.log)
        self.require_alive("died while it started")

    def require_alive(self, what: str = "has died") -> None:
        """Make sure that the process runs. :raises PartFailed: it does not; `what` describes the failure."""
        if not self.is_alive():
            raise PartFailed(self.name, f"{what} (exit code {self._process.returncode})", self.log)

    def wait(self, *, within: float) -> int:
        """Wait until the process ends by itself; returns its exit code. :raises PartFailed: it takes too long."""
        try:
            return self._process.wait(timeout=within)
        except subprocess.TimeoutExpired as exc:
            self.stop()
            raise PartFailed(self.name, f"did not end within {within:.0f} s", self.log) from exc

    def stop(self, first: signal.Signals = signal.SIGTERM, *, within: float = 5) -> None:
        """Send the signal `first`, and kill the whole process group after `within` seconds."""
        if self.is_alive():
            os.kill(self.pid, first)
            wait_until(lambda: not self.is_alive(), within=within)
        signal_group(self.pid, signal.SIGKILL)
        self._process.wait()


def wait_until(condition: Callable[[], bool], *, within: float, every: float = 0.02) -> bool:
    """Poll until the condition holds; returns False if it does not hold within `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def signal_group(group: int, number: signal.Signals) -> None:
    """Signal a process group of ours, if any of its processes is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS raises PermissionError for a group of zombies
        return


def started_at(pid: int) -> str | None:
    """Return when the process started, in the system's own format; None if it does not run.

    The system reuses process ids, but never a process id together with its start time.
    """
    if not Path("/proc/self/stat").exists():
        return _asked_of_ps(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else start_ticks


def _asked_of_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return answer.stdout.strip() or None


def marked_processes(directory: Path) -> list[int]:
    """Find running processes of the stack in `directory` (if the system shows the environments of processes)."""
    mark = f"{MARK}={directory}".encode()
    return [pid for pid in _all_pids() if mark in _environment_of(pid)]


def _all_pids() -> list[int]:
    proc = Path("/proc")
    return [int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal()] if proc.exists() else []


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # the process is gone, or belongs to another user
        return []

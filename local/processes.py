"""Starting, watching and ending the processes of the stack, without ever ending somebody else's."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.errors import PartFailed
from local.private import UMASK, private_file

# Everything that the stack starts carries this in its environment, with the stack's directory as value, and so
# does whatever those processes start themselves (the local Lambdas, for example).
MARK = "TENANTRY_LOCAL_STACK"


class ChildProcess:
    """A part of the stack that runs in a process group of its own and writes to a log file."""

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
        """Start it in `directory` (its log's by default). The environment is used as it is: nothing is inherited.

        :param umask: of the files that it makes; -1: as ours.
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
        """The process id, which is the id of its group too."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, within: float) -> None:
        """Wait for it to serve. :raises PartFailed: it died, or took longer than `within` seconds."""

        def settled() -> bool:
            return not self.is_alive() or ready()

        if not wait_until(settled, within=within):
            raise PartFailed(self.name, f"did not serve within {within:.0f} s", self.log)
        self.require_alive("died while it started")

    def require_alive(self, what: str = "has died") -> None:
        """Make sure that it runs. :raises PartFailed: it does not; `what` says how that came."""
        if not self.is_alive():
            raise PartFailed(self.name, f"{what} (exit code {self._process.returncode})", self.log)

    def wait(self, *, within: float) -> int:
        """Wait for it to end by itself. :return: its exit code. :raises PartFailed: it takes too long."""
        try:
            return self._process.wait(timeout=within)
        except subprocess.TimeoutExpired as exc:
            self.stop()
            raise PartFailed(self.name, f"did not end within {within:.0f} s", self.log) from exc

    def stop(self, first: signal.Signals = signal.SIGTERM, *, within: float = 5) -> None:
        """Ask it to end with signal `first`, and end it and its whole group by force after `within` seconds."""
        if self.is_alive():
            os.kill(self.pid, first)
            wait_until(lambda: not self.is_alive(), within=within)
        signal_group(self.pid, signal.SIGKILL)
        self._process.wait()


def wait_until(condition: Callable[[], bool], *, within: float, every: float = 0.02) -> bool:
    """Look until the condition holds; false when it does not hold after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def signal_group(group: int, number: signal.Signals) -> None:
    """Signal a process group that we made, if any of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS answers the latter for a group of zombies
        return


def started_at(pid: int) -> str | None:
    """Say when the process started, in the system's own words; None when it does not run.

    A process id comes back sooner or later; a process id together with its start does not.
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
    """Find what was started for the stack in `directory` and still runs (where the system shows environments)."""
    mark = f"{MARK}={directory}".encode()
    return [pid for pid in _all_pids() if mark in _environment_of(pid)]


def _all_pids() -> list[int]:
    proc = Path("/proc")
    return [int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal()] if proc.exists() else []


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone meanwhile, or somebody else's
        return []

"""The peak of a PostgreSQL backend's own memory: what is private to its process, without the server's shared memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_SECONDS = 0.002


@dataclass
class Peak:
    """Kilobytes: of an idle backend, and the most that it had since."""

    idle: int
    most: int = 0

    @property
    def above_idle_mb(self) -> float:
        """How much more it was, in megabytes."""
        return (self.most - self.idle) / 1024


@contextmanager
def watch_backend(pid: int) -> Iterator[Peak]:
    """Watch a process from now on; its peak is known when the block has ended.

    The kernel's own mark of the peak counts shared memory, too, so that is taken off; samples are taken besides. A
    backend that ended itself keeps what was sampled.
    """
    found = Peak(_memory(pid)["RssAnon"])
    forget_peak(pid)
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(pid, found, ended), daemon=True)
    sampler.start()
    try:
        yield found
    finally:
        ended.set()
        sampler.join()
        if now := _memory(pid):
            found.most = max(found.most, now["VmHWM"] - now["RssFile"] - now["RssShmem"])


def forget_peak(pid: int) -> None:
    """Let the kernel's mark begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _sample(pid: int, found: Peak, ended: threading.Event) -> None:
    while not ended.wait(_SAMPLE_SECONDS):
        found.most = max(found.most, _memory(pid).get("RssAnon", 0))


def _memory(pid: int) -> dict[str, int]:
    """Read what the kernel counts, in kilobytes; nothing where the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if line.startswith(("Rss", "VmHWM", "VmData")))
    return {name: int(value.split()[0]) for name, value in pairs}

"""One of several pg_restores among which an archive is dealt out; its input is queued while it works."""

import threading
from contextlib import suppress
from queue import Queue
from typing import Self

from tenantry.database.pg_restore import Restore

# Portions in a queue; with their size, all queues together hold a few megabytes.
_WAITING = 16


class RestoreSession:
    """A pg_restore whose input a thread writes while the caller works on. Use it as a context manager."""

    def __init__(self, restore: Restore) -> None:
        """Take the pg_restore to start."""
        self._restore = restore
        self._queue: Queue[bytes | memoryview | None] = Queue(_WAITING)
        self._thread = threading.Thread(target=self._write, name="pg-restore-input", daemon=True)

    def __enter__(self) -> Self:
        """Start pg_restore. :raises RestoreFailed: it could not be started."""
        self._restore.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Kill pg_restore if it is still running."""
        self._restore.kill()
        self._end_input()
        self._restore.__exit__()

    @property
    def waiting(self) -> int:
        """How many portions pg_restore has not read yet."""
        return self._queue.qsize()

    @property
    def has_failed(self) -> bool:
        """Whether pg_restore has ended with a failure."""
        return self._restore.has_failed

    def take(self, portion: bytes | memoryview) -> None:
        """Queue a portion; blocks while the queue is full.

        :raises BrokenPipeError: pg_restore has failed; `finish` raises its error.
        """
        if self.has_failed:
            raise BrokenPipeError
        self._queue.put(portion)

    def finish(self) -> None:
        """Wait until pg_restore ends. :raises RestoreFailed: it failed, or did not end in time."""
        self._end_input()
        self._restore.finish()

    def _end_input(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _write(self) -> None:
        # A pg_restore that ends early has failed or did not need the rest. Discard that, so that `take` never blocks.
        with suppress(OSError):
            while (portion := self._queue.get()) is not None:
                self._restore.write(portion)
            return
        while self._queue.get() is not None:
            pass

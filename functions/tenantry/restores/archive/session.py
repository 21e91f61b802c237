"""One of several pg_restores that an archive is dealt out to: what it gets waits while it is at work."""

import threading
from contextlib import suppress
from queue import Queue
from typing import Self

from tenantry.database.pg_restore import Restore

# Of a portion's size each, so that all that waits is a few megabytes.
_WAITING = 16


class RestoreSession:
    """A pg_restore whose input is written beside the caller's work. Use it as a context."""

    def __init__(self, restore: Restore) -> None:
        """Take what is to be started."""
        self._restore = restore
        self._queue: Queue[bytes | memoryview | None] = Queue(_WAITING)
        self._thread = threading.Thread(target=self._write, name="pg-restore-input", daemon=True)

    def __enter__(self) -> Self:
        """Start it. :raises RestoreFailed: it could not be started."""
        self._restore.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if it runs still."""
        self._restore.kill()
        self._end_input()
        self._restore.__exit__()

    @property
    def waiting(self) -> int:
        """How many portions it has not read yet."""
        return self._queue.qsize()

    @property
    def has_failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self._restore.has_failed

    def take(self, portion: bytes | memoryview) -> None:
        """Write a portion as soon as what is before it was read.

        :raises BrokenPipeError: it has failed, and `finish` says so.
        """
        if self.has_failed:
            raise BrokenPipeError
        self._queue.put(portion)

    def finish(self) -> None:
        """Wait for its end. :raises RestoreFailed: it failed, or did not end in time."""
        self._end_input()
        self._restore.finish()

    def _end_input(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _write(self) -> None:
        # What ends early has failed, or was in no need of the rest: nobody must wait for it to read that.
        with suppress(OSError):
            while (portion := self._queue.get()) is not None:
                self._restore.write(portion)
            return
        while self._queue.get() is not None:
            pass

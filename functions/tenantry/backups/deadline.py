"""The deadline of one backup: what it ends depends on how far the backup is."""

import threading
import time
from typing import Self

from tenantry.backups.snapshot import Snapshot
from tenantry.database.pg_dump import Dump
from tenantry.domain.errors import BackupFailed


class Deadline:
    """Kills the dump at the deadline, before Lambda would kill the whole worker half-way.

    A count that goes on after the dump is only ended: what was dumped can be published without it.
    """

    def __init__(self, at: float, dump: Dump, snapshot: Snapshot) -> None:
        """Begin to wait until `at`, a `time.monotonic()`, when it is entered."""
        self._dump = dump
        self._snapshot = snapshot
        self._turn = threading.Lock()
        self._expired = self._is_dumped = False
        self._timer = threading.Timer(max(at - time.monotonic(), 0), self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _expire(self) -> None:
        with self._turn:
            if not self._is_dumped:
                self._expired = True
                self._dump.kill()
        self._snapshot.stop_counting(None if self._expired else _too_long())

    def explain(self) -> None:
        """Raise the deadline's own error if the dump was killed for it.

        :raises BackupFailed: the deadline passed.
        """
        if self._expired:
            raise BackupFailed(
                "The backup did not end in time.",
                code="backup_deadline",
                hint="The database has outgrown one function's fifteen minutes.",
            )

    def end_dump(self, exit_status: int) -> None:
        """Accept the dump only if pg_dump succeeded; from now on the deadline ends the count alone.

        :raises BackupFailed: it did not.
        """
        with self._turn:
            self.explain()
            self._is_dumped = True
        if exit_status != 0:
            raise BackupFailed(
                "pg_dump failed, so nothing was published.",
                code="dump_failed",
                details=f"exit status {exit_status}",
                hint="Check that the tenant's owner may read every object, and the server's log.",
            )


def _too_long() -> BackupFailed:
    return BackupFailed("The rows were not counted in time.", code="count_deadline")

"""Bounds how long a transaction waits for locks in all, for those who wait behind the locks that it has already.

PostgreSQL limits each wait, not their sum: who alters three tables, or one with a foreign key, could hold the first
for as long as it waits for the others. So a transaction that still waits after half a second is looked at from another
session, and gives up.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import psycopg2

from tenantry.database.patience import LOCK_TIMEOUT_MS
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import StatementFailed, TenantryError
from tenantry.observability import logger

# As PostgreSQL calls a wait that was too long: `patiently` tries again.
_LOCK_NOT_AVAILABLE: Final = "55P03"
_ALL_SECONDS: Final = LOCK_TIMEOUT_MS / 1000
# The other session is opened a little earlier, so that it is there in time.
_OPEN_SECONDS: Final = _ALL_SECONDS - 0.1
# Once the time is up: what it may still wait for one lock, as on tables where short transactions follow each other.
_LATER_SECONDS: Final = 0.05


@contextmanager
def bounded_lock_waits(connection: Any) -> Iterator[None]:
    """Let what the block does wait for locks for half a second in all; later it waits for none any longer than 50 ms.

    It costs a thread, and another session only where the block takes that long.

    :param connection: psycopg2's, on which the block sends its statements; its login may open another session.
    :raises StatementFailed: it has waited too long (55P03).
    """
    watch = _Watch(connection)
    try:
        with watch.running():
            yield
    except (TenantryError, psycopg2.Error) as exc:
        if not watch.has_cancelled:
            raise
        raise _refused(_LOCK_NOT_AVAILABLE) from exc


def _refused(sqlstate: str) -> StatementFailed:
    return StatementFailed("Others hold a lock that it needs.", code=sqlstate)


class _Watch:
    """Looks after a session from another one, in a thread of its own."""

    def __init__(self, connection: Any) -> None:
        self._pid = connection.info.backend_pid
        self._place = connection.info.dsn_parameters | {"password": connection.info.password}
        self._over = threading.Event()
        self.has_cancelled = False

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch, name="lock-waits")
        thread.start()
        try:
            yield
        finally:
            # Joined before another statement is sent: nothing but what it has seen waiting is cancelled.
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        if self._over.wait(_OPEN_SECONDS):
            return
        try:
            with closing(psycopg2.connect(**self._place)) as session, session.cursor() as cursor:
                session.autocommit = True
                self._look(cursor, self._over.wait)
        except psycopg2.Error as exc:
            # The limit of each single wait holds.
            logger().warning("locks are not watched", extra={"code": exc.pgcode})

    def _look(self, cursor: Any, is_over: Callable[[float], bool]) -> None:
        pause = _ALL_SECONDS - _OPEN_SECONDS
        while not self.has_cancelled and not is_over(pause):
            cursor.execute(load_sql("revisions/cancel_waiting"), (self._pid, _LATER_SECONDS))
            self.has_cancelled = any(found for (found,) in cursor.fetchall())
            pause = _LATER_SECONDS


class Attempts:
    """Counts how often an attempt did not succeed: each time for a lock, or it would not be repeated."""

    def __init__(self) -> None:
        """Begin at none."""
        self.failed = 0

    def counting[T](self, attempt: Callable[[], T]) -> Callable[[], T]:
        """Return the attempt as one that is counted; after an error of any other kind nobody asks."""

        def counted() -> T:
            self.failed += 1
            found = attempt()
            self.failed -= 1
            return found

        return counted

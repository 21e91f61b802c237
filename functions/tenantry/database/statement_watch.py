"""Ends what a session still does when its time is over, where PostgreSQL's own limit does not.

`statement_timeout` cancels a statement once. A function of a tenant's may catch that and go on, and the clock is
stopped before the commit, when deferred triggers come. `transaction_timeout` is any function's to take back. So whoever
waits for the answer looks at the clock: cancels once more, then has the server end the session, and hangs up.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import psycopg2

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import TenantryError

# Seconds: how often it is looked, while there is anything to look at; what PostgreSQL's own limit gets before us, with
# the way there and back; and what a cancelled statement gets to end.
_PAUSE: Final = 0.25
_GRACE: Final = 1.0
_LAST: Final = 1.0


@dataclass(slots=True, eq=False)
class Limit:
    """Until when a connection's message may take, by the monotonic clock, and what was done about it.

    `end_session` has the server end the session, from another one.
    """

    connection: Any
    until: float
    end_session: Callable[[], None]
    # From then on a cancellation may be under way that meets whatever comes next.
    is_cancelled: bool = False
    is_hung_up: bool = False


class StatementWatch:
    """Has one thread, from the first message on. To begin and end a limit costs microseconds."""

    def __init__(self) -> None:
        """Begin without a thread."""
        self._limits: set[Limit] = set()
        self._lock = threading.Lock()
        self._has_some = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, connection: Any, seconds: float, end_session: Callable[[], None]) -> Limit:
        """Bound what is sent on a psycopg2 connection until `end`: it is cancelled, which is 57014, or hung up."""
        limit = Limit(connection, time.monotonic() + seconds + _GRACE, end_session)
        self._limits.add(limit)
        if not self._has_some.is_set():
            self._wake()
        return limit

    def end(self, limit: Limit) -> None:
        """End a limit: nothing is done for it any more but what `limit` says."""
        with self._lock:
            self._limits.discard(limit)

    def _wake(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._look_on, name="statement-watch", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # There is no memory for one. PostgreSQL's own limit counts, and the next message tries again.
                    return
                self._thread = thread
            self._has_some.set()

    def _look_on(self) -> None:
        try:
            while True:
                self._has_some.wait()
                time.sleep(_PAUSE)
                self._look()
        finally:
            # The process may have had no memory for it: the next message begins another.
            self._thread = None
            self._has_some.clear()

    def _look(self) -> None:
        if not self._limits:
            self._has_some.clear()
        now = time.monotonic()
        # One that has come just now has found the thread awake; so what there is is looked at once more.
        for limit in self._limits.copy():
            self._has_some.set()
            if now >= limit.until:
                self._enforce(limit, now)

    def _enforce(self, limit: Limit, now: float) -> None:
        with self._lock:
            if limit not in self._limits or (limit.is_cancelled and now < limit.until + _LAST):
                return
            limit.is_hung_up = limit.is_cancelled
            limit.is_cancelled = True
        # Both take a connection of their own, so nobody may have to wait for them.
        if not limit.is_hung_up:
            _cancel(limit.connection)
            return
        limit.end_session()
        with self._lock:
            # A connection whose message has ended meanwhile may be closed, and its socket's number another's.
            if limit in self._limits:
                _hang_up(limit.connection)


def end_session(credentials: Credentials, settings: ConnectSettings, pid: int) -> None:
    """Have the server end a session of the same login: none of its functions can catch that, or put it off."""
    try:
        with closing(connect(credentials, settings)) as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_catalog.pg_terminate_backend(%s)", (pid,))
    except (psycopg2.Error, TenantryError):
        # The server looks itself whether who waits is still there, unless a function has turned that off.
        return


def _cancel(connection: Any) -> None:
    try:
        connection.cancel()
    except psycopg2.Error:
        # It is closed, or its server can't be reached: who waits for an answer is told.
        return


def _hang_up(connection: Any) -> None:
    """Let the one who waits find the connection closed; the descriptor stays libpq's."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg2.Error):
        return

"""Hears that a database's tables or functions have changed: users send PostgREST's message on PostgREST's channel."""

import select
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import psycopg2

from tenantry.observability import count, logger

_ANNOUNCEMENT: Final = "NOTIFY pgrst, 'reload schema'"
_SCHEMA_CHANGED = frozenset({"", "reload schema"})
# A connection that is still sending after this many looks is not worth waiting for.
_MAX_LOOKS = 8


def announce(connection: Any) -> None:
    """Let whoever serves this database know that its schema has changed, once the change is committed.

    That nobody hears it is no failure: a server's queue is anybody's to fill (54000), and what serves the tenant looks
    its catalogue up again after some minutes.

    :param connection: in autocommit mode.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ANNOUNCEMENT)
    except psycopg2.Error as exc:
        count("AnnouncementsUnheard")
        logger().warning("a change could not be announced", extra={"code": exc.pgcode})


class SchemaNotices:
    """The incoming notices of a connection that waits for no answer; they are read without a round trip."""

    def __init__(self, connection: Any, told: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Take an open psycopg2 connection that listens to `pgrst`, and what has it tell its notices meanwhile."""
        self._told = told
        self._connection = connection
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._changed = False

    def has_ended(self) -> bool:
        """Whether the server has ended the session: any input other than a notice means that it has."""
        for _ in range(_MAX_LOOKS):
            if not self._poll.poll(0):
                break
            if not self._is_notice():
                return True
        self.hear()
        return False

    def take(self) -> bool:
        """Whether a change was announced since the last call; notices that came with an answer count, too."""
        self.hear()
        changed, self._changed = self._changed, False
        return changed

    def _is_notice(self) -> bool:
        """Read the input. If the server hangs up, its last message, with the reason, is among `notices`."""
        self.hear()
        self._connection.notices.clear()
        try:
            with self._told():
                self._connection.poll()
        except psycopg2.Error:
            return False
        return bool(self._connection.notifies) and not self._connection.notices

    def hear(self) -> None:
        """Keep only whether a notice counts, and drop the rest: anybody in the database may send any number."""
        notices = self._connection.notifies
        if not notices:
            return
        self._changed |= any(notice.payload in _SCHEMA_CHANGED for notice in notices)
        notices.clear()

"""How a database says that its tables or functions have changed: on PostgREST's channel, in its users' words."""

import select
from typing import Any, Final

import psycopg2

from tenantry.observability import count, logger

_ANNOUNCEMENT: Final = "NOTIFY pgrst, 'reload schema'"
_SCHEMA_CHANGED = frozenset({"", "reload schema"})
# Whoever says more than this while one looks is not worth waiting for.
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
    """What comes in on a connection that waits for no answer: it is looked at, without a round trip."""

    def __init__(self, connection: Any) -> None:
        """Take an open connection of psycopg2's, which listens to `pgrst`."""
        self._connection = connection
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._changed = False

    def has_ended(self) -> bool:
        """Whether the server has ended the session: anything but a notice that comes in says so, or follows from it."""
        for _ in range(_MAX_LOOKS):
            if not self._poll.poll(0):
                break
            if not self._is_notice():
                return True
        self._hear()
        return False

    def take(self) -> bool:
        """Tell, once, whether a change was announced; what came with the answer to a statement counts."""
        self._hear()
        changed, self._changed = self._changed, False
        return changed

    def _is_notice(self) -> bool:
        """Read what has come in. A last word of the server's, why it hangs up, lies among `notices`."""
        self._hear()
        self._connection.notices.clear()
        try:
            self._connection.poll()
        except psycopg2.Error:
            return False
        return bool(self._connection.notifies) and not self._connection.notices

    def _hear(self) -> None:
        """Keep no more of the notices than whether one counts: anybody in the database may send any number."""
        notices = self._connection.notifies
        self._changed |= any(notice.payload in _SCHEMA_CHANGED for notice in notices)
        notices.clear()

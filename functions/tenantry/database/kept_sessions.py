"""Keeps an administrator's sessions for the next who needs one: an operation has dozens, each for a statement or two.

To open a session takes several round trips, a password check and a new process of the server's. Only sessions in a
maintenance database are kept: in any other one a session would be in the way of whoever drops or renames it.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from tenantry.database.connecting import PatientConnection
from tenantry.domain.errors import DatabaseUnavailable, unavailable

_KEPT_SECONDS: Final = 5.0
# For `ConnectSettings.rest_ms`: when a process is frozen meanwhile, as Lambda freezes one that has no work, the server
# ends the session.
REST_MS: Final = 30_000
_GO_ON: Final = "SET idle_session_timeout = 0"
# Ends the last user's settings, role, locks, temporary tables, prepared statements and LISTEN.
_FORGET: Final = "DISCARD ALL"
# How many are kept for one login.
_MOST: Final = 8


class KeptSessions:
    """Sessions that nobody uses at present, by the login and settings that they were opened with."""

    def __init__(self) -> None:
        """Begin with none."""
        self._idle: dict[Any, list[tuple[float, PatientConnection]]] = {}
        self._lock = threading.Lock()

    def take(self, key: Any, open_session: Callable[[], PatientConnection]) -> PatientConnection:
        """Return a session as new: a kept one, or another; who closes it gives it back.

        :param key: what a session has to have in common with one that `open_session` opens, with `REST_MS`.
        :raises TenantryError: as `open_session`.
        """
        session = self._find(key) or _renewed(open_session())
        session.give_back = lambda closed: self._give_back(key, closed)
        return session

    def _find(self, key: Any) -> PatientConnection | None:
        while idle := self._pop(key):
            since, session = idle
            if time.monotonic() - since < _KEPT_SECONDS:
                with suppress(DatabaseUnavailable):
                    return _renewed(session)
            session.end()
        return None

    def _pop(self, key: Any) -> tuple[float, PatientConnection] | None:
        with self._lock:
            kept = self._idle.get(key)
            return kept.pop() if kept else None

    def _give_back(self, key: Any, session: PatientConnection) -> None:
        if not _is_at_rest(session):
            session.end()
            return
        with self._lock:
            kept = self._idle.setdefault(key, [])
            kept.append((time.monotonic(), session))
            leaving = kept.pop(0)[1] if len(kept) > _MOST else None
        if leaving:
            leaving.end()


def _is_at_rest(session: PatientConnection) -> bool:
    """Whether a session could be made as new, with nothing left that only its end would undo, as a transaction."""
    if session.closed or session.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return False
    try:
        session.autocommit = True
        _send(session, _FORGET)
    except psycopg2.Error:
        return False
    return True


def _renewed(session: PatientConnection) -> PatientConnection:
    """Let a session go on that rested, or has just begun. :raises DatabaseUnavailable: it is not there any more."""
    try:
        _send(session, _GO_ON)
    except psycopg2.Error as exc:
        session.end()
        raise unavailable(exc.pgcode or "08006") from exc
    return session


def _send(session: PatientConnection, statement: str) -> None:
    with session.cursor() as cursor:
        cursor.execute(statement)

"""libpq, the library under psycopg2: for what psycopg2 has no way to ask it."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2

_PQERRORS_SQLSTATE = 3


def report_sqlstate_only(connection: Any) -> None:
    """Have libpq write an error as nothing but its SQLSTATE."""
    _libpq().PQsetErrorVerbosity(ctypes.c_void_p(connection.pgconn_ptr), _PQERRORS_SQLSTATE)


class DroppedNotices:
    """Has libpq drop every NOTICE of a connection when it comes.

    A function may send any number of them while its statement runs, and psycopg2 keeps all until the statement has
    ended. What libpq calls in its place is a function of its own that only looks at what it is given, which is nothing.
    """

    def __init__(self, connection: Any) -> None:
        """Begin to drop them."""
        libpq = _libpq()
        self._connection = ctypes.c_void_p(connection.pgconn_ptr)
        self._looks = ctypes.cast(libpq.PQresultStatus, ctypes.c_void_p)
        self._set = libpq.PQsetNoticeReceiver
        self._set.restype = ctypes.c_void_p
        self._keeps = ctypes.c_void_p(self._set(self._connection, self._looks, None))

    @contextmanager
    def told(self) -> Iterator[None]:
        """Let psycopg2 have them for as long as no statement runs: the reason why a session has ended is one."""
        self._set(self._connection, self._keeps, None)
        try:
            yield
        finally:
            self._set(self._connection, self._looks, None)


@cache
def _libpq() -> ctypes.CDLL:
    """Load the libpq that psycopg2 has loaded: the wheel's own, or else the process's."""
    folder = Path(psycopg2.__file__).parent.parent / "psycopg2_binary.libs"
    return ctypes.CDLL(next((str(path) for path in folder.glob("libpq-*")), None))

"""libpq, the library under psycopg2: for what psycopg2 has no way to ask it."""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2

_PQERRORS_SQLSTATE = 3


def report_sqlstate_only(connection: Any) -> None:
    """Have libpq write an error as nothing but its SQLSTATE."""
    _libpq().PQsetErrorVerbosity(ctypes.c_void_p(connection.pgconn_ptr), _PQERRORS_SQLSTATE)


def drop_notices(connection: Any) -> None:
    """Have libpq drop every NOTICE when it comes.

    A function may send any number of them while its statement runs. psycopg2 keeps all until the statement has ended,
    however many: this takes its place. What is called instead is a function of libpq's that only looks at what it is
    given, which is nothing.
    """
    libpq = _libpq()
    looks = ctypes.cast(libpq.PQresultStatus, ctypes.c_void_p)
    libpq.PQsetNoticeReceiver(ctypes.c_void_p(connection.pgconn_ptr), looks, None)


@cache
def _libpq() -> ctypes.CDLL:
    """Load the libpq that psycopg2 has loaded: the wheel's own, or else the process's."""
    folder = Path(psycopg2.__file__).parent.parent / "psycopg2_binary.libs"
    return ctypes.CDLL(next((str(path) for path in folder.glob("libpq-*")), None))

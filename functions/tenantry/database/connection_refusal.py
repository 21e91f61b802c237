"""Finds the SQLSTATE of a failed login.

psycopg2 raises a failed login without its SQLSTATE. libpq knows it, and returns it as the whole message if the
connection's verbosity is set to `SQLSTATE` before the server answers. psycopg2 gives access to libpq's connection
object at that moment if the connection is opened asynchronously. This module does so once a login has failed, so a
successful login costs nothing more.
"""

import re
import select
import time
from typing import Any

import psycopg2
from psycopg2 import extensions

from tenantry.database.client_library import report_sqlstate_only

# libpq writes `FATAL:  28P01`, once for each attempt: with TLS and without, say. The five characters are the code,
# not a text that could be translated.
_SQLSTATE_MESSAGE = re.compile(r": +([0-9A-Z]{5})\s*\Z")


def refusal_sqlstate(arguments: dict[str, Any], seconds: float) -> str | None:
    """Log in once more and return the SQLSTATE with which the server refuses the login.

    :param arguments: as for `psycopg2.connect`.
    :param seconds: the time limit.
    :returns: None if no server answered, or the login worked this time.
    """
    deadline = time.monotonic() + seconds
    try:
        connection = psycopg2.connect(**arguments, async_=1)
    except psycopg2.OperationalError:
        return None
    try:
        report_sqlstate_only(connection)
        _finish(connection, deadline)
    except psycopg2.OperationalError as exc:
        match = _SQLSTATE_MESSAGE.search(str(exc))
        return match.group(1) if match else None
    finally:
        connection.close()
    return None


def _finish(connection: Any, deadline: float) -> None:
    while (state := connection.poll()) != extensions.POLL_OK:
        left = deadline - time.monotonic()
        if left <= 0:
            return
        waits = [connection.fileno()]
        if state == extensions.POLL_READ:
            select.select(waits, [], [], left)
        else:
            select.select([], waits, [], left)

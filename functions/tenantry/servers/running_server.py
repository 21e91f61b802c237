"""Tells whether two ways of connecting lead to one running PostgreSQL server.

Addresses prove nothing: one server has many, and an address may be given to another server. So the servers themselves
are asked. What they say is read twice around the other's answer, for a restart in between would make one look like two.
"""

from contextlib import closing
from typing import Any

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, DatabaseUnavailable

type RunningServer = tuple[str, str]

_ATTEMPTS = 3


def are_one(here: AdminConnect, there: AdminConnect) -> bool:
    """Tell whether both lead to the same running server.

    :raises TenantryError: one of them did not answer, or restarts all the time.
    """
    for _ in range(_ATTEMPTS):
        before, other = _ask(here), _ask(there)
        if _ask(here) == before:
            return before == other
    raise DatabaseUnavailable("The server is being restarted.")


def same_server(ids: str) -> Conflict:
    """Make the error that refuses to take one running server for two."""
    return Conflict(
        "These are two ids of one running PostgreSQL server.",
        code="same_server",
        details=ids,
        hint="Nothing was changed. Register each server once; if one of the ids has a wrong address, repeat its PUT.",
    )


def running_server(connection: Any) -> RunningServer:
    """Read what only the server of this connection has. :raises TenantryError: it refused."""
    with connection.cursor() as cursor:
        execute(cursor, load_sql("servers/running_server"))
        identifier, started = cursor.fetchone()
        return identifier, started


def _ask(connect: AdminConnect) -> RunningServer:
    with closing(connect("postgres")) as connection:
        return running_server(connection)

"""Copies a database's comment and its limit of connections, which no dump that is restored as the tenant has."""

from contextlib import closing
from typing import NamedTuple

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.sql_files import load_sql
from tenantry.homes.swapping import leaves_room

UNLIMITED = -1


class DatabaseNotes(NamedTuple):
    """A database's comment (empty: none), and how many sessions it takes at once (-1: as many as the server)."""

    comment: str = ""
    connection_limit: int = UNLIMITED


def read_notes(connect: AdminConnect, database: str) -> DatabaseNotes:
    """Read them; of a database that is gone there are none. :raises TenantryError: the server refused."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/database_notes"), (database,))
        return DatabaseNotes(*(cursor.fetchone() or ()))


def write_notes(connect: AdminConnect, database: str, owner: str, notes: DatabaseNotes) -> None:
    """Give a database of that owner's both. A limit that would keep our own sessions out is left aside.

    :raises TenantryError: the server refused.
    """
    place = sql.Identifier(database)
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        if leaves_room(notes.connection_limit):
            limit = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}")
            execute(cursor, limit.format(place, sql.Literal(notes.connection_limit)))
        # As the owner, who may say so anyway: an administrator's word would be a mark.
        execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        comment = sql.Literal(notes.comment) if notes.comment else sql.SQL("NULL")
        execute(cursor, sql.SQL("COMMENT ON DATABASE {} IS {}").format(place, comment))

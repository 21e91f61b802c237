"""Keeps room for our sessions in tenants' own databases, whose owners may limit the connections to them.

An operation lifts such a limit itself (`homes.swapping.readmit`); a backup has no administrator who could.
"""

from contextlib import closing, suppress

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import TenantryError

# As many as a backup's login may have.
_ROOM = 6


def lift_limits(connect: AdminConnect) -> list[str]:
    """Take off the limit of connections of each tenant's database that has no room for a backup; returns their names.

    One that can't be changed now is tried again the next time.

    :param connect: as the administrator of the server.
    :raises TenantryError: the server refused, or does not answer.
    """
    lifted = []
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/full_databases"), {"room": _ROOM})
        for (name,) in cursor.fetchall():
            with suppress(TenantryError):
                execute(cursor, sql.SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(sql.Identifier(name)))
                lifted.append(name)
    return lifted

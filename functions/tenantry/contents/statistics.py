"""Lets the planner know how copied or restored tables are filled."""

from contextlib import closing

import psycopg2
from psycopg2 import sql

from tenantry.contents.digest import Access, begin, find_tables
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.sql_errors import translate


def analyse(access: Access, settings: ConnectSettings) -> None:
    """Gather statistics on the tables of a tenant's own.

    :raises TenantryError: the database refused or went away.
    """
    with closing(connect(access.credentials, settings)) as connection:
        try:
            begin(connection, access)
            with connection.cursor() as cursor:
                for table in find_tables(connection, access).values():
                    cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.schema, table.name)))
                cursor.execute("COMMIT")
        except psycopg2.Error as exc:
            raise translate(exc) from exc

"""Gathers the planner's statistics on copied or restored tables."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.contents.access import Access, begin
from tenantry.contents.inventory import find_tables
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.sql_errors import translate
from tenantry.domain.content import ContentTable
from tenantry.observability import logger

_LOCK_TIMEOUT_MS = 500
_OUT_OF_TIME = "57014"


def analyse(access: Access, settings: ConnectSettings) -> None:
    """Gather statistics on the tenant's own tables, as far as that is possible at once.

    It skips a table that is locked or whose functions fail: autovacuum comes later, and the copy or restore does not
    fail for it. Each table has its own transaction, so its lock is released before the next table.

    :raises TenantryError: the database went away.
    """
    with closing(connect(access.credentials, replace(settings, lock_timeout_ms=_LOCK_TIMEOUT_MS))) as connection:
        try:
            begin(connection, access)
            tables = find_tables(connection, access)
            with connection.cursor() as cursor:
                cursor.execute("COMMIT")
                role = sql.SQL("SET ROLE {}; SET search_path = pg_catalog, pg_temp")
                cursor.execute(role.format(sql.Identifier(access.role)))
                for table in tables.values():
                    if not _analyse(cursor, table):
                        break
        except psycopg2.Error as exc:
            raise translate(exc) from exc


def _analyse(cursor: Any, table: ContentTable) -> bool:
    """Analyse one table; returns False if the time is up, so that no further table is analysed.

    :raises psycopg2.Error: the database went away.
    """
    try:
        statement = sql.SQL("ANALYZE (SKIP_LOCKED) {}")
        cursor.execute(statement.format(sql.Identifier(table.schema, table.name)))
    except psycopg2.Error as exc:
        if cursor.connection.closed:
            raise
        logger().warning("a table was not analysed", extra={"code": exc.pgcode})
        return exc.pgcode != _OUT_OF_TIME
    return True

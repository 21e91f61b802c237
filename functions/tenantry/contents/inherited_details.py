"""Reads and writes what a child table has otherwise than its parents, and a dump says of the parents alone."""

from typing import Any

from psycopg2 import sql

from tenantry.database.sql_files import load_sql
from tenantry.domain.surroundings import Inherited
from tenantry.domain.tenant import Home, Isolation

_STORAGES = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}


def read_inherited(cursor: Any, home: Home) -> tuple[Inherited, ...]:
    """Read it, within a transaction and with only pg_catalog in its search path.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    schema = None if home.isolation is Isolation.DATABASE else home.schema
    cursor.execute(load_sql("contents/inherited_details"), {"schema": schema, "main": home.schema})
    return tuple(Inherited(*found) for found in cursor.fetchall())


def write_inherited(detail: Inherited, main: str) -> sql.Composable:
    """Build the statement that brings it back, for the table's owner."""
    match detail.kind:
        case "valid":
            change = "ALTER TABLE {table} VALIDATE CONSTRAINT {part}"
        case "storage":
            # A table's own children have what they had.
            change = f"ALTER TABLE ONLY {{table}} ALTER {{part}} SET STORAGE {_STORAGES[detail.value]}"
        case _:
            change = "ALTER TABLE ONLY {table} ALTER {part} SET COMPRESSION DEFAULT"
    table = sql.Identifier(main if detail.schema is None else detail.schema, detail.table)
    return sql.SQL(change).format(table=table, part=sql.Identifier(detail.part))

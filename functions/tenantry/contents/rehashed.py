"""Finds partitions whose rows may lie in others in a copy, because they are distributed by a hash of OIDs."""

from dataclasses import replace
from typing import Any

from tenantry.database.sql_files import load_sql
from tenantry.domain.content import ContentTable


def with_rehashed(cursor: Any, tables: list[ContentTable]) -> list[ContentTable]:
    """Say of each table in which one its rows are distributed otherwise, with only pg_catalog in the search path.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    if not any(table.roots for table in tables):
        return tables
    cursor.execute(load_sql("contents/rehashed_partitions"))
    found = {(schema, name): (above, root) for schema, name, above, root in cursor.fetchall()}
    return [replace(table, rehashed_in=found.get(table.place)) for table in tables]

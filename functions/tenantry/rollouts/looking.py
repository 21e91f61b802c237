"""What an administrator sees in a home: who holds its tables, and how many rows they have."""

from collections.abc import Collection
from contextlib import closing
from typing import Any

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import TenantryError
from tenantry.domain.printable import printable
from tenantry.domain.tenant import Home

_MAX_NAME = 64


def find_blocker(connect: AdminConnect, home: Home) -> dict[str, Any]:
    """Describe the oldest transaction that holds a table of a home: `application`, `seconds`, `idle`; empty: none.

    The application's name is what its session says of itself. A transaction that is `prepared` has no session any
    more: `application` is its name then. A server that does not answer now has said so before.
    """
    try:
        with closing(connect(home.database)) as connection, connection.cursor() as cursor:
            execute(cursor, load_sql("rollouts/blockers"), (home.schema,))
            found = cursor.fetchone()
    except TenantryError:
        return {}
    if found is None:
        return {}
    application, seconds, is_idle, is_prepared = found
    told = {"application": printable(application)[:_MAX_NAME], "seconds": round(seconds, 1), "idle": bool(is_idle)}
    return told | ({"prepared": True} if is_prepared else {})


def estimate_rows(connect: AdminConnect, home: Home, tables: Collection[str]) -> dict[str, int]:
    """Estimate the rows of some tables of a home. :raises TenantryError: the server refused."""
    if not tables:
        return {}
    with closing(connect(home.database)) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("rollouts/estimated_rows"), (home.schema, list(tables)))
        return {name: max(rows, 0) for name, rows in cursor.fetchall()}

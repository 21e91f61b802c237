"""Drops a database whatever its owner has set to keep it."""

from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import execute
from tenantry.domain.errors import StatementFailed

# What an owner that changes its database between two statements of ours makes them fail with: it is a template again,
# or its row was changed by two at once.
_CHANGED_MEANWHILE = frozenset({"42809", "XX000"})
_ATTEMPTS = 5
_END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"


def drop_database(cursor: Any, name: str) -> None:
    """Drop a database, whoever is connected to it and whatever it was made; it may be gone.

    :param cursor: of another database, as the administrator, in autocommit mode.
    :raises TenantryError: the server refused.
    """
    names = {"database": sql.Identifier(name)}
    shut = sql.SQL("ALTER DATABASE {database} ALLOW_CONNECTIONS false IS_TEMPLATE false").format(**names)
    drop = sql.SQL("DROP DATABASE IF EXISTS {database} WITH (FORCE)").format(**names)
    for left in reversed(range(_ATTEMPTS)):
        execute(cursor, "SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if not cursor.fetchone():
            return
        try:
            execute(cursor, shut)
            execute(cursor, drop)
        except StatementFailed as exc:
            if exc.code not in _CHANGED_MEANWHILE or not left:
                raise
            # Nobody else comes in who could do so once more.
            execute(cursor, _END_SESSIONS, (name,))

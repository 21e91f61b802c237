"""Reads within a transaction without keeping the locks that reading takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql

type Execute = Callable[..., Any]

_BACK = "ROLLBACK TO SAVEPOINT tenantry_passing"


@contextmanager
def passing(connection: Any) -> Iterator[Execute]:
    """Give a function that executes a statement and gives back what the one before has locked; in a transaction.

    A server has room for some thousand locks, and a statement locks each table that it reads with all its indexes. What
    fails leaves the transaction as it was. Each statement is one message, together with what undoes the one before.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT tenantry_passing")

        def execute(statement: str | sql.Composable, values: Any = None) -> Any:
            plain = sql.SQL(statement) if isinstance(statement, str) else statement
            try:
                cursor.execute(sql.SQL(f"{_BACK}; ") + plain, values)
            except psycopg2.Error:
                if not connection.closed:
                    cursor.execute(_BACK)
                raise
            return cursor

        try:
            yield execute
        finally:
            if not connection.closed:
                cursor.execute(f"{_BACK}; RELEASE SAVEPOINT tenantry_passing")

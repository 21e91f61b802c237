"""Makes sure that a read through a snapshot returns what was committed when the snapshot was taken.

TRUNCATE, and commands that rewrite a table, replace the files that older snapshots know, and a name may come to mean
another table. A reader that has a snapshot but no lock yet then reads an empty or wrong table and gets no error.
"""

import random
import time
from collections.abc import Callable, Sequence
from itertools import batched
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict

REWRITTEN = "tables_rewritten"
LOCKED = "tables_locked"
# Nobody waits longer than this behind a lock that we wait for. It is shorter than PostgreSQL's deadlock_timeout.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '500ms'"
_BUSY = frozenset({"55P03", "40P01"})
# How many tables are locked at once. A server has room for some thousand locks.
_LOCKS = 500
PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = (0.1, 0.5)
_ATTEMPTS = 5


def repeat_while_rewritten[T](
    attempt: Callable[[], T], deadline: float, again: Callable[[], object] = lambda: None
) -> T:
    """Run an attempt that reads tables through a snapshot; if tables changed meanwhile, repeat it with a newer one.

    :param deadline: the `time.monotonic()` after which the attempt is not repeated.
    :param again: called before each repetition.
    :raises Conflict: tables changed each time (`tables_rewritten`, `tables_locked`).
    :raises TenantryError: as `attempt`.
    """
    for left in reversed(range(_ATTEMPTS)):
        try:
            return attempt()
        except Conflict as error:
            if error.code not in {REWRITTEN, LOCKED} or not left or time.monotonic() > deadline:
                raise
            _pause()
            again()
    raise AssertionError


def require_unchanged(connection: Any, scope: dict[str, str | None]) -> None:
    """Make sure that everything read in this transaction so far is what its snapshot shows.

    This covers tables whose locks the reader still holds, or held until this check.

    :param connection: in a transaction that keeps its snapshot.
    :param scope: the `schema` to look in; None: all.
    :raises Conflict: a table was rewritten, dropped or renamed since the snapshot (`tables_rewritten`).
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        # Taking a lock that the session does not hold yet makes it process what others have committed. The rollback to
        # the savepoint releases the lock, so that this works each time.
        cursor.execute("SAVEPOINT tenantry_hear")
        cursor.execute("SELECT FROM pg_catalog.pg_conversion LIMIT 0")
        cursor.execute("ROLLBACK TO SAVEPOINT tenantry_hear")
        cursor.execute(load_sql("contents/changed_tables"), scope)
        changed = [f"{schema}.{name}" for schema, name in cursor.fetchall()]
    if changed:
        raise rewritten(changed)


def wait_until_readable(connection: Any, start: Callable[[], None], scope: dict[str, str | None], limit: float) -> None:
    """Wait until each of the tables can be locked as a reader does; no lock is held afterwards.

    A snapshot that is taken afterwards includes everything that was committed until then.

    :param start: begins a transaction as the role that reads.
    :param limit: seconds to wait at most.
    :raises Conflict: tables stayed locked until the limit (`tables_locked`).
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    deadline = time.monotonic() + limit
    while not _are_readable(connection, start, scope):
        if time.monotonic() > deadline:
            raise locked()
        _pause()


def hold_tables(connection: Any, scope: dict[str, str | None]) -> None:
    """Lock the tables as a reader does, in the transaction that reads them.

    Later reads in this transaction then wait for nobody. No table is locked if there are too many, or if one of them
    can't be locked at once.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        cursor.execute(load_sql("contents/readable_tables"), scope)
        tables = cursor.fetchall()
        if tables and len(tables) <= _LOCKS:
            cursor.execute(f"SAVEPOINT tenantry_hold; {_LOCK_TIMEOUT}")
            try:
                _lock(cursor, tables)
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT; RELEASE SAVEPOINT tenantry_hold")
            except psycopg2.Error:
                # The read of a table that can't be locked fails too, or a later check finds that the table changed.
                cursor.execute("ROLLBACK TO SAVEPOINT tenantry_hold")


def require_no_lock(connection: Any) -> None:
    """Find out whether a reader that has failed may have waited for a lock in vain.

    :raises Conflict: a lock that excludes readers is held or requested (`tables_locked`).
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        # Where tenants share a database, a tenant's role may not list locks.
        cursor.execute("SELECT pg_catalog.has_function_privilege('pg_catalog.pg_lock_status()', 'EXECUTE')")
        if not cursor.fetchone()[0]:
            return
        cursor.execute(load_sql("contents/exclusive_locks"))
        if cursor.fetchone()[0]:
            raise locked()


def rewritten(tables: Sequence[str]) -> Conflict:
    """Build the error for tables that are not what the snapshot shows any more."""
    return Conflict(
        "Tables were emptied, rewritten or renamed while they were being read.",
        code=REWRITTEN,
        details=", ".join(tables),
        hint="Repeat the call, when such changes are not made.",
    )


def locked() -> Conflict:
    """Build the error for tables that can't be read now."""
    return Conflict(
        "Tables are locked by others' transactions all the time.",
        code=LOCKED,
        hint="Repeat the call when those have ended: they have emptied or altered tables.",
    )


def _pause() -> None:
    # The length is random, so that two sessions that wait for each other do not keep doing so.
    time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311


def _are_readable(connection: Any, start: Callable[[], None], scope: dict[str, str | None]) -> bool:
    with connection.cursor() as cursor:
        start()
        cursor.execute(load_sql("contents/readable_tables"), scope)
        tables = cursor.fetchall()
        cursor.execute("COMMIT")
        for some in batched(tables, _LOCKS, strict=False):
            start()
            try:
                cursor.execute(_LOCK_TIMEOUT)
                _lock(cursor, some)
            except psycopg2.Error as exc:
                if connection.closed:
                    raise
                cursor.execute("ROLLBACK")
                if exc.pgcode in _BUSY:
                    return False
                # The table was dropped a moment ago, for example: the reader will find out.
                continue
            cursor.execute("COMMIT")
    return True


def _lock(cursor: Any, tables: Sequence[tuple[str, str]]) -> None:
    names = sql.SQL(", ").join(sql.SQL("ONLY {}").format(sql.Identifier(*name)) for name in tables)
    cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))

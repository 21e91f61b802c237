"""Sees that what is read through a snapshot is what was committed when the snapshot was taken.

TRUNCATE and whatever rewrites a table put new files in the place of those that older snapshots know, and a name may
come to mean another table. Whoever has a snapshot, and no lock yet, then reads an empty or strange table and gets no
error.
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
# Nobody waits longer behind a lock that we wait for; less than PostgreSQL waits before it looks for a deadlock.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '500ms'"
_BUSY = frozenset({"55P03", "40P01"})
# Tables that are locked at once. A server has room for some thousand locks.
_LOCKS = 500
PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = (0.1, 0.5)
_ATTEMPTS = 5


def repeat_while_rewritten[T](
    attempt: Callable[[], T], deadline: float, again: Callable[[], object] = lambda: None
) -> T:
    """Do what reads tables through a snapshot, and once more with a newer one as long as tables change under it.

    :param deadline: of `time.monotonic()`, after which it is not tried again.
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
    """Make sure that what was read in this transaction so far was what its snapshot shows.

    That holds for what was read under locks that are still held, or have not been given up before by whoever read.

    :param connection: in a transaction that keeps its snapshot.
    :param scope: the `schema` to look in; None: all.
    :raises Conflict: a table was rewritten, dropped or renamed since the snapshot (`tables_rewritten`).
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        # A lock that the session does not hold lets it hear what others have committed; it hears so each time, because
        # the lock goes with the savepoint.
        cursor.execute("SAVEPOINT tenantry_hear")
        cursor.execute("SELECT FROM pg_catalog.pg_conversion LIMIT 0")
        cursor.execute("ROLLBACK TO SAVEPOINT tenantry_hear")
        cursor.execute(load_sql("contents/changed_tables"), scope)
        changed = [f"{schema}.{name}" for schema, name in cursor.fetchall()]
    if changed:
        raise Conflict(
            "Tables were emptied, rewritten or renamed while they were being read.",
            code=REWRITTEN,
            details=", ".join(changed),
            hint="Repeat the call, when such changes are not made.",
        )


def wait_until_readable(connection: Any, start: Callable[[], None], scope: dict[str, str | None], limit: float) -> None:
    """Wait until nobody keeps readers from any of the tables, and hold no lock then.

    What is committed until then is in a snapshot that is taken after it.

    :param start: begins a transaction as the role that reads.
    :param limit: seconds to wait at most.
    :raises Conflict: tables are locked all the time (`tables_locked`).
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    deadline = time.monotonic() + limit
    while not _are_readable(connection, start, scope):
        if time.monotonic() > deadline:
            raise locked()
        _pause()


def hold_tables(connection: Any, scope: dict[str, str | None]) -> None:
    """Lock the tables as a reader does, in the transaction that reads them, unless they are many or somebody waits.

    Whoever reads them later in this transaction then waits for nobody.

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
                # What can't be locked can't be read either, or is found to have changed.
                cursor.execute("ROLLBACK TO SAVEPOINT tenantry_hold")


def require_no_lock(connection: Any) -> None:
    """Tell whether a reader that has failed may have waited for a lock in vain.

    :raises Conflict: it may (`tables_locked`).
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        # Where tenants share a database, none may look who holds which lock.
        cursor.execute("SELECT pg_catalog.has_function_privilege('pg_catalog.pg_lock_status()', 'EXECUTE')")
        if not cursor.fetchone()[0]:
            return
        cursor.execute(load_sql("contents/exclusive_locks"))
        if cursor.fetchone()[0]:
            raise locked()


def locked() -> Conflict:
    """Say that tables can't be read now."""
    return Conflict(
        "Tables are locked by others' transactions all the time.",
        code=LOCKED,
        hint="Repeat the call when those have ended: they have emptied or altered tables.",
    )


def _pause() -> None:
    # Of random length: two that wait for each other then do not go on doing so.
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
                # Dropped a moment ago, say: whoever reads finds out.
                continue
            cursor.execute("COMMIT")
    return True


def _lock(cursor: Any, tables: Sequence[tuple[str, str]]) -> None:
    names = sql.SQL(", ").join(sql.SQL("ONLY {}").format(sql.Identifier(*name)) for name in tables)
    cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))

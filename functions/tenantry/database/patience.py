"""Nobody waits for our locks: 500 ms, then again later.

Who waits for a strong lock on a table makes everybody wait who comes after, also those who only read. So each statement
of ours that takes a lock gives up after half a second, the transaction that it is in ends, those behind it go on, and
the whole of it is tried again after a pause of chance length, until its own time is over.

Where tenants share a database, one tenant's open transaction must not stop what all of them wait for: once an operation
has waited for a while, the sessions that are in its way are ended.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any, Final

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, StatementFailed
from tenantry.domain.patience import DEFAULT_PATIENCE, Patience
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE
from tenantry.observability import count, logger

LOCK_TIMEOUT_MS: Final = 500
DATABASE_BUSY = "database_busy"
# How long one transaction may last that changes the shape of tables, once it has its locks.
CHANGE_SECONDS: Final = 60
_LOCK_NOT_AVAILABLE = "55P03"
# We wait shorter than PostgreSQL before it looks for a deadlock; where somebody else's wait has shown one, we gave way.
_DEADLOCK = "40P01"
# "tuple concurrently updated": whom a change of a right or a role waited for has committed one of its own. There is no
# other code for that.
_CHANGED_MEANWHILE = "XX000"
_PAUSES = (0.1, 0.7)
_LOOK_SECONDS = 0.1
# Where no tenant is at home alone: what stops an administrator here stops others than the one who does it.
_SHARED = frozenset({"postgres", SCHEMAS_DATABASE, POOL_DATABASE})


# Ends those who are in the way for as long as it is entered, if their transactions are older than that many seconds.
type Ending = Callable[[float], AbstractContextManager[None]]


def patience_of(holder: object) -> Patience:
    """Tell how patient an administrator's connector, or a connection of its, wants to be."""
    found = getattr(holder, "patience", DEFAULT_PATIENCE)
    return found if isinstance(found, Patience) else DEFAULT_PATIENCE


def patiently[T](attempt: Callable[[], T], patience: Patience = DEFAULT_PATIENCE, ending: Ending | None = None) -> T:
    """Do something that gives up when others hold a lock that it needs; again later, until it worked.

    :param attempt: a whole transaction, which has no effect when it fails.
    :param ending: what ends those in its way, once it has waited that long.
    :raises Conflict: others held a lock all the time (`database_busy`); nothing was changed.
    :raises TenantryError: as `attempt` raises it for any other reason.
    """
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        try:
            with ending(patience.ends_after) if ending and waited >= patience.ends_after else nullcontext():
                return attempt()
        except StatementFailed as exc:
            if exc.code not in (_LOCK_NOT_AVAILABLE, _DEADLOCK, _CHANGED_MEANWHILE):
                raise
            if time.monotonic() - began >= patience.seconds:
                if exc.code == _CHANGED_MEANWHILE:
                    raise
                raise _busy(time.monotonic() - began) from exc
        # Those who came behind go on meanwhile.
        time.sleep(random.uniform(*_PAUSES))  # noqa: S311 - no secret hangs on it


def limit_locks(cursor: Any) -> None:
    """Let the statements of a session give up after half a second of waiting for a lock.

    Administrators' sessions begin with that; another's is told to where a transaction begins.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    info = cursor.connection.info
    is_limited = "lock_timeout" in (info.options or "") and "lock_timeout=0" not in info.options
    if info.transaction_status == TRANSACTION_STATUS_IDLE and not is_limited:
        cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")


def is_whole(connection: Any) -> bool:
    """Whether the next message on a connection is a transaction of its own, which may be repeated."""
    return bool(connection.autocommit and connection.info.transaction_status == TRANSACTION_STATUS_IDLE)


def ending_beside(connection: Any) -> Ending | None:
    """Say how to end those in the way of an administrator's session, if it is where tenants share something."""
    if connection.info.dbname not in _SHARED:
        return None
    place = connection.info.dsn_parameters | {"password": connection.info.password}
    return ending_in(lambda database: psycopg2.connect(**place | {"dbname": database}), connection.info.dbname)


def ending_in(connect: Callable[[str], Any], database: str) -> Ending:
    """Say how to end those in the way of the administrator, or of the login of a copy, in a database."""
    return lambda age: _ending(connect, database, age)


@contextmanager
def _ending(connect: Callable[[str], Any], database: str, age: float) -> Iterator[None]:
    over = threading.Event()
    watcher = threading.Thread(target=_end_blockers, args=(connect, database, age, over), name="end-blockers")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _end_blockers(connect: Callable[[str], Any], database: str, age: float, over: threading.Event) -> None:
    """Look who is in the way, and end them, until it is over. Failing at that is for the operation itself to tell."""
    try:
        with closing(connect("postgres")) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not over.is_set():
                values = {"database": database, "age": age, "shared": [SCHEMAS_DATABASE, POOL_DATABASE]}
                cursor.execute(load_sql("database/end_blockers"), values)
                if ended := [role for (role,) in cursor.fetchall()]:
                    count("BlockersEnded", len(ended))
                    logger().warning("sessions in the way were ended", extra={"database": database, "roles": ended})
                over.wait(_LOOK_SECONDS)
    except psycopg2.Error as exc:
        logger().error("who is in the way is not known", extra={"database": database, "code": exc.pgcode})


def _busy(seconds: float) -> Conflict:
    return Conflict(
        "The database is busy: a table is in use by a long transaction.",
        code=DATABASE_BUSY,
        details=f"Tried again for {seconds:.0f} s.",
        hint="Nothing was changed. Repeat the call when that transaction has ended.",
    )

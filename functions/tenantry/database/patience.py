"""Keeps our waits for locks short, so that nobody waits long behind us: 500 ms, and then a later attempt.

A session that waits for a strong lock on a table makes all later sessions wait too, even those that only read. So each
of our statements that takes a lock gives up after half a second: its transaction ends, the sessions behind it go on,
and the whole transaction is repeated after a random pause, until the change's time is up.

Where tenants share a database, one tenant's open transaction must not block a change that concerns all of them: once
an operation has waited for a while, it ends the sessions that block it.
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
# How long a transaction that changes the shape of tables may last, once it has its locks.
CHANGE_SECONDS: Final = 60
_LOCK_NOT_AVAILABLE = "55P03"
# Our waits are shorter than deadlock_timeout, so we give way only in a deadlock that another session's wait reveals.
_DEADLOCK = "40P01"
# "tuple concurrently updated": a change of a right or a role waited for another transaction, which then committed a
# change of its own. PostgreSQL has no other code for that.
_CHANGED_MEANWHILE = "XX000"
_PAUSES = (0.1, 0.7)
_LOOK_SECONDS = 0.1
# Databases that no tenant has to itself: a session that blocks an administrator here affects other tenants too.
_SHARED = frozenset({"postgres", SCHEMAS_DATABASE, POOL_DATABASE})


# Makes a context in which blocking sessions are ended if their transactions are older than the given number of seconds.
type Ending = Callable[[float], AbstractContextManager[None]]


def patience_of(holder: object) -> Patience:
    """Return the patience of an administrator's connector, or of one of its connections."""
    found = getattr(holder, "patience", DEFAULT_PATIENCE)
    return found if isinstance(found, Patience) else DEFAULT_PATIENCE


def patiently[T](attempt: Callable[[], T], patience: Patience = DEFAULT_PATIENCE, ending: Ending | None = None) -> T:
    """Repeat an attempt that gives up when others hold a lock that it needs, until it succeeds.

    :param attempt: a whole transaction, which has no effect when it fails.
    :param ending: ends the blocking sessions during later attempts, once `patience.ends_after` seconds have passed.
    :raises Conflict: others held a lock until the time was up (`database_busy`); nothing was changed.
    :raises TenantryError: as `attempt` raises it for any other reason.
    """
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        try:
            with ending(patience.ends_after) if ending and waited >= patience.ends_after else nullcontext():
                return attempt()
        except StatementFailed as exc:
            if exc.code not in (_LOCK_NOT_AVAILABLE, _DEADLOCK, _CHANGED_MEANWHILE) and not _made_meanwhile(exc):
                raise
            if time.monotonic() - began >= patience.seconds:
                if exc.code == _CHANGED_MEANWHILE:
                    raise
                raise _busy(time.monotonic() - began) from exc
        # The sessions that waited behind the attempt go on meanwhile.
        time.sleep(random.uniform(*_PAUSES))  # noqa: S311 - no secret hangs on it


def _made_meanwhile(exc: StatementFailed) -> bool:
    """Whether another transaction has committed the entry of the catalogue that ours made: a default right, say."""
    cause = exc.__cause__
    return isinstance(cause, psycopg2.errors.UniqueViolation) and cause.diag.schema_name == "pg_catalog"


def limit_locks(cursor: Any) -> None:
    """Make the statements of a session give up after half a second of waiting for a lock.

    Administrators' sessions have this setting from the start; another session gets it here, outside a transaction.

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
    """Return how to end the sessions that block an administrator's session; None outside the shared databases."""
    if connection.info.dbname not in _SHARED:
        return None
    place = connection.info.dsn_parameters | {"password": connection.info.password}
    return ending_in(lambda database: psycopg2.connect(**place | {"dbname": database}), connection.info.dbname)


def ending_in(connect: Callable[[str], Any], database: str) -> Ending:
    """Return how to end the sessions that block the administrator, or a copy's login, in a database."""
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
    """End blocking sessions until `over` is set. An error here is only logged: the operation itself reports failure."""
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

"""Runs revisions on one schema, as the role that owns what they make: each is run whole or not at all."""

import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.patience import Ending, patience_of, patiently
from tenantry.database.schema_notices import announce
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, InvalidSetting
from tenantry.domain.patience import DEFAULT_PATIENCE, Patience
from tenantry.domain.revision import HEAD, Direction, Phase, Step, find_target, steps_between
from tenantry.revisions.history import History, head_revision
from tenantry.revisions.lock_waits import Attempts, bounded_lock_waits
from tenantry.revisions.online import run_online
from tenantry.revisions.outside import outside_transaction
from tenantry.revisions.rendering import RenderedHistory, Rendering
from tenantry.revisions.transactions import OwnersTransaction, owners_transaction
from tenantry.revisions.version import schema_revision
from tenantry.revisions.version_table import close_version_table, noting, require_noted

# Of an advisory lock in the database `postgres`, with the schema's place: two upgrades of one schema follow each other.
_LOCK = 0x74656E61
# What may count on keys of tables that are there. To prepare those for it locks each of them, and builds an index.
_NAMES_KEYS: Final = re.compile(r"\b(?:REFERENCES|CONFLICT)\b", re.IGNORECASE)


class Shape(Protocol):
    """What is done around a revision, in its transaction and as its role."""

    def before(self, connection: Any) -> None:
        """Prepare a schema for a revision that may refer to keys of its tables."""

    def after(self, connection: Any) -> None:
        """Put what it made into shape."""

    def noted(self, connection: Any, revision: str) -> None:
        """Say where those who live there can read it which revision was reached."""

    def outside(self, connection: Any, send: Callable[[str], None]) -> None:
        """Put into shape what was made outside a transaction, without keeping anybody out of the tables meanwhile."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """What a step took: seconds, how often it gave up waiting for a lock, and how many rows a backfill changed."""

    step: Step
    seconds: float
    lock_waits: int
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """Who follows a migration.

    `done` hears of each step, `is_over` says when no batch may be begun any more, and `seconds_left` in how many
    seconds all has to be over.
    """

    done: Callable[[StepRun], None] = lambda _: None
    is_over: Callable[[], bool] = lambda: False
    seconds_left: Callable[[], float] = lambda: math.inf


NOBODY: Final = Watch()


class Migration:
    """Brings one schema from the revision that it is at to another, step by step."""

    def __init__(
        self,
        scripts: RenderedHistory,
        connection: Any,
        owner_role: str,
        schema: str,
        *,
        shape: Shape | None = None,
        patience: Patience = DEFAULT_PATIENCE,
        ending: Ending | None = None,
        watch: Watch = NOBODY,
    ) -> None:
        """Take the revisions and where to run them.

        :param connection: psycopg2's, in autocommit mode, as somebody who may become `owner_role`.
        :param patience: with the locks of others; `ending` ends those who keep the tables from it for long.
        """
        self._scripts = scripts
        self._connection = connection
        self._owner_role = owner_role
        self._schema = schema
        self._shape = shape
        self._patience = patience
        self._ending = ending
        self._watch = watch

    def run(self, target: str) -> str:
        """Run or take back what lies between; returns the revision that the schema is at then, empty before the first.

        :param target: the id of a revision; empty before the first.
        :raises Conflict: the schema is at a revision that is not known here; the tables are in use all the time
            (`database_busy`); there was no more time for a backfill's next batch (`revision_unfinished`).
        :raises TenantryError: the database refused a statement; the schema is as the last whole step left it.
        """
        steps = steps_between(self._scripts.history.revisions, self._current(), target)
        for step in steps:
            self._watch.done(self._run_step(step))
        if steps:
            announce(self._connection)
        reached = self._current() or ""
        if reached != target:
            raise _not_kept(target)
        return reached

    def _current(self) -> str | None:
        return patiently(self._read_current, self._patience, self._ending)

    def _read_current(self) -> str | None:
        with self._transaction() as transaction:
            return transaction.revision()

    def _run_step(self, step: Step) -> StepRun:
        began, waits, rows = time.monotonic(), Attempts(), 0
        rendering = self._scripts.render(step)
        is_upgrade = step.direction is Direction.UPGRADE
        if step.revision.phase is Phase.BACKFILL and is_upgrade:
            rows = self._fill(step, waits)
        if step.revision.in_transaction:
            self._patiently(waits, lambda: self._take(step, rendering))
        else:
            self._take_outside(_required(step, rendering), waits)
            self._patiently(waits, lambda: self._take(step, Rendering(())))
        return StepRun(step, time.monotonic() - began, waits.failed, rows)

    def _patiently[T](self, waits: Attempts, attempt: Callable[[], T]) -> T:
        return patiently(waits.counting(attempt), self._patience, self._ending)

    def _take(self, step: Step, rendering: Rendering | None) -> None:
        """Take a step in one transaction, and note that it was taken."""
        with bounded_lock_waits(self._connection), self._transaction() as transaction:
            if self._shape and (rendering is None or _NAMES_KEYS.search(rendering.text)):
                transaction.begin()
                self._shape.before(self._connection)
            if rendering is None:
                transaction.begin()
                run_online(self._connection, self._schema, step)
            else:
                noted = noting(self._connection, self._schema, step)
                require_noted(step, transaction.send(f"{rendering.text}{noted}"))
            if self._shape:
                self._shape.after(self._connection)
                self._shape.noted(self._connection, step.reached)
            close_version_table(self._connection, self._schema)

    def _take_outside(self, rendering: Rendering, waits: Attempts) -> None:
        left = self._watch.seconds_left
        with outside_transaction(self._connection, self._owner_role, self._schema, left) as session:

            def send(statement: str) -> None:
                self._patiently(waits, partial(session.send, statement))

            for statement in rendering.statements:
                send(statement)
            if self._shape:
                self._shape.outside(self._connection, send)

    def _fill(self, step: Step, waits: Attempts) -> int:
        """Repeat the batch until it changes no row. What it has changed stays: it can be gone on with at any time."""
        rows = 0
        while changed := self._patiently(waits, lambda: self._fill_some(step.revision.batch)):
            rows += changed
            if self._watch.is_over():
                raise _unfinished(rows)
            time.sleep(step.revision.pause_seconds)
        return rows

    def _fill_some(self, batch: str) -> int:
        with self._transaction() as transaction:
            return transaction.send(batch)

    def _transaction(self) -> AbstractContextManager[OwnersTransaction]:
        return owners_transaction(self._connection, self._owner_role, self._schema)


def upgrade_home(
    connect: AdminConnect,
    database: str,
    owner_role: str,
    schema: str,
    shape: Shape | None = None,
    ending: Ending | None = None,
) -> str:
    """Bring a schema to the newest revision; one that came with a template is there already, and needs no Alembic.

    :param connect: to a database, as `upgrade_schema` needs it.
    :param ending: ends those who keep the tables from it for long.
    :returns: the revision that it is at then.
    :raises Conflict, TenantryError: as `upgrade_schema`; the tables are in use all the time (`database_busy`).
    """
    patience = patience_of(connect)
    with closing(connect(database)) as connection:
        newest = head_revision()
        if patiently(lambda: schema_revision(connection, schema), patience, ending) == newest:
            return newest
        with alone_with(connect, database, schema):
            return upgrade_schema(connection, owner_role, schema, shape=shape, patience=patience, ending=ending)


@contextmanager
def alone_with(connect: AdminConnect, database: str, schema: str) -> Iterator[Any]:
    """Let upgrades of one schema follow each other; gives the administrator's session that holds the lock.

    The lock is taken where no tenant can connect: a lock in a tenant's database is anybody's who lives there, and
    whoever holds it would stop the upgrade.

    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection:
        with connection.cursor() as cursor:
            execute(cursor, load_sql("revisions/wait_for_upgrade"), (_LOCK, f"{database}/{schema}"))
        yield connection


def upgrade_schema(
    connection: Any,
    owner_role: str,
    schema: str,
    revision: str = HEAD,
    *,
    shape: Shape | None = None,
    patience: Patience = DEFAULT_PATIENCE,
    ending: Ending | None = None,
) -> str:
    """Run the revisions that a schema lacks, as `owner_role`, who owns what they make.

    :param connection: psycopg2's, in autocommit mode, as somebody who may become `owner_role`.
    :returns: the revision that the schema is at then.
    :raises Conflict: the schema is at a revision that this version of Tenantry does not know.
    :raises TenantryError: the database refused a statement; the schema is as the last whole revision left it.
    """
    scripts = RenderedHistory(History())
    migration = Migration(scripts, connection, owner_role, schema, shape=shape, patience=patience, ending=ending)
    return migration.run(find_target(scripts.history.revisions, revision))


def _required(step: Step, rendering: Rendering | None) -> Rendering:
    if rendering is None:
        raise InvalidSetting(
            f"Revision {step.revision.revision_id} runs outside a transaction: it must not ask the database anything."
        )
    return rendering


def _unfinished(rows: int) -> Conflict:
    return Conflict(
        "The time was not enough for all batches of a backfill.",
        code="revision_unfinished",
        details=f"{rows} rows were changed.",
        hint="Repeat the call: it goes on with the rows that are left.",
    )


def _not_kept(target: str) -> Conflict:
    return Conflict(
        "The schema does not keep the revision that it has reached.",
        code="revision_not_kept",
        details=f"revision {target or 'none'}",
        hint="Something in the schema changes its table alembic_version: a trigger or a rule. Remove it.",
    )

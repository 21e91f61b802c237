"""What a count tells while it goes on, and what becomes of its failures."""

from collections.abc import Callable
from typing import Any

import psycopg2

from tenantry.database.sql_errors import translate
from tenantry.domain.errors import DatabaseTimeout, DatabaseUnavailable, StatementFailed, TenantryError


class Watch:
    """Watches a count that ends with its first failure."""

    def done(self) -> None:
        """Hear that a table was counted."""

    def attempt[T](self, connection: Any, read: Callable[[], T]) -> T | None:  # noqa: ARG002
        """Read something over a connection; None: it was left out."""
        return read()


class Lenient(Watch):
    """Watches a count that leaves out what it can't read, and ends when it is told to."""

    def __init__(self) -> None:
        """Begin without a failure."""
        # The first: what comes after a lost connection says less.
        self.failure: TenantryError | None = None
        self._stopped = False

    def stop(self, reason: TenantryError | None = None) -> None:
        """Read nothing more. Whoever calls this cancels what is being read."""
        self._stopped = True
        self.failure = self.failure or reason

    def attempt[T](self, connection: Any, read: Callable[[], T]) -> T | None:
        """Read something over a connection; None: that failed, as did an earlier one for good, or it was stopped.

        :raises Conflict: as `read`.
        """
        if self._stopped or connection.closed:
            return None
        try:
            return read()
        except psycopg2.Error as exc:
            self.note(translate(exc))
        except (DatabaseTimeout, DatabaseUnavailable, StatementFailed) as error:
            self.note(error)
        return None

    def note(self, failure: TenantryError) -> None:
        """Keep the first failure."""
        self.failure = self.failure or failure

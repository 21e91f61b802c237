"""What a server's administrator does with one tenant's home, in any isolation model."""

from typing import Protocol

from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.tenant import Home
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import NOBODY, Watch


class HomeAdmin(Protocol):
    """Administers one tenant's home on one server. Every method may be repeated, also after a crash at any point.

    All methods raise TenantryError if the server refuses or can't be reached.
    """

    @property
    def home(self) -> Home:
        """The home."""

    def make(self) -> None:
        """Make the home with the tables of the newest revision, for the tenant's logins only, and record whose it is.

        What exists already keeps the rights that it has.
        The tenant's roles and logins have to exist.

        :raises Conflict: something has the home's name and is not the tenant's.
        """

    def make_empty(self, options: DatabaseOptions | None = None) -> None:
        """Make the home without tables of the tenant, closed to everybody but the administrator, to be filled.

        What a copy that was cut off left in it is dropped. In shared tables, the tenant's rows are deleted.

        :param options: how a database of the tenant's own is made; a shared one is there already.
        :raises Conflict: something has the home's name and is not the tenant's, or the server lacks the locale
            (`locale_unavailable`); nothing is changed then.
        """

    def grant(self) -> None:
        """Give owner, editor and viewer a new tenant's rights to what is in it, now and later.

        Not to what has been copied or restored: there they would be wider than they were.
        """

    def upgrade(self) -> str:
        """Bring the home to the newest revision, and return its revision.

        :raises Conflict: the home is at a revision that is unknown here.
        """

    def revision(self) -> str | None:
        """Tell which revision the home is at; None where no revision was ever run. No login is needed for that."""

    def migrate(self, target: str, scripts: RenderedHistory, watch: Watch = NOBODY) -> str:
        """Bring the home to a revision, forward or back; shared tables for all who live there.

        :param target: the id of a revision; empty before the first.
        :returns: the revision that it is at then.
        :raises Conflict: the home is at a revision that is unknown here, its tables are in use all the time
            (`database_busy`), or there was no more time for a backfill's next batch (`revision_unfinished`).
        """

    def open(self) -> None:
        """Let the tenant's logins connect."""

    def close(self) -> None:
        """Keep the tenant's logins from connecting, and end their sessions in the home."""

    def fence(self) -> None:
        """Make every new transaction of the tenant's logins in the home read-only.

        When this returns, every session from before has ended, so nothing is written to the home any more.
        """

    def unfence(self) -> None:
        """Let the tenant's logins write again, and end the sessions that began under the fence."""

    def end_sessions(self) -> None:
        """End every session of the tenant in the home."""

    def size(self) -> int | None:
        """Return the home's size in bytes; None if nothing of the tenant is there. A share of the pool is estimated."""

    def untie(self) -> None:
        """Drop what would keep the home from being dropped for ever: prepared transactions, subscriptions, slots.

        :raises Conflict: something has the home's name and is not the tenant's.
        """

    def drop(self) -> None:
        """Drop the home with everything in it; a missing home counts as dropped. The roles stay."""

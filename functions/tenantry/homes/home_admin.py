"""What a server's administrator does with the place in which one tenant lives, whatever the isolation model."""

from typing import Protocol

from tenantry.domain.tenant import Home


class HomeAdmin(Protocol):
    """Administers one tenant's home on one server. Every method may be repeated, after a crash at any point too.

    All of them raise TenantryError where the server refuses or can't be reached.
    """

    @property
    def home(self) -> Home:
        """Where it is."""

    def make(self) -> None:
        """Make it, with the tables of the newest revision, for the tenant's logins alone; it says whose it is.

        What is there already keeps the rights that it has.
        The tenant's roles and logins are there already.

        :raises Conflict: there is something of that name which is not the tenant's.
        """

    def make_empty(self) -> None:
        """Make it without tables of the tenant's own, closed to everybody but the administrator, to be filled.

        What a copy that was cut left in it is dropped. In shared tables, the tenant's rows are deleted.

        :raises Conflict: there is something of that name which is not the tenant's.
        """

    def grant(self) -> None:
        """Give owner, editor and viewer a new tenant's rights to what is in it, now and later.

        Not to what has been copied or restored: there they would be wider than they were.
        """

    def upgrade(self) -> str:
        """Bring it to the newest revision; returns the revision that it is at then.

        :raises Conflict: it is at a revision that is not known here.
        """

    def open(self) -> None:
        """Let the tenant's logins connect."""

    def close(self) -> None:
        """Let the tenant's logins connect no more, and end their sessions there."""

    def fence(self) -> None:
        """Make every transaction of the tenant's logins there read only from now on.

        When this returns, no session is left that began before, so nothing is written there any more.
        """

    def unfence(self) -> None:
        """Let the tenant's logins write again; sessions that began meanwhile are ended."""

    def end_sessions(self) -> None:
        """End every session of the tenant's there."""

    def size(self) -> int | None:
        """Measure it in bytes; None where there is nothing of the tenant's. A share of shared tables is estimated."""

    def drop(self) -> None:
        """Drop it with everything in it; what is not there is dropped already. The roles stay."""

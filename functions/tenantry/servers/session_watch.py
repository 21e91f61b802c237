"""Ends tenants' sessions that stop others, once a minute. PostgreSQL lets every login stop others.

A login that may change rows can lock their table, even if it holds other tenants' rows too; a login that may connect
can fill the server's lock table and its notification queue. The settings of a role, such as
`idle_in_transaction_session_timeout`, do not prevent this, because a session can change them for itself.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tenantry.database.admin_sql import execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE
from tenantry.servers.connection_limits import lift_limits
from tenantry.servers.servers import Servers

_SERVERS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """What a tenant's session may do.

    `lock_seconds`: how long a transaction in a shared database may keep others waiting, or be idle.
    `advisory_locks`: how many advisory locks a session may hold. `queue_share`: if more than this share of the
    notification queue is full, sessions that may keep it from being emptied are ended.
    """

    lock_seconds: int = 60
    advisory_locks: int = 1_000
    queue_share: float = 0.1


class EndedSession(NamedTuple):
    """A session that was ended, and why: `blocks`, `idle_in_transaction`, `locks` or `announcements`."""

    server_id: str
    database: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class WatchReport:
    """The number of servers, the sessions that were ended, and the servers that failed, with the error's code.

    `lifted` names the databases that let nobody in any more, whose limit of connections was taken off.
    """

    servers: int
    ended: list[EndedSession] = field(default_factory=list)
    unwatched: dict[str, str] = field(default_factory=dict)
    lifted: list[str] = field(default_factory=list)

    def by_reason(self) -> dict[str, int]:
        """Count the ended sessions by reason."""
        return dict(Counter(session.reason for session in self.ended))


class SessionWatch:
    """Watches the sessions on every server of a stage."""

    def __init__(self, servers: Servers, limits: WatchLimits) -> None:
        """Take the servers and the limits of a session."""
        self._servers = servers
        self._limits = limits

    def run(self) -> WatchReport:
        """End the sessions that stop others, and keep room for ours.

        A server that does not answer is reported and does not stop the rest.

        :raises DependencyFailed: the registry did not answer.
        """
        server_ids = [server.server_id for server in self._servers.all()]
        report = WatchReport(len(server_ids))
        with ThreadPoolExecutor(_SERVERS_AT_ONCE) as pool:
            for server_id, found in zip(server_ids, pool.map(self._try, server_ids), strict=True):
                if isinstance(found, TenantryError):
                    report.unwatched[server_id] = found.code
                else:
                    ended, lifted = found
                    report.ended.extend(ended)
                    report.lifted.extend(lifted)
        return report

    def _try(self, server_id: str) -> tuple[list[EndedSession], list[str]] | TenantryError:
        try:
            return self.look(server_id), lift_limits(self._servers.connector(server_id))
        except TenantryError as error:
            return error

    def look(self, server_id: str) -> list[EndedSession]:
        """End the sessions that stop others on one server.

        :raises TenantryError: the server refused, or does not answer.
        """
        limits = self._limits
        values: dict[str, Any] = {
            "patience": limits.lock_seconds,
            "advisory_locks": limits.advisory_locks,
            "queue_share": limits.queue_share,
            "shared": [SCHEMAS_DATABASE, POOL_DATABASE],
        }
        ended: list[EndedSession] = []
        with closing(self._servers.connector(server_id)("postgres")) as connection, connection.cursor() as cursor:
            # PostgreSQL does not show which sessions listen. Ours, such as backups, do not, so the first pass spares
            # them. A tenant's session can take our application_name, so the second pass ends those too, if the queue
            # stays full.
            for spare_nobody in (False, True):
                whom: Any = values | {"spare_nobody": spare_nobody}
                execute(cursor, load_sql("servers/end_stopping_sessions"), whom)
                ended += [EndedSession(server_id, *row) for row in cursor.fetchall()]
                # NOTIFY does not empty a full queue, but asking for its usage does.
                execute(cursor, "SELECT pg_notification_queue_usage()")
                if cursor.fetchone()[0] <= limits.queue_share:
                    break
        return ended

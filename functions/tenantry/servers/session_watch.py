"""Ends the sessions of tenants that stop others, which PostgreSQL lets every login do: looked for every minute.

A login that may change rows may lock their table, whoever else's rows lie in it; whoever may connect may fill the
server's table of locks and its queue of announcements. What a role is set to (`idle_in_transaction_session_timeout`,
say) a session lifts for itself, so it is no wall.
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
from tenantry.servers.servers import Servers

_SERVERS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """What a tenant's session may do.

    `lock_seconds`: how long a transaction where tenants share a database may keep others waiting, or do nothing.
    `advisory_locks`: how many it may hold. `queue_share`: from which share of the queue of announcements on those are
    ended who may keep it from being emptied.
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
    """How many servers were looked at, whom it ended there, and which could not be looked at, with the code."""

    servers: int
    ended: list[EndedSession] = field(default_factory=list)
    unwatched: dict[str, str] = field(default_factory=dict)

    def by_reason(self) -> dict[str, int]:
        """Count those that were ended."""
        return dict(Counter(session.reason for session in self.ended))


class SessionWatch:
    """Looks at every server of a stage."""

    def __init__(self, servers: Servers, limits: WatchLimits) -> None:
        """Take the servers, and what a session may do."""
        self._servers = servers
        self._limits = limits

    def run(self) -> WatchReport:
        """End who stops others; a server that does not answer is in the report, and stops nothing.

        :raises DependencyFailed: the registry did not answer.
        """
        server_ids = [server.server_id for server in self._servers.all()]
        report = WatchReport(len(server_ids))
        with ThreadPoolExecutor(_SERVERS_AT_ONCE) as pool:
            for server_id, found in zip(server_ids, pool.map(self._try, server_ids), strict=True):
                if isinstance(found, TenantryError):
                    report.unwatched[server_id] = found.code
                else:
                    report.ended.extend(found)
        return report

    def _try(self, server_id: str) -> list[EndedSession] | TenantryError:
        try:
            return self.look(server_id)
        except TenantryError as error:
            return error

    def look(self, server_id: str) -> list[EndedSession]:
        """End who stops others on one server.

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
            # Nobody sees who listens. A backup does not; who only says that it is one is ended if the queue stays full.
            for spare_nobody in (False, True):
                whom: Any = values | {"spare_nobody": spare_nobody}
                execute(cursor, load_sql("servers/end_stopping_sessions"), whom)
                ended += [EndedSession(server_id, *row) for row in cursor.fetchall()]
                # A full queue is emptied by nobody who announces: asking how full it is does that.
                execute(cursor, "SELECT pg_notification_queue_usage()")
                if cursor.fetchone()[0] <= limits.queue_share:
                    break
        return ended

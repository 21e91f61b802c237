"""Registers PostgreSQL servers after a check, drains them, and calls them lost."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.database.admin_sql import AdminConnect
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BadRequest, Conflict, DatabaseUnavailable, NotFound, TenantryError
from tenantry.domain.server import Server, ServerStatus
from tenantry.servers.refused_session import NO_CONNECTION, refused_session
from tenantry.servers.running_server import are_one, same_server
from tenantry.servers.server_admin import ServerAdmin, ServerFacts
from tenantry.servers.servers import Servers, connector_of

OLDEST_VERSION = 150000
_MAX_SKEW_SECONDS = 5.0
# One that does not answer is waited for some seconds, and a request has 29.
_ASKED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class ServerReport:
    """The result of a check: free connections, the clock's error in seconds, the number of tenants, and more."""

    server: Server
    version: str
    tls: bool
    max_connections: int
    free_connections: int
    clock_skew: float
    tenants: int


class Registrations:
    """What operators say of the servers of one stage."""

    def __init__(self, registry: Registry, secrets: ServerSecrets, servers: Servers) -> None:
        """Take the adapters."""
        self._registry = registry
        self._secrets = secrets
        self._servers = servers

    def register(self, server: Server, username: str, password: str) -> ServerReport:
        """Register a server, or change its registration, once it has passed the check.

        :raises BadRequest: the server can't be reached, or is unfit for tenants; nothing is stored.
        :raises Conflict: it is registered already under another id (`same_server`); nothing is stored.
        """
        credentials = Credentials(
            server.host, server.port, "postgres", username, password, server.sslmode, server.sslrootcert
        )
        connect = connector_of(credentials)
        admin = ServerAdmin(connect)
        report = self._examine(server, admin, credentials)
        self._require_new(server.server_id, connect)
        admin.close_maintenance_databases()
        self._secrets.write(server.server_id, credentials)
        self._registry.put_server(server)
        return report

    def check(self, server_id: str) -> ServerReport:
        """Check a registered server in its present state.

        :raises NotFound: the server is not registered.
        :raises BadRequest: the server can't be reached, or is no longer fit for tenants.
        """
        server = self._servers.get(server_id)
        return self._examine(server, self._servers.admin(server_id), self._servers.administrator(server_id))

    def drain(self, server_id: str) -> Server:
        """Place no new tenants on a server; those that live there stay.

        :raises NotFound: the server is not registered.
        """
        server = replace(self._servers.get(server_id), status=ServerStatus.DRAINING)
        self._registry.put_server(server)
        return server

    def lose(self, server_id: str) -> Server:
        """Write down that a server will never answer again, so that nothing waits for it.

        :raises NotFound: the server is not registered.
        :raises Conflict: it answers (`server_answers`).
        """
        server = self._servers.get(server_id)
        if self._answers(server_id):
            raise Conflict(
                "The server answers, so it is not lost.",
                code="server_answers",
                hint="Leave `lost` out to place no new tenants there. Stop the server first if it is to go.",
            )
        lost = replace(server, status=ServerStatus.LOST)
        self._registry.put_server(lost)
        return lost

    def _answers(self, server_id: str) -> bool:
        """Tell whether anything is there: a server that refuses us, or has no session left, is not lost."""
        try:
            self._servers.admin(server_id).facts()
        except DatabaseUnavailable as exc:
            return not exc.code.startswith(NO_CONNECTION)
        except NotFound:
            return False
        return True

    def _require_new(self, server_id: str, connect: AdminConnect) -> None:
        """Make sure that no other id leads to this server; an id may get another address."""
        others = [other.server_id for other in self._registry.servers() if other.server_id != server_id]
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            found = list(pool.map(lambda other: self._leads_to(other, connect), others))
        ids = [other for other, is_here in zip(others, found, strict=True) if is_here]
        if ids:
            raise same_server(", ".join([*ids, server_id]))

    def _leads_to(self, server_id: str, connect: AdminConnect) -> bool:
        """Tell whether an id leads to this server.

        One that does not answer keeps no server out: whatever takes tenants there, or drops anything, asks again.
        """
        try:
            return are_one(connect, self._servers.connector(server_id))
        except TenantryError:
            return False

    def _examine(self, server: Server, admin: ServerAdmin, credentials: Credentials) -> ServerReport:
        try:
            facts = admin.facts()
        except DatabaseUnavailable as exc:
            raise refused_session(credentials, exc) from exc
        _require_usable(facts)
        return ServerReport(
            server,
            facts.version,
            facts.tls,
            facts.max_connections,
            facts.max_connections - facts.used_connections,
            round(facts.clock - facts.asked_at, 1),
            self._servers.tenants_by_server()[server.server_id],
        )


def _require_usable(facts: ServerFacts) -> None:
    if facts.version_number < OLDEST_VERSION:
        raise BadRequest(
            f"The server is PostgreSQL {facts.version}.", code="server_too_old", hint="Version 15 or later is needed."
        )
    if not facts.may_make_tenants:
        raise BadRequest(
            "The administrator may not make roles and databases.",
            code="server_rights",
            hint="Give it CREATEROLE and CREATEDB, and as a superuser GRANT SET ON PARAMETER tenantry.tenant_id TO it.",
        )
    if abs(facts.clock - facts.asked_at) > _MAX_SKEW_SECONDS:
        raise BadRequest("The server's clock is wrong.", code="server_clock", hint="Let it follow a time server.")

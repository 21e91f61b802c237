"""One request of the data API: planned, run in the caller's own database in one round trip, and answered."""

from dataclasses import dataclass, replace

import psycopg2

from tenantry.adapters.connections import ConnectionCache
from tenantry.adapters.postgres import ConnectSettings, Row, TenantConnection
from tenantry.adapters.secrets import TenantSecrets
from tenantry.adapters.sql_errors import translate
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, OutcomeUnknown, PayloadTooLarge, TenantMoving, TenantryError
from tenantry.domain.tenant import Caller, TenantId, database_role
from tenantry.postgrest import Limits, Plan, Request, plan

# Wrong password, unknown role, no permission to connect, unknown database: a secret that was replaced mends these.
_STALE_CREDENTIALS = frozenset({"28P01", "28000", "42501", "3D000", "08001"})
_UNKNOWN_STATEMENT = "26000"
# A write in a session that may only read: the tenant is on its way to another place.
_READ_ONLY = "25006"
# The login is right and may not connect: the tenant has just left this place, or has not arrived at the next.
_CLOSED = "42501"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets: an HTTP status, JSON text and headers."""

    status: int
    body: str
    headers: dict[str, str]


class DataRequests:
    """Runs data requests. Holds what an execution environment keeps between them, each part keyed by tenant."""

    def __init__(
        self,
        secrets: TenantSecrets,
        connections: ConnectionCache,
        connect: ConnectSettings,
        limits: Limits,
        *,
        max_answer_bytes: int,
    ) -> None:
        """Take the adapters; an answer of more than `max_answer_bytes` is refused."""
        self._secrets = secrets
        self._connections = connections
        self._connect = connect
        self._limits = limits
        self._max_answer_bytes = max_answer_bytes

    def run(self, caller: Caller, request: Request) -> Answer:
        """Run a request as its caller.

        :raises TenantryError: and nothing was changed, but for OutcomeUnknown.
        """
        planned = plan(request, self._limits)
        row = self._execute(caller, request, planned)
        if row.body and len(row.body) > self._max_answer_bytes:
            raise self._too_large(planned)
        return _answer(planned, row)

    def _too_large(self, planned: Plan) -> PayloadTooLarge:
        limit = f"The answer has more than {self._max_answer_bytes} bytes."
        if planned.reads_only:
            return PayloadTooLarge(limit, hint="Ask for fewer rows with 'limit', or fewer columns with 'select'.")
        # Whoever repeats a change that was made makes it twice.
        return PayloadTooLarge(
            f"The change was made. {limit}", hint="Do not repeat it. Send 'Prefer: return=minimal' for large changes."
        )

    def _execute(self, caller: Caller, request: Request, planned: Plan) -> Row:
        connection, _ = self._connections.get(caller.tenant_id, self._open)
        try:
            return self._run(connection, caller, request, planned)
        except psycopg2.Error as exc:
            if exc.pgcode == _UNKNOWN_STATEMENT:
                # Somebody reset the session: nothing ran, so the same message is prepared and sent once more.
                connection.forget_prepared()
            elif not connection.is_lost:
                raise _refusal(exc, planned) from exc
            else:
                self._connections.forget(caller.tenant_id)
                if not planned.reads_only:
                    raise OutcomeUnknown() from exc
        return self._repeat(caller, request, planned)

    def _repeat(self, caller: Caller, request: Request, planned: Plan) -> Row:
        connection, _ = self._connections.get(caller.tenant_id, self._open)
        try:
            return self._run(connection, caller, request, planned)
        except psycopg2.Error as exc:
            if not connection.is_lost:
                raise _refusal(exc, planned) from exc
            self._connections.forget(caller.tenant_id)
            raise DatabaseUnavailable() from exc

    def _run(self, connection: TenantConnection, caller: Caller, request: Request, planned: Plan) -> Row:
        if connection.schema != request.schema:
            # Only now is it known where the tenant's tables lie.
            planned = plan(replace(request, schema=connection.schema), self._limits)
        role = database_role(caller.tenant_id, caller.role)
        return connection.run(role, caller.claims, planned.text, planned.values, reads_only=planned.reads_only)

    def _open(self, tenant_id: TenantId) -> TenantConnection:
        credentials = self._secrets.read(tenant_id)
        try:
            return TenantConnection(tenant_id, credentials, self._connect)
        except DatabaseUnavailable as exc:
            if exc.code not in _STALE_CREDENTIALS:
                raise
            return self._open_anew(tenant_id, credentials, exc)

    def _open_anew(self, tenant_id: TenantId, refused: Credentials, exc: DatabaseUnavailable) -> TenantConnection:
        """Fetch the secret once more: after a rotation or a move it holds what works."""
        credentials = self._secrets.read(tenant_id, refresh=True)
        if credentials == refused:
            raise _while_closed(exc) from exc
        try:
            return TenantConnection(tenant_id, credentials, self._connect)
        except DatabaseUnavailable as still:
            raise _while_closed(still) from still


def _refusal(exc: psycopg2.Error, planned: Plan) -> TenantryError:
    if exc.pgcode == _READ_ONLY and not planned.reads_only:
        return TenantMoving()
    return translate(exc)


def _while_closed(exc: DatabaseUnavailable) -> DatabaseUnavailable:
    return TenantMoving() if exc.code == _CLOSED else exc


def _answer(planned: Plan, row: Row) -> Answer:
    headers: dict[str, str] = {}
    if planned.reads_only and planned.status == 200:
        end = planned.offset + row.rows - 1
        headers["Content-Range"] = f"{planned.offset}-{end}/*" if row.rows else "*/*"
    if planned.applied:
        headers["Preference-Applied"] = ", ".join(planned.applied)
    return Answer(planned.status, (row.body or "") if planned.returns_body else "", headers)

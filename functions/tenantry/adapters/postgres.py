"""One tenant's connection: how it is opened, what is checked, and the one message of a request."""

import hashlib
import select
import time
from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import Any, Final, NamedTuple

import psycopg2

from tenantry.adapters.connection_refusal import refusal_sqlstate
from tenantry.adapters.sql_errors import translate
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, IdentityMismatch
from tenantry.domain.tenant import TenantId

# Custom setting of the database (or, where tenants share one, of the login) that says whose it is.
IDENTITY_SETTING = "tenantry.tenant_id"

# Whose database this is, and how long a statement may take: what the caller allows or, where that is less, what the
# login was given. The connection's own options beat a login's setting, so that is looked up. Not in a file: reading
# one costs a cold start more than this query.
_INTRODUCE = """
SELECT
    current_setting(%s, true),
    set_config('statement_timeout', coalesce(least(nullif(%s::bigint, 0), (
        SELECT nullif(CASE
            WHEN value ~ '^[0-9]+$' THEN value::bigint
            ELSE (extract(epoch FROM value::interval) * 1000)::bigint
        END, 0)
        FROM pg_db_role_setting, unnest(setconfig) setting, substr(setting, length('statement_timeout=') + 1) value
        WHERE setrole = quote_ident(session_user)::regrole
          AND setdatabase = 0
          AND starts_with(setting, 'statement_timeout=')
    )), 0)::text, false)
"""

_MAX_PREPARED = 64
_REFUSAL_SECONDS = 2.0


class Row(NamedTuple):
    """What every plan returns: how many rows it read or wrote, and its JSON."""

    rows: int
    body: str | None


@dataclass(frozen=True, slots=True)
class ConnectSettings:
    """Times of a connection: to open it in seconds; of one statement, and idle in a transaction, in milliseconds.

    A time of 0 is no limit.
    """

    connect_timeout: int = 4
    statement_timeout_ms: int = 10_000
    idle_timeout_ms: int = 60_000
    application_name: str = "tenantry"


def connect_arguments(credentials: Credentials, settings: ConnectSettings) -> dict[str, Any]:
    """Build the keyword arguments of `psycopg2.connect`."""
    schema = credentials.schema.replace('"', '""').replace("\\", "\\\\").replace(" ", "\\ ")
    options = (
        f"-c statement_timeout={settings.statement_timeout_ms} "
        f'-c idle_in_transaction_session_timeout={settings.idle_timeout_ms} -c search_path="{schema}"'
    )
    arguments: dict[str, Any] = {
        "host": credentials.host,
        "port": credentials.port,
        "dbname": credentials.dbname,
        "user": credentials.username,
        "password": credentials.password,
        "sslmode": credentials.sslmode,
        "connect_timeout": settings.connect_timeout,
        "application_name": settings.application_name,
        "options": options,
        # A host that vanished is noticed within some ten seconds, well before API Gateway gives up.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        # No Kerberos: libpq would otherwise ask for a ticket in an environment that has none.
        "gssencmode": "disable",
    }
    if root := certificate_file(credentials):
        arguments["sslrootcert"] = root
    return arguments


def certificate_file(credentials: Credentials) -> str | None:
    """Return what libpq's `sslrootcert` has to be: a file, `system` for the system's authorities, or nothing.

    A certificate of the secret's is written to a file whose name is its digest, so it is written once.
    """
    pem = credentials.sslrootcert
    if not pem:
        return "system" if credentials.sslmode == "verify-full" else None
    path = Path(gettempdir()) / f"tenantry-ca-{hashlib.sha256(pem.encode()).hexdigest()[:32]}.pem"
    if not path.exists():
        # A file of our own making, moved into place: nobody else's half-written or planted one is trusted.
        with NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
            draft.write(pem)
        Path(draft.name).replace(path)
    return str(path)


def connect(credentials: Credentials, settings: ConnectSettings) -> Any:
    """Open a connection in autocommit mode.

    :raises DatabaseUnavailable: with the server's SQLSTATE, or 08001 where no server answered.
    """
    arguments = connect_arguments(credentials, settings)
    started = time.monotonic()
    try:
        connection = psycopg2.connect(**arguments)
    except psycopg2.OperationalError as exc:
        # Who waited for the whole time met no server; asking again would only take as long once more.
        waited = time.monotonic() - started >= settings.connect_timeout
        sqlstate = "08001" if waited else refusal_sqlstate(arguments, _REFUSAL_SECONDS)
        if sqlstate:
            raise DatabaseUnavailable(code=sqlstate) from exc
        # Nobody refuses: the session was ended while it began, as when a tenant is moved, or there is no server.
        connection = _connect_again(arguments)
    connection.autocommit = True
    return connection


def _connect_again(arguments: dict[str, Any]) -> Any:
    try:
        return psycopg2.connect(**arguments)
    except psycopg2.OperationalError as exc:
        raise DatabaseUnavailable(code="08001") from exc


def check_identity(connection: Any, tenant_id: TenantId) -> None:
    """Ask the database whose it is.

    :raises IdentityMismatch: it is another tenant's, or nobody's.
    :raises TenantryError: it could not be asked.
    """
    _require_named(connection, tenant_id, "SELECT current_setting(%s, true)", (IDENTITY_SETTING,))


def _introduce(connection: Any, tenant_id: TenantId, statement_timeout_ms: int) -> None:
    """Ask the database whose it is, and bound the statements by the tenant's own limit, in one round trip.

    :param statement_timeout_ms: what the tenant's limit can only lower; 0 is none.
    :raises TenantryError: as above.
    """
    _require_named(connection, tenant_id, _INTRODUCE, (IDENTITY_SETTING, statement_timeout_ms))


def _require_named(connection: Any, tenant_id: TenantId, query: str, values: tuple[Any, ...]) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            named = cursor.fetchone()[0]
    except psycopg2.Error as exc:
        raise translate(exc) from exc
    if named != tenant_id.value:
        raise IdentityMismatch()


class TenantConnection:
    """A connection that belongs to one tenant, with the statements that were prepared on it."""

    # Never used twice, even after a failure that leaves open whether the server knows the name.
    _names: Final = count(1)

    def __init__(self, tenant_id: TenantId, credentials: Credentials, settings: ConnectSettings) -> None:
        """Open it and check that the database is this tenant's.

        :raises DatabaseUnavailable: it can't be opened.
        :raises IdentityMismatch: the database says that it is another's, or nobody's.
        """
        self.tenant_id = tenant_id
        self.opened_at = time.monotonic()
        self._connection = connect(credentials, settings)
        self._poll = select.poll()
        self._poll.register(self._connection.fileno(), select.POLLIN)
        self._prepared: OrderedDict[str, str] = OrderedDict()
        # Names that the server may or may not know, because the message that prepared them failed.
        self._abandoned = 0
        self.schema = credentials.schema
        try:
            _introduce(self._connection, tenant_id, settings.statement_timeout_ms)
        except BaseException:
            self.close()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether it can be used, without a round trip: a readable socket means that the server hung up."""
        return not self._connection.closed and not self._poll.poll(0)

    @property
    def is_lost(self) -> bool:
        """Whether the last statement broke the connection."""
        return bool(self._connection.closed)

    def close(self) -> None:
        """Close it; closing twice is fine."""
        self._connection.close()

    def run(self, role: str, claims: str, text: str, values: tuple[str | None, ...], *, reads_only: bool) -> Row:
        """Run one statement as `role` in one round trip, in a transaction of its own.

        PostgreSQL takes the settings and the statement as one message, which is one implicit transaction; `SET LOCAL`
        ends with it. The statement is prepared once for each shape: parsing and planning it costs more than running it.

        :param text: one statement with placeholders `$1`…, that returns one row of (count, JSON).
        :raises psycopg2.Error: as PostgreSQL gave it.
        """
        template, known = self._message(text, len(values), reads_only)
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(template, (role, claims, self.tenant_id.value, self.schema, *values))
            except psycopg2.Error:
                if not known:
                    self._prepared.pop(text, None)
                    self._abandoned += 1
                raise
            return Row(*cursor.fetchone())

    def _message(self, text: str, arity: int, reads_only: bool) -> tuple[str, bool]:
        parts = [
            "SET LOCAL role=%s;SET LOCAL request.jwt.claims=%s;SET LOCAL app.tenant_id=%s;SET LOCAL search_path=%s;"
        ]
        if reads_only:
            parts.append("SET LOCAL transaction_read_only=on;")
        name = self._prepared.get(text)
        known = name is not None
        if name is None:
            name = f"tenantry_{next(self._names)}"
            parts += self._evict()
            # psycopg2 fills in `%s`, so a percent sign of the statement's own is doubled.
            parts.append(f"PREPARE {name} AS {text.replace('%', '%%')};")
            self._prepared[text] = name
        else:
            self._prepared.move_to_end(text)
        placeholders = f"({','.join(['%s'] * arity)})" if arity else ""
        parts.append(f"EXECUTE {name}{placeholders}")
        return "".join(parts), known

    def _evict(self) -> list[str]:
        if self._abandoned >= _MAX_PREPARED:
            self.forget_prepared()
            return ["DEALLOCATE ALL;"]
        if len(self._prepared) < _MAX_PREPARED:
            return []
        _, name = self._prepared.popitem(last=False)
        return [f"DEALLOCATE {name};"]

    def forget_prepared(self) -> None:
        """Forget every prepared statement, as when the server says that it does not know one."""
        self._prepared.clear()
        self._abandoned = 0

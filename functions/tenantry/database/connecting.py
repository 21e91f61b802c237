"""How a connection to PostgreSQL is opened with a secret's credentials, and why it was not."""

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from tenantry.database.connection_refusal import refusal_sqlstate
from tenantry.database.session_settings import is_believed_new, note_server_version, session_options
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, unavailable
from tenantry.domain.patience import DEFAULT_PATIENCE, Patience

_REFUSAL_SECONDS = 2.0
_UNKNOWN_SETTING = "42704"
# Where a system keeps the authorities that it trusts: Amazon Linux, which Lambda runs on, then Debian, then Alpine and
# macOS. The OpenSSL that psycopg2 and PostgreSQL's programs come with looks where it was built, and finds nothing.
_SYSTEM_AUTHORITIES = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
)
# One process, no more memory for hash tables than for sorting, no compiler.
FRUGAL: Final = ("hash_mem_multiplier=1", "max_parallel_workers_per_gather=0", "jit=off")


class PatientConnection(extensions.connection):
    """A connection that says how patient its statements are (see `patience.py`), and may be kept when it is closed.

    `give_back` gets the connection then, and sees to its end; see `kept_sessions.py`.
    """

    patience = DEFAULT_PATIENCE
    give_back: "Callable[[PatientConnection], None] | None" = None

    def close(self) -> None:
        """End the session, or give it back."""
        give_back, self.give_back = self.give_back, None
        if give_back:
            give_back(self)
        else:
            self.end()

    def end(self) -> None:
        """End the session."""
        super().close()


@dataclass(frozen=True, slots=True)
class ConnectSettings:
    """Times of a connection: to open it in seconds; of one statement, and idle in a transaction, in milliseconds.

    `lock_timeout_ms` is what a statement waits for a lock. A time of 0 is no limit; `statement_timeout_ms` None leaves
    what the login has. `client_check_ms` is how often the server looks whether a running statement's client is still
    there. `patience` is for administrators, whose statements are tried again. A session that `administers` goes on
    whatever its database and its login are set to, also where they are fenced. `stage` is what marks of roles name.
    `rest_ms` is after how long the server ends the session if nothing is asked of it (0: never): whoever opened it may
    be frozen for hours, and would keep the place of another. `through_pooler` goes through the pooler that the
    credentials name: what a session is set to at its start is then for each transaction to set (`pooled_session.py`).
    """

    connect_timeout: int = 4
    statement_timeout_ms: int | None = 10_000
    idle_timeout_ms: int = 60_000
    application_name: str = "tenantry"
    client_check_ms: int = 2_000
    # Memory of one step of a statement, in kB: 0 leaves what the server has. Each of thirty embedded tables may have
    # one, so requests of the data API get little.
    work_mem_kb: int = 0
    lock_timeout_ms: int = 0
    patience: Patience | None = None
    administers: bool = False
    stage: str = ""
    rest_ms: int = 0
    through_pooler: bool = False


def is_pooled(credentials: Credentials, settings: ConnectSettings) -> bool:
    """Whether a connection leads to a pooler, and not to a session of the server's."""
    return settings.through_pooler and credentials.pooler is not None


def connect_arguments(credentials: Credentials, settings: ConnectSettings) -> dict[str, Any]:
    """Build the keyword arguments of `psycopg2.connect`."""
    if settings.through_pooler and credentials.pooler:
        pooler = credentials.pooler
        credentials = replace(credentials, host=pooler.host or credentials.host, port=pooler.port, pooler=None)
        # It keeps a few settings for each of its clients, and refuses a client that brings others.
        return _arguments(credentials, settings) | {"client_encoding": "UTF8"}
    return _arguments(credentials, settings) | {"options": _startup_options(credentials, settings)}


def _arguments(credentials: Credentials, settings: ConnectSettings) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "host": credentials.host,
        "port": credentials.port,
        "dbname": credentials.dbname,
        "user": credentials.username,
        "password": credentials.password,
        "sslmode": credentials.sslmode,
        "connect_timeout": settings.connect_timeout,
        "application_name": settings.application_name,
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
    if settings.patience:
        arguments["connection_factory"] = PatientConnection
    return arguments


def _startup_options(credentials: Credentials, settings: ConnectSettings) -> str:
    """Write the settings with which a session begins, as libpq's `options`."""
    # What separates options, and what keeps it from doing so.
    schema = re.sub(r"([\\ \t\n\v\f\r])", r"\\\1", credentials.schema.replace('"', '""'))
    # Where nothing but PostgreSQL's own is to be found, temporary tables, which else come first, come last.
    path = f'"{schema}",pg_temp' if credentials.schema == "pg_catalog" else f'"{schema}"'
    options = f"-c idle_in_transaction_session_timeout={settings.idle_timeout_ms} -c search_path={path}"
    if settings.statement_timeout_ms is not None:
        options += f" -c statement_timeout={settings.statement_timeout_ms}"
    if settings.client_check_ms:
        options += f" -c client_connection_check_interval={settings.client_check_ms}"
    if settings.work_mem_kb:
        options += "".join([f" -c {each}" for each in (f"work_mem={settings.work_mem_kb}", *FRUGAL)])
    options += f" {session_options(credentials, administers=settings.administers, rest_ms=settings.rest_ms)}"
    if settings.lock_timeout_ms or settings.administers:
        options += f" -c lock_timeout={settings.lock_timeout_ms}"
    if settings.stage:
        options += f" -c tenantry.stage={settings.stage}"
    return options


def certificate_file(credentials: Credentials) -> str | None:
    """Return what libpq's `sslrootcert` has to be: a file, `system` where only libpq can know, or nothing.

    A certificate of the secret's is written to a file whose name is its digest, so it is written once. Without one,
    `verify-full` trusts the system's authorities: those of `SSL_CERT_FILE`, if it is set.
    """
    pem = credentials.sslrootcert
    if not pem:
        return _system_authorities() if credentials.sslmode == "verify-full" else None
    path = Path(gettempdir()) / f"tenantry-ca-{hashlib.sha256(pem.encode()).hexdigest()[:32]}.pem"
    if not path.exists():
        # A file of our own making, moved into place: nobody else's half-written or planted one is trusted.
        with NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
            draft.write(pem)
        Path(draft.name).replace(path)
    return str(path)


def _system_authorities() -> str:
    named = os.environ.get("SSL_CERT_FILE", "")
    return next((path for path in (named, *_SYSTEM_AUTHORITIES) if path and Path(path).is_file()), "system")


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
        if sqlstate == _UNKNOWN_SETTING and is_believed_new(credentials):
            # An older server. It is asked once in the life of this process.
            note_server_version(credentials, 0)
            return connect(credentials, settings)
        if sqlstate:
            raise unavailable(sqlstate) from exc
        # Nobody refuses: the session was ended while it began, as when a tenant is moved, or there is no server.
        connection = _connect_again(arguments)
    note_server_version(credentials, connection.server_version)
    connection.autocommit = True
    if settings.patience:
        connection.patience = settings.patience
    return connection


def _connect_again(arguments: dict[str, Any]) -> Any:
    try:
        return psycopg2.connect(**arguments)
    except psycopg2.OperationalError as exc:
        raise DatabaseUnavailable(code="08001") from exc

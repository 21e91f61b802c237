"""A real PgBouncer in transaction mode in front of a test's server."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg2
import pytest

from local.ports import LOOPBACK, free_ports
from local.postgres_server import PostgresServer
from local.processes import ChildProcess
from tenantry.domain.pooler import Pooler
from tenantry.servers.pooler_users import replace_file, user_list
from tests.postgres import superuser_session

_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_USER, _CONSOLE_PASSWORD = "nobody", "of the console"
_DEFAULTS: Mapping[str, str] = MappingProxyType({
    "pool_mode": "transaction",
    "auth_type": "scram-sha-256",
    "default_pool_size": "2",
    "max_client_conn": "200",
    "query_wait_timeout": "10",
    # A login that was refused once is tried again with the next client.
    "server_login_retry": "0",
    "server_reset_query": "",
    "unix_socket_dir": "",
    "logfile": "",
})  # fmt: skip


@dataclass
class PgBouncer:
    """A pooler that runs, and the file of its users."""

    server: PostgresServer
    port: int
    users: Path

    @property
    def pooler(self) -> Pooler:
        return Pooler(self.port)

    def write_users(self) -> None:
        """Write the server's logins as the documented command does, and have them read."""
        with closing(superuser_session(self.server)) as session:
            replace_file(self.users, user_list(session) + f'"console" "{_CONSOLE_PASSWORD}"\n')
        self.tell("RELOAD")

    def tell(self, command: str) -> list[Any]:
        """Send one command to the console."""
        with closing(self._console()) as console, console.cursor() as cursor:
            cursor.execute(command)
            return cursor.fetchall() if cursor.description else []

    def _console(self) -> Any:
        console = psycopg2.connect(
            host=LOOPBACK, port=self.port, dbname="pgbouncer", user="console", password=_CONSOLE_PASSWORD
        )
        console.autocommit = True
        return console


@contextmanager
def temporary_pooler(server: PostgresServer, **settings: str) -> Iterator[PgBouncer]:
    """Start a pooler on a free port, and end it; `settings` are PgBouncer's own.

    Without the program, the test is skipped.
    """
    if _PROGRAM is None:
        pytest.skip("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
    with tempfile.TemporaryDirectory(prefix="tenantry-pooler-") as directory:
        folder = Path(directory)
        port = free_ports(1)[0]
        users, file = folder / "users.txt", folder / "pgbouncer.ini"
        users.write_text(f'"console" "{_CONSOLE_PASSWORD}"\n')
        made = dict(_DEFAULTS) | {
            "listen_addr": LOOPBACK,
            "listen_port": str(port),
            "auth_file": str(users),
            "admin_users": "console",
        }
        lines = [f"{name} = {value}" for name, value in (made | settings).items()]
        place = f"* = host={server.host} port={server.port}"
        file.write_text("\n".join(["[databases]", place, "[pgbouncer]", *lines, ""]))
        command = [_PROGRAM, str(file)]
        if os.geteuid() == 0:
            # It refuses to be root.
            for each in (folder, users, file):
                shutil.chown(each, _USER)
            command[1:1] = [f"--user={_USER}"]
        child = ChildProcess("PgBouncer", command, log=folder / "log", environment={}, umask=-1)
        try:
            child.wait_until(lambda: _listens(port), within=10)
            yield PgBouncer(server, port, users)
        finally:
            child.stop()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), 1).close()
    except OSError:
        return False
    return True

"""The oldest supported PostgreSQL, if the machine has it."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from local.ports import LOOPBACK, free_ports
from local.processes import wait_until
from tests.postgres import quick_place

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


@contextmanager
def oldest_postgres() -> Iterator["OldestServer"]:
    """Start one on a free port and remove it in the end; skips the test if the machine has none."""
    if not (PROGRAMS / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    with tempfile.TemporaryDirectory(prefix="tenantry-oldest-", dir=quick_place()) as directory:
        server = OldestServer(Path(directory), free_ports(1)[0])
        try:
            server.start()
            yield server
        finally:
            server.stop()


class OldestServer:
    """A server of version 15 in a directory, with the interface of an embedded one."""

    host, admin_user, admin_password = LOOPBACK, "postgres", "not asked for"

    def __init__(self, directory: Path, port: int) -> None:
        self._directory, self.port = directory, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._directory.chmod(0o777)
        data = str(self._directory / "data")
        initialise = ["initdb", "-D", data, "-U", self.admin_user, "--auth=trust", "--no-sync", "--locale=C.UTF-8"]
        subprocess.run(_as_postgres(initialise), check=True, capture_output=True)
        settings = [f"listen_addresses={LOOPBACK}", "unix_socket_directories=", "fsync=off"]
        settings += ["synchronous_commit=off", "full_page_writes=off"]
        arguments = [argument for setting in settings for argument in ("-c", setting)]
        command = _as_postgres(["postgres", "-D", data, "-p", str(self.port), *arguments])
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        assert wait_until(self._answers, within=30)

    def stop(self) -> None:
        if self._process:
            # Not SIGTERM: that waits for sessions, and an administrator's are kept.
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)

    def connect(self, dbname: str = "postgres", **options: Any) -> Any:
        login = {"host": self.host, "port": self.port, "user": self.admin_user, "password": "x"}
        return psycopg2.connect(dbname=dbname, **{**login, **options})

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True


def _as_postgres(command: list[str]) -> list[str]:
    """Run as an ordinary user: PostgreSQL refuses to be root."""
    prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    return [*prefix, str(PROGRAMS / command[0]), *command[1:]]

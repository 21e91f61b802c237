"""`pg_dump` as a stream: started with a clean environment, and always ended."""

import os
import subprocess
from pathlib import Path
from typing import Any

from tenantry.database.client_environment import program_options
from tenantry.database.connecting import certificate_file
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BackupFailed
from tenantry.domain.revision import VERSION_TABLE
from tenantry.domain.tenant import Isolation

# The largest pipe that Linux allows an unprivileged process, so that pg_dump seldom has to wait for us.
_PIPE_BYTES = 1 << 20
# The encoding of a database whose text is any bytes.
NO_ENCODING = "SQL_ASCII"
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TZ", "LANG")


def pg_dump_version(directory: str) -> str:
    """Return the output of `pg_dump --version`, such as `pg_dump (PostgreSQL) 18.6`.

    :raises BackupFailed: pg_dump is missing or does not start.
    """
    try:
        return subprocess.run(
            [_program(directory), "--version"],
            capture_output=True,
            check=True,
            text=True,
            timeout=30,
            env=_environment(),
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as exc:
        raise BackupFailed("pg_dump could not be started.", code="pg_dump_missing") from exc


def encoding_options(encoding: str) -> list[str]:
    """Return the option with which pg_dump reads a database of that encoding.

    Its session's UTF-8 is right for all but SQL_ASCII: what has no encoding can be any bytes, and is taken as it is.
    """
    return ["--encoding=SQL_ASCII"] if encoding == NO_ENCODING else []


class Dump:
    """A running pg_dump. Its output is an uncompressed archive in the custom format."""

    def __init__(
        self,
        directory: str,
        credentials: Credentials,
        *,
        snapshot: str,
        role: str,
        application_name: str,
        lock_timeout_ms: int,
        connect_timeout: int,
        encoding: str,
        rehashes: bool = False,
    ) -> None:
        """Start dumping one tenant's database.

        :param snapshot: name of the exported snapshot from which the dump reads.
        :param role: the role to become, which owns the tenant's objects; empty: the login reads them itself.
        :param application_name: the session's name on the server.
        :param encoding: the database's, as PostgreSQL names it.
        :param rehashes: rows may belong to other partitions where they are restored.
        :raises BackupFailed: pg_dump could not be started.
        """
        arguments = [
            _program(directory),
            "--format=custom",
            "--compress=0",
            f"--snapshot={snapshot}",
            *([f"--role={role}"] if role else []),
            # pg_dump sets lock_timeout and statement_timeout to 0, which overrides the session's own settings.
            f"--lock-wait-timeout={lock_timeout_ms}",
            "--no-password",
            *encoding_options(encoding),
            *partition_options(rehashes=rehashes),
            *_scope(credentials),
        ]
        variables = _connection_variables(credentials, application_name, connect_timeout)
        try:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                # pg_dump's messages name hosts and values, so they must not reach a log.
                stderr=subprocess.DEVNULL,
                env=_environment() | variables,
                start_new_session=True,
                bufsize=0,
                pipesize=_PIPE_BYTES,
            )
        except OSError as exc:
            raise BackupFailed("pg_dump could not be started.", code="pg_dump_missing") from exc

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; empty at the end. Only `wait` tells whether the dump is complete."""
        stdout: Any = self._process.stdout
        chunk: bytes = stdout.read(size)
        return chunk

    def wait(self) -> int:
        """Wait until pg_dump ends and return its exit status; the dump is complete only if that is 0."""
        return self._process.wait()

    def kill(self) -> None:
        """Kill pg_dump; does nothing if it has ended."""
        if self._process.poll() is None:
            self._process.kill()

    def close(self) -> None:
        """Kill pg_dump if it runs, and release its resources."""
        self.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def partition_options(*, rehashes: bool) -> list[str]:
    """Return the option that has rows distributed to partitions anew, where that may be to others.

    pg_dump sees it by itself if the key is an enum, and not if that is in an array, a range or a row, say.
    """
    return ["--load-via-partition-root"] if rehashes else []


def _scope(credentials: Credentials) -> list[str]:
    """Return the options that leave out other tenants' data in a shared database."""
    schema = credentials.schema.replace('"', '""')
    match credentials.isolation:
        case Isolation.DATABASE:
            return []
        case Isolation.SCHEMA:
            return [f'--schema="{schema}"']
        case Isolation.POOLED:
            # Dump only the rows that the policies show; without this option, pg_dump fails at the first policy.
            shared = [f'--schema="{schema}"', "--enable-row-security"]
            return [*shared, f'--exclude-table="{schema}"."{VERSION_TABLE}"']


def _program(directory: str) -> str:
    return str(Path(directory) / "pg_dump")


def _environment() -> dict[str, str]:
    """Keep the variables that find programs and libraries; a child process must not get AWS credentials."""
    return {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}


def _connection_variables(credentials: Credentials, application_name: str, connect_timeout: int) -> dict[str, str]:
    variables = {
        "PGHOST": credentials.host,
        "PGPORT": str(credentials.port),
        "PGDATABASE": credentials.dbname,
        "PGUSER": credentials.username,
        "PGPASSWORD": credentials.password,
        "PGSSLMODE": credentials.sslmode,
        "PGAPPNAME": application_name,
        "PGCONNECT_TIMEOUT": str(connect_timeout),
        "PGGSSENCMODE": "disable",
        "PGOPTIONS": program_options(credentials),
    }
    root = certificate_file(credentials)
    return variables | ({"PGSSLROOTCERT": root} if root else {})

"""`pg_restore` with its input from a pipe: started with a clean environment, ended with certainty.

A dump is not trusted. What is in it runs in one database, as a login that may become its owner and nothing else.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tenantry.database.client_environment import CopyTools, client_environment, connection_string
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import RestoreFailed

APPLICATION = "tenantry-restore"
_PIPE_BYTES = 1 << 20
# Commits reach the disk with the next one that waits for it: that of the rights, which comes before the swap.
_QUICKLY = "-c synchronous_commit=off -c maintenance_work_mem=256MB"
_ALONE = "-c max_parallel_maintenance_workers=0 -c max_parallel_workers_per_gather=0"
# Servers before 17 do not know `transaction_timeout`, which pg_restore sets at its beginning whatever the server is.
# There it is not told to stop at an error; it counts them, and there must have been that one alone.
_KNOWS_ALL_SETTINGS = 170000
# How many objects are made before a commit: each is locked until then, and a server has room for some thousand locks.
_OBJECTS = 1000
# Sessions that restore a file at once.
_JOBS = 3
_ONE_ERROR = b"pg_restore: warning: errors ignored on restore: 1"


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where an archive is restored: the login, the role that it becomes, and what of the archive is wanted.

    `schema` is the only one that is restored, and is there; empty: the archive's own. `tables` and `sections` narrow it
    further, and so does `entries`, a file that lists the wanted entries of the archive in the archive's own order.
    `alone`: a session has no parallel workers, where other sessions use the server's processors.
    `server_version` is PostgreSQL's own number, such as 180006.
    """

    credentials: Credentials
    role: str
    server_version: int
    schema: str = ""
    tables: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    keep_rights: bool = True
    entries: Path | None = None
    alone: bool = False
    # What of the archive is left out: by the oids of the catalogue and of the object in it, its name as SQL has it.
    left_out: Mapping[tuple[int, int], str] = field(default_factory=dict)
    # Whose things were backed up, by the name of the owner at that time; empty: `role`.
    owner: str = ""

    @property
    def archived_owner(self) -> str:
        """Name the role that owned what is in the archive."""
        return self.owner or self.role

    @property
    def settings(self) -> str:
        """Settings of its sessions."""
        return f"{_QUICKLY} {_ALONE}" if self.alone else _QUICKLY

    @property
    def options(self) -> list[str]:
        """What narrows an archive, for pg_restore."""
        return [
            *([] if self.keep_rights else ["--no-acl"]),
            *([f"--schema={self.schema}"] if self.schema else []),
            *_options("table", self.tables),
            *_options("section", self.sections),
            *([f"--use-list={self.entries}"] if self.entries else []),
        ]

    @property
    def knows_all_settings(self) -> bool:
        """Whether the server knows every setting that pg_restore sets."""
        return self.server_version >= _KNOWS_ALL_SETTINGS


class Restore:
    """A running pg_restore. Use it as a context: none runs any more afterwards."""

    def __init__(self, target: RestoreTarget, tools: CopyTools, deadline: float, file: Path | None = None) -> None:
        """Take what to restore.

        :param deadline: of `time.monotonic()`, at which it is ended.
        :param file: the archive, or its beginning where no rows are wanted; several sessions then work at once. Without
            one it is written here.
        """
        self._target = target
        self._tools = tools
        self._deadline = deadline
        self._file = file
        self._expired = False
        self._stops = target.knows_all_settings

    def __enter__(self) -> Self:
        """Start it. :raises RestoreFailed: it could not be started."""
        try:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL if self._file else subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                # Its messages name hosts and values: only their number is looked at.
                stderr=subprocess.PIPE,
                env=self._environment(),
                start_new_session=True,
                bufsize=0,
                pipesize=_PIPE_BYTES,
            )
        except OSError as exc:
            raise RestoreFailed("pg_restore could not be started.", code="pg_client_missing") from exc
        self._listener = ThreadPoolExecutor(1, thread_name_prefix="pg-restore")
        self._said = self._listener.submit(_last_line, self._process.stderr)
        self._timer = threading.Timer(max(self._deadline - time.monotonic(), 0), self._expire)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if it runs still; its session is ended with the database, or by whoever ends the login's."""
        self._timer.cancel()
        self.kill()
        self._process.wait()
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        self._listener.shutdown()

    @property
    def has_failed(self) -> bool:
        """Whether it has ended, and not well."""
        return bool(self._process.poll())

    def kill(self) -> None:
        """End it at once, if it runs still, with the processes that it has started to work on a file."""
        if self._process.poll() is None:
            self._kill_group()

    def write(self, portion: bytes | memoryview) -> None:
        """Write a portion of the archive. :raises BrokenPipeError: it has ended, and `finish` says why."""
        stdin: Any = self._process.stdin
        view = memoryview(portion)
        while view:
            view = view[stdin.write(view) :]

    def finish(self) -> None:
        """Wait for its end.

        :raises RestoreFailed: it failed, or did not end in time.
        """
        if self._process.stdin:
            self._process.stdin.close()
        status = self._process.wait()
        if status < 0:
            # Killed by whomever: what it had started would work on, and keep its messages open.
            self._kill_group()
        if self._expired:
            raise RestoreFailed("The restore did not end in time.", code="restore_deadline")
        said = self._said.result()
        if status == 1 and not self._stops and said == _ONE_ERROR:
            return
        if status:
            raise RestoreFailed(
                "What is in the backup could not be restored by the tenant's own roles.",
                details=f"pg_restore ended with status {status}",
                hint=f"The server's log has the reason, under the application name {APPLICATION}.",
            )

    def _expire(self) -> None:
        self._expired = True
        self.kill()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _environment(self) -> dict[str, str]:
        target = self._target
        return client_environment(target.credentials, APPLICATION, self._tools.connect_timeout, target.settings)

    def _command(self) -> list[str]:
        target = self._target
        jobs = [f"--jobs={_JOBS}", str(self._file)] if self._file else []
        # Few commits, and rows that nobody sees yet: what the server's autovacuum has begun on, a key would wait for.
        commits = [f"--transaction-size={_OBJECTS}"] if self._stops and not self._file else []
        return [
            str(Path(self._tools.directory) / "pg_restore"),
            *(["--exit-on-error"] if self._stops else []),
            "--no-owner",
            # What is filled from tables whose policies bind their owner is refused otherwise, and not filled with less.
            "--enable-row-security",
            # Where files lie is the server's: an owner may make nothing in a tablespace that others were given.
            "--no-tablespaces",
            f"--role={target.role}",
            f"--dbname={connection_string(target.credentials.dbname)}",
            "--no-password",
            *target.options,
            *commits,
            *jobs,
        ]


def _options(name: str, values: Sequence[str]) -> list[str]:
    return [f"--{name}={value}" for value in values]


def _last_line(stream: Any) -> bytes:
    """Read what a program says, so that it need not wait, and keep its last line, which is only compared."""
    last = b""
    with stream:
        for line in stream:
            last = line.strip()
    return last

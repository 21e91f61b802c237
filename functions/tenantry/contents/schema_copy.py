"""Copies a tenant's schema with all its contents: `pg_dump | pg_restore`, without a file in between.

Where casts are to be made in between, definitions lie in a file.
"""

import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg2 import sql

from tenantry.contents.access import Access
from tenantry.contents.cast_order import cast_stages, write_numbers
from tenantry.contents.reader import ContentReader
from tenantry.contents.surroundings_writer import write_casts
from tenantry.database.admin_sql import execute
from tenantry.database.client_environment import CopyTools, client_environment, connection_string
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.pg_dump import encoding_options, partition_options
from tenantry.domain.errors import CopyFailed
from tenantry.domain.surroundings import Cast
from tenantry.domain.tenant import Isolation

APPLICATION = "tenantry-copy"
# The largest pipe that Linux allows an unprivileged process.
_PIPE_BYTES = 1 << 20
# Servers before 17 do not know `transaction_timeout`, which pg_restore sets at its start on any server. For such a
# server, pg_restore is not told to stop at an error. It counts its errors, and this one has to be the only one.
_KNOWS_ALL_SETTINGS = 170000
_ONE_ERROR = b"pg_restore: warning: errors ignored on restore: 1"
# This session's commits are flushed with the next commit that waits for the disk, which is that of the rights.
_QUICKLY = "-c synchronous_commit=off -c maintenance_work_mem=256MB"
# What comes before the rows; and a line of `pg_restore --list`.
_DEFINITIONS = "--section=pre-data"
_ENTRY = re.compile(r"(\d+); \d+ \d+ (.*)")


def copy_schema(
    reader: ContentReader,
    target: Access,
    snapshot: str,
    tools: CopyTools,
    *,
    deadline: float,
    casts: Sequence[Cast] = (),
) -> None:
    """Copy what a reader reads, as one of its snapshots sees it, into the empty schema of `target`.

    The owner owns everything then, and nobody else has any right to it: `RightsWriter` grants those.

    :param snapshot: exported by the reader, which stays open.
    :param deadline: the `time.monotonic()` at which both programs are killed.
    :param casts: of types of the schema, which its dump lacks; each is made as soon as it can be.
    :raises CopyFailed: one of the programs failed; the target's contents are unusable.
    """
    run = _Pipeline(reader, target, snapshot, tools, deadline)
    if not casts:
        run.all_at_once()
        return
    settings = ConnectSettings(tools.connect_timeout, administers=True)
    with TemporaryDirectory(prefix="tenantry-copy-") as directory:
        archive = Path(directory) / "definitions"
        run.dump(f"--file={archive}", _DEFINITIONS)
        for stage in cast_stages(run.contents(archive), casts, target.home.schema):
            entries = write_numbers(stage.numbers, Path(directory) / "stage")
            run.restore(archive, entries)
            write_casts(target, stage.casts, settings)
    run.all_at_once("--section=data", "--section=post-data")


class _Pipeline:
    """pg_dump and pg_restore, one beside or after the other."""

    def __init__(self, reader: ContentReader, target: Access, snapshot: str, tools: CopyTools, deadline: float) -> None:
        self._source, self._target, self._tools, self._deadline = reader.dumped_by, target, tools, deadline
        self._is_old = _server_version(target, tools) < _KNOWS_ALL_SETTINGS
        self._dump = _dump_command(reader, snapshot, tools)
        # The scope leaves out the schema itself: it exists, and belongs to the owner.
        self._scope = _scope(self._source)
        self._restore = _restore_command(target, tools, stops=not self._is_old)

    def all_at_once(self, *options: str) -> None:
        """Dump into a pipe that is restored from. :raises CopyFailed: one of the programs failed."""
        pipeline = [[*self._dump, *options], [*self._restore, *self._scope, *options]]
        accesses = [self._source, self._target]
        # On an error, the programs are killed before the pool waits for the thread that reads their messages.
        with ThreadPoolExecutor(1) as pool, _started(pipeline, accesses, self._tools) as (dump, restore):
            said = pool.submit(_last_words, restore)
            statuses = [_wait(process, self._deadline) for process in (restore, dump)]
            statuses[0] = self._judge(statuses[0], said.result() if self._is_old else b"")
        if any(statuses):
            raise CopyFailed(details=f"pg_restore ended with status {statuses[0]}, pg_dump with {statuses[1]}")

    def dump(self, *options: str) -> None:
        """Dump by itself. :raises CopyFailed: it failed."""
        self._run([*self._dump, *options], self._source)

    def restore(self, archive: Path, entries: Path) -> None:
        """Restore the entries of an archive that a file lists. :raises CopyFailed: it failed.

        It has no scope and no section: a comment would be left out with what it is on, and counts to the section of the
        entry before it, neither of which has to be among these.
        """
        self._run([*self._restore, f"--use-list={entries}", str(archive)], self._target)

    def contents(self, archive: Path) -> list[tuple[int, str]]:
        """List what is in an archive: numbers and descriptions. :raises CopyFailed: it can't be listed."""
        said = self._run([self._restore[0], "--list", *self._scope, str(archive)], self._target)
        found = (_ENTRY.fullmatch(line) for line in said.decode(errors="replace").split("\n"))
        return [(int(line[1]), line[2]) for line in found if line]

    def _run(self, command: list[str], access: Access) -> bytes:
        environment = client_environment(access.credentials, APPLICATION, self._tools.connect_timeout, _QUICKLY)
        left = max(self._deadline - time.monotonic(), 0.1)
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=left, check=False
            )
        except OSError as exc:
            raise _not_started() from exc
        except subprocess.TimeoutExpired as exc:
            raise _too_long() from exc
        if status := self._judge(done.returncode, done.stderr.strip().split(b"\n")[-1].strip()):
            raise CopyFailed(details=f"{Path(command[0]).name} ended with status {status}")
        return done.stdout

    def _judge(self, status: int, said: bytes) -> int:
        return 0 if self._is_old and status == 1 and said == _ONE_ERROR else status


def _not_started() -> CopyFailed:
    return CopyFailed("PostgreSQL's programs could not be started.", code="pg_client_missing")


def _too_long() -> CopyFailed:
    return CopyFailed("The copy took too long.", code="copy_deadline")


def _server_version(access: Access, tools: CopyTools) -> int:
    with closing(connect(access.credentials, ConnectSettings(tools.connect_timeout, administers=True))) as connection:
        return int(connection.server_version)


def _last_words(process: subprocess.Popen[bytes]) -> bytes:
    """Read a program's messages, so that it never blocks; return the last line, to compare. They may contain values."""
    last = b""
    if process.stderr:
        with process.stderr:
            for line in process.stderr:
                last = line.strip()
    return last


@contextmanager
def rename_schema(access: Access, name: str, settings: ConnectSettings) -> Iterator[None]:
    """Rename the schema of an empty home for the duration of a restore that expects another name.

    :raises TenantryError: the database refused.
    """
    if name == access.home.schema:
        yield
        return
    _rename_schema(access, access.home.schema, name, settings)
    yield
    _rename_schema(access, name, access.home.schema, settings)


def drop_restored_schema(source: Access, target: Access, settings: ConnectSettings) -> None:
    """Drop the empty schema of a home if the dump creates it: a dump of a whole database creates all but `public`.

    :raises TenantryError: the database refused; the schema is not empty, say.
    """
    if source.home.isolation is not Isolation.DATABASE or source.home.schema == "public":
        return
    with closing(connect(target.credentials, settings)) as connection, connection.cursor() as cursor:
        execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(target.role)))
        execute(cursor, sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(target.home.schema)))


def _rename_schema(access: Access, old: str, new: str, settings: ConnectSettings) -> None:
    with closing(connect(access.credentials, settings)) as connection, connection.cursor() as cursor:
        execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(access.role)))
        rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
        execute(cursor, rename.format(sql.Identifier(old), sql.Identifier(new)))


def _dump_command(reader: ContentReader, snapshot: str, tools: CopyTools) -> list[str]:
    source = reader.dumped_by
    return [
        str(Path(tools.directory) / "pg_dump"),
        "--format=custom",
        "--compress=0",
        f"--snapshot={snapshot}",
        *([f"--role={source.role}"] if source.role else []),
        # pg_dump sets lock_timeout and statement_timeout to 0, which overrides the session's own settings.
        f"--lock-wait-timeout={tools.lock_timeout_ms}",
        "--no-password",
        *encoding_options(reader.encoding),
        *partition_options(rehashes=reader.rehashes),
        *_scope(source),
    ]


def _restore_command(target: Access, tools: CopyTools, *, stops: bool) -> list[str]:
    return [
        str(Path(tools.directory) / "pg_restore"),
        *(["--exit-on-error"] if stops else []),
        "--no-owner",
        # What is filled from tables whose policies bind their owner is refused otherwise, and not filled with less.
        "--enable-row-security",
        # Where files lie is the server's: an owner may make nothing in a tablespace that others were given.
        "--no-tablespaces",
        f"--role={target.role}",
        f"--dbname={connection_string(target.credentials.dbname)}",
        "--no-password",
        "--no-acl",
    ]


def _scope(source: Access) -> list[str]:
    """Return the option that selects the schema to copy; a database of the tenant's own is copied as a whole."""
    # The schema's name is a tenant id, which has no character that pg_dump would read as a pattern.
    return [] if source.home.isolation is Isolation.DATABASE else [f"--schema={source.home.schema}"]


@contextmanager
def _started(
    commands: list[list[str]], accesses: list[Access], tools: CopyTools
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start both programs, the first one's output piped into the second; on leaving, both have ended."""
    processes: list[subprocess.Popen[bytes]] = []
    output: Any = subprocess.DEVNULL
    try:
        for command, access, options in zip(commands, accesses, ("", _QUICKLY), strict=True):
            is_last = bool(processes)
            processes.append(
                subprocess.Popen(
                    command,
                    stdin=output,
                    stdout=subprocess.DEVNULL if is_last else subprocess.PIPE,
                    # The programs' messages name hosts and values, so they must not reach a log.
                    stderr=subprocess.PIPE if is_last else subprocess.DEVNULL,
                    env=client_environment(access.credentials, APPLICATION, tools.connect_timeout, options),
                    start_new_session=True,
                    pipesize=-1 if is_last else _PIPE_BYTES,
                )
            )
            if not is_last:
                output = processes[0].stdout
        # The second program has the pipe now. If it ends early, the first has to notice, so we close our end.
        output.close()
        yield processes
    except OSError as exc:
        raise _not_started() from exc
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def _wait(process: subprocess.Popen[bytes], deadline: float) -> int:
    try:
        return process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired as exc:
        raise _too_long() from exc

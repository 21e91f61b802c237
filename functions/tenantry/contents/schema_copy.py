"""Copies a tenant's schema with everything in it: `pg_dump | pg_restore`, without a file in between."""

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from psycopg2 import sql

from tenantry.contents.digest import Access
from tenantry.database.admin_sql import execute
from tenantry.database.client_environment import CopyTools, client_environment
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.errors import CopyFailed
from tenantry.domain.tenant import Isolation

APPLICATION = "tenantry-copy"
# As much as Linux lets an unprivileged process have in a pipe.
_PIPE_BYTES = 1 << 20
# Servers before 17 do not know `transaction_timeout`, which pg_restore sets at the beginning whatever the server is.
# There it is not told to stop at an error; it counts them, and there must have been that one alone.
_KNOWS_ALL_SETTINGS = 170000
_ONE_ERROR = b"pg_restore: warning: errors ignored on restore: 1"
# The restoring session's commits reach the disk with the next one that waits for it, which is that of the rights.
_QUICKLY = "-c synchronous_commit=off -c maintenance_work_mem=256MB"


def copy_schema(source: Access, target: Access, snapshot: str, tools: CopyTools, *, deadline: float) -> None:
    """Copy what `source` has, as one of its snapshots sees it, into `target`, where its schema is and is empty.

    Everything becomes the owner's, and nobody else has any right to it: those are `RightsWriter`'s.

    :param deadline: of `time.monotonic()`, at which both programs are ended.
    :raises CopyFailed: one of the programs failed; what is in the target then is of no use.
    """
    is_old = _server_version(target, tools) < _KNOWS_ALL_SETTINGS
    pipeline = [
        _dump_command(source, snapshot, tools),
        _restore_command(source, target, tools, stops=not is_old),
    ]
    # The programs are ended before what listens to them is waited for.
    with ThreadPoolExecutor(1) as pool, _started(pipeline, [source, target], tools) as (dump, restore):
        said = pool.submit(_last_words, restore)
        statuses = [_wait(process, deadline) for process in (restore, dump)]
        if is_old and statuses[0] == 1 and said.result() == _ONE_ERROR:
            statuses[0] = 0
    if any(statuses):
        raise CopyFailed(details=f"pg_restore ended with status {statuses[0]}, pg_dump with {statuses[1]}")


def _server_version(access: Access, tools: CopyTools) -> int:
    with closing(connect(access.credentials, ConnectSettings(tools.connect_timeout))) as connection:
        return int(connection.server_version)


def _last_words(process: subprocess.Popen[bytes]) -> bytes:
    """Read what a program says, so that it need not wait. It names values: only its last line is kept, and compared."""
    last = b""
    if process.stderr:
        with process.stderr:
            for line in process.stderr:
                last = line.strip()
    return last


@contextmanager
def rename_schema(access: Access, name: str, settings: ConnectSettings) -> Iterator[None]:
    """Let the schema of an empty home go by another name until this ends, as what is restored into it spells that.

    :raises TenantryError: the database refused.
    """
    if name == access.home.schema:
        yield
        return
    _rename_schema(access, access.home.schema, name, settings)
    yield
    _rename_schema(access, name, access.home.schema, settings)


def drop_restored_schema(source: Access, target: Access, settings: ConnectSettings) -> None:
    """Drop the empty schema of a home where the dump makes it: that of a whole database makes all but `public`.

    :raises TenantryError: the database refused; it is not empty, say.
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


def _dump_command(source: Access, snapshot: str, tools: CopyTools) -> list[str]:
    return [
        str(Path(tools.directory) / "pg_dump"),
        "--format=custom",
        "--compress=0",
        f"--snapshot={snapshot}",
        f"--role={source.role}",
        # pg_dump sets lock_timeout and statement_timeout to 0: a session's own settings would not hold.
        f"--lock-wait-timeout={tools.lock_timeout_ms}",
        "--no-password",
        *_scope(source),
    ]


def _restore_command(source: Access, target: Access, tools: CopyTools, *, stops: bool) -> list[str]:
    return [
        str(Path(tools.directory) / "pg_restore"),
        *(["--exit-on-error"] if stops else []),
        "--no-owner",
        f"--role={target.role}",
        f"--dbname={target.credentials.dbname}",
        "--no-password",
        # The schema itself is there, and is the owner's.
        *_scope(source),
        "--no-acl",
    ]


def _scope(source: Access) -> list[str]:
    """Name the schema to copy; a database of the tenant's own is copied as a whole."""
    # A tenant's id, which holds nothing that pg_dump would take for a pattern.
    return [] if source.home.isolation is Isolation.DATABASE else [f"--schema={source.home.schema}"]


@contextmanager
def _started(
    commands: list[list[str]], accesses: list[Access], tools: CopyTools
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start both, the output of the first into the second; none runs any more afterwards."""
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
                    # Their messages name hosts and values: they are for nobody's log.
                    stderr=subprocess.PIPE if is_last else subprocess.DEVNULL,
                    env=client_environment(access.credentials, APPLICATION, tools.connect_timeout, options),
                    start_new_session=True,
                    pipesize=-1 if is_last else _PIPE_BYTES,
                )
            )
            if not is_last:
                output = processes[0].stdout
        # The second has it now: when that ends early, the first has to notice.
        output.close()
        yield processes
    except OSError as exc:
        raise CopyFailed("PostgreSQL's programs could not be started.", code="pg_client_missing") from exc
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
        raise CopyFailed("The copy took too long.", code="copy_deadline") from exc

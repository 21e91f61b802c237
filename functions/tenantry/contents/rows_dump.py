"""Copies a tenant's rows from shared tables into an empty database, whose tables hold these rows only."""

import threading
import time
from contextlib import closing

from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.database.pg_dump import Dump
from tenantry.database.pg_restore import APPLICATION, Restore, RestoreTarget
from tenantry.domain.errors import RestoreFailed

_READ_BYTES = 1 << 20


def dump_rows(source: Access, target: Access, tools: CopyTools, *, deadline: float) -> None:
    """Dump the rows that the tenant's own login sees, and restore them as the owner of the other database.

    :param deadline: the `time.monotonic()` at which both programs are killed.
    :raises RestoreFailed: one of the programs failed.
    :raises Conflict: tables were rewritten meanwhile; the target is of no use.
    :raises TenantryError: a server refused or the connection was lost.
    """
    settings = ConnectSettings(tools.connect_timeout, 0, 0, APPLICATION, administers=True)
    with ContentReader(source, settings) as reader, ContentReader(target, settings) as there:
        version = int(there.connection.server_version)
        there.close()
        dump = Dump(
            tools.directory,
            source.credentials,
            snapshot=reader.export(),
            role=source.role,
            application_name=APPLICATION,
            lock_timeout_ms=tools.lock_timeout_ms,
            connect_timeout=tools.connect_timeout,
            encoding=reader.encoding,
        )
        into = RestoreTarget(
            target.credentials,
            target.role,
            version,
            schema=target.home.schema,
            sections=("pre-data", "data"),
            keep_rights=False,
        )
        timer = threading.Timer(max(deadline - time.monotonic(), 0), dump.kill)
        timer.daemon = True
        timer.start()
        try:
            with closing(dump), Restore(into, tools, deadline) as restore:
                _pump(dump, restore)
                reader.require_unchanged()
        finally:
            timer.cancel()


def _pump(dump: Dump, restore: Restore) -> None:
    try:
        while portion := dump.read(_READ_BYTES):
            restore.write(portion)
    except BrokenPipeError as exc:
        restore.finish()
        raise RestoreFailed("pg_restore ended before the archive did.") from exc
    if status := dump.wait():
        raise RestoreFailed("The tenant's rows could not be dumped.", details=f"pg_dump ended with status {status}")
    restore.finish()

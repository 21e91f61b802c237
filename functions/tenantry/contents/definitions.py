"""Digests the definitions of all objects in a home, so that changed functions, policies or indexes are noticed.

Rows and rights are compared separately. Two digests are comparable only if they are of the same home on the same
server: servers write the same definition differently.
"""

import hashlib
import json
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Timer

from tenantry.contents.digest import Access
from tenantry.database.admin_sql import execute
from tenantry.database.client_environment import CopyTools, client_environment
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.pg_dump import encoding_options
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import CopyFailed
from tenantry.domain.tenant import Isolation

_APPLICATION = "tenantry-copy"
# These lines differ between dumps: pg_dump writes a random word into the first two, and versions into the comments.
_OF_THIS_DUMP = (b"\\restrict ", b"\\unrestrict ", b"-- Dumped ")


def digest_definitions(access: Access, tools: CopyTools, *, deadline: float) -> str:
    """Digest pg_dump's output for everything but rows and rights, and the settings of a tenant's own database.

    The digest is empty for a pooled tenant, whose tables are shared.

    :param deadline: the `time.monotonic()` at which the program is killed.
    :raises TenantryError: the database refused or went away.
    :raises CopyFailed: the program failed, or took too long (`copy_deadline`).
    """
    if access.is_pooled:
        return ""
    settings, encoding = _settings(access, tools)
    digest = hashlib.sha256(settings.encode())
    try:
        with subprocess.Popen(
            [*_command(access, tools), *encoding_options(encoding)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # The program's messages name hosts and values, so they must not reach a log.
            stderr=subprocess.DEVNULL,
            env=client_environment(access.credentials, _APPLICATION, tools.connect_timeout),
            start_new_session=True,
        ) as process:
            _read_into(digest, process, deadline)
    except OSError as exc:
        raise CopyFailed("PostgreSQL's programs could not be started.", code="pg_client_missing") from exc
    if process.returncode:
        if time.monotonic() >= deadline:
            raise CopyFailed("The copy took too long.", code="copy_deadline")
        raise CopyFailed("How the tenant's objects are defined could not be read.")
    return digest.hexdigest()


def _settings(access: Access, tools: CopyTools) -> tuple[str, str]:
    """Read the settings and the encoding of a tenant's own database; a shared one's are nobody's, and it is UTF-8."""
    if access.home.isolation is not Isolation.DATABASE:
        return "", "UTF8"
    login = replace(access.credentials, schema="pg_catalog")
    settings = ConnectSettings(tools.connect_timeout, application_name=_APPLICATION, administers=True)
    with closing(connect(login, settings)) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("contents/settings_for_all"))
        found = json.dumps(cursor.fetchall())
        execute(cursor, "SELECT getdatabaseencoding()::text")
        return found, cursor.fetchone()[0]


def _read_into(digest: "hashlib._Hash", process: subprocess.Popen[bytes], deadline: float) -> None:
    """Digest the program's output, and kill the program at the deadline or when its output can't be read."""
    killer = Timer(max(deadline - time.monotonic(), 0.1), process.kill)
    killer.start()
    try:
        for line in process.stdout or ():
            if not line.startswith(_OF_THIS_DUMP):
                digest.update(line)
    except BaseException:
        process.kill()
        raise
    finally:
        killer.cancel()


def _command(access: Access, tools: CopyTools) -> list[str]:
    whole = access.home.isolation is Isolation.DATABASE
    return [
        str(Path(tools.directory) / "pg_dump"),
        "--schema-only",
        "--no-acl",
        f"--role={access.role}",
        f"--lock-wait-timeout={tools.lock_timeout_ms}",
        "--no-password",
        # The schema's name is a tenant id, which has no character that pg_dump would read as a pattern.
        *([] if whole else [f"--schema={access.home.schema}"]),
    ]

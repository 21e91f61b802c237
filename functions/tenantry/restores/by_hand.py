"""Lets an operator verify a restore that was done by hand: `python3 -m tenantry.restores.by_hand --help`.

The command runs in a clone with `PYTHONPATH=functions` and finds the server in libpq's variables (`PGHOST`, `PGPORT`,
`PGUSER`, `PGPASSWORD`, `PGSSLMODE`, `PGSSLROOTCERT`). Tenants choose the names in a manifest, so no shell, psql or
terminal gets them unescaped. The exit status is 0 if all is well, 1 if something differs, and 2 if the command failed.
"""

import argparse
import errno
import hashlib
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tenantry.contents.access import Access
from tenantry.contents.statistics import analyse
from tenantry.contents.surroundings_writer import write_surroundings
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.backup import Manifest
from tenantry.domain.credentials import Credentials
from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.errors import RestoreFailed, TenantryError
from tenantry.domain.printable import printable
from tenantry.domain.restore import archived_schema, surroundings_of
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.database_options import create_database
from tenantry.restores.compare import Findings, examine
from tenantry.restores.scratch import archived_options, own_settings
from tenantry.servers.database_settings import set_as_owner

SAME, DIFFERENT, UNKNOWN = 0, 1, 2
_VERDICTS = {True: "same", False: "DIFFERENT", None: "unknown"}
_COMPARED = {"content": "rows and their content", "counts": "numbers of rows", "part": "rows and content, in part"}
# Statements have no time limit: an operator waits as long as it takes.
_CONNECT = ConnectSettings(
    connect_timeout=10, statement_timeout_ms=0, idle_timeout_ms=0, application_name="tenantry-by-hand"
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        manifest = _read(options.manifest)
        return int(options.run(manifest, options))
    except TenantryError as error:
        _write([f"{error.code}: {error.message}", *([str(error.details)] if error.details else [])])
        return UNKNOWN
    except OSError as error:
        _write([f"{error.filename}: {error.strerror}"])
        return UNKNOWN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="by_hand", description="Proves what was restored by hand.")
    commands = parser.add_subparsers(required=True)
    dump = commands.add_parser("dump", help="is this the dump that the manifest speaks of?")
    complete = commands.add_parser("complete", help="bring back comments and casts that no dump has, as the owner")
    compare = commands.add_parser("compare", help="has this database every row that was backed up?")
    make = commands.add_parser("make", help="make an empty database as the archived one was made, closed to everybody")
    settings = commands.add_parser("settings", help="set the database to what it was set to, as the tenant's owner")
    work = (
        (dump, _check_dump),
        (make, _make),
        (complete, _complete),
        (compare, _compare),
        (settings, _repeat_settings),
    )
    for command, run in work:
        command.add_argument("manifest", type=Path, help="manifest.json")
        command.set_defaults(run=run)
    dump.add_argument("dump", type=Path, help="dump.zst")
    for command in (make, complete, compare, settings):
        command.add_argument("database", help="the database's name")
    return parser


def _read(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError:
        # Not `from exc`: the validation error repeats the file's content.
        raise RestoreFailed("That file is no manifest of a backup.", code="backup_broken") from None


def _check_dump(manifest: Manifest, options: argparse.Namespace) -> int:
    with options.dump.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    is_it = found == manifest.dump.sha256
    _write([f"{options.dump}: {'OK' if is_it else 'is not what was written'}"])
    return SAME if is_it else DIFFERENT


def _complete(manifest: Manifest, options: argparse.Namespace) -> int:
    if manifest.isolation is not Isolation.POOLED:
        is_whole = manifest.isolation is Isolation.DATABASE
        write_surroundings(_access(manifest, options), surroundings_of(manifest), _CONNECT, whole=is_whole)
    for gone in manifest.omissions or ():
        _write([f"not brought back: {gone.kind} {gone.name} ({gone.reason})"])
    return SAME


def _make(manifest: Manifest, options: argparse.Namespace) -> int:
    owner = owner_role(TenantId(manifest.tenant_id))
    with closing(_administrator("postgres")) as connection, connection.cursor() as cursor:
        create_database(cursor, options.database, owner, archived_options(manifest) or DatabaseOptions())
    _write([f"{options.database}: made, and closed"])
    return SAME


def _compare(manifest: Manifest, options: argparse.Namespace) -> int:
    access = _access(manifest, options)
    analyse(access, _CONNECT)
    findings = examine(manifest, access, _CONNECT)
    _write(_table(manifest, findings))
    return SAME if findings.matches else DIFFERENT


def _access(manifest: Manifest, options: argparse.Namespace) -> Access:
    home = Home("", manifest.isolation, options.database, archived_schema(manifest))
    credentials = replace(_login(options.database), schema=home.schema)
    return Access(home, credentials, owner_role(TenantId(manifest.tenant_id)))


def _table(manifest: Manifest, findings: Findings) -> Iterable[str]:
    """Yield a line for each table, with the verdict first, where right-to-left text in a name can't move it."""
    wanted = {(table.schema_name, table.table): table.rows for table in manifest.tables}
    yield f"{'verdict':<10}{'written':>12}{'found':>12}  table"
    for table in findings.tables:
        written, rows = (
            "-" if number is None else number for number in (wanted.get((table.schema, table.table)), table.rows)
        )
        yield f"{_VERDICTS[table.matches]:<10}{written:>12}{rows:>12}  {table.schema}.{table.table}"
    for name in findings.missing:
        yield f"{'MISSING':<10}{'':>24}  {name}"
    yield f"{len(findings.differing)} of {len(wanted)} differ; compared were {_COMPARED[findings.compared]}."
    if findings.uncounted:
        yield f"Unknown is what could not be counted when it was backed up ({findings.uncounted})."


def _repeat_settings(manifest: Manifest, options: argparse.Namespace) -> int:
    done = set_as_owner(
        _administrator, options.database, owner_role(TenantId(manifest.tenant_id)), own_settings(manifest)
    )
    _write([f"{done} settings of the database were set."])
    _write(_left_to_judge(manifest))
    return SAME


def _administrator(database: str) -> Any:
    # With this search path, no name means a function or operator that a tenant made.
    return connect(replace(_login(database), schema="pg_catalog"), _CONNECT)


def _left_to_judge(manifest: Manifest) -> Iterable[str]:
    """Yield the settings and rights that are not repeated; the operator decides about these."""
    for fact in manifest.settings:
        if fact.role:
            yield f"not repeated: setting  role {fact.role}  {fact.name}  {fact.value}"
    for grant in manifest.grants:
        yield f"not repeated: right  {grant.privilege}  to {grant.grantee or 'everybody'}"


def _login(database: str) -> Credentials:
    """Read the login from libpq's variables; a variable that is not set has a default.

    :raises OSError: a variable's value can't be used; the error names the variable or the file.
    """
    root = os.environ.get("PGSSLROOTCERT", "")
    return Credentials(
        host=os.environ.get("PGHOST", "localhost"),
        port=_port(os.environ.get("PGPORT") or "5432"),
        dbname=database,
        username=os.environ.get("PGUSER", "postgres"),
        password=os.environ.get("PGPASSWORD", ""),
        sslmode=os.environ.get("PGSSLMODE", "prefer"),
        sslrootcert=None if root in {"", "system"} else _certificates(Path(root)),
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise OSError(errno.EINVAL, "is no port", "PGPORT")
    return int(text)


def _certificates(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError as exc:
        raise OSError(errno.EINVAL, "holds no certificates (PEM)", str(path)) from exc


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

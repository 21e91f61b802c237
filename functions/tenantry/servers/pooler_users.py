"""Writes PgBouncer's list of users from a server's own: `python3 -m tenantry.servers.pooler_users --help`.

The command runs where the pooler does, in a clone with `PYTHONPATH=functions`, and finds the server in libpq's
variables (`PGHOST`, `PGPORT`, `PGUSER`, …). Only a superuser may read what passwords are proved by. The exit status is
0 if all is well, and 2 if the command failed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import psycopg2

from tenantry.database.sql_files import load_sql

WRITTEN, FAILED = 0, 2
# No name means a table or an operator that somebody has made.
_OPTIONS = "-c search_path=pg_catalog,pg_temp -c default_transaction_read_only=on -c statement_timeout=30s"
_OTHERS = 0o007


def user_list(connection: Any) -> str:
    """Write a line for each login of a tenant's: `"name" "SCRAM-SHA-256$…"`.

    PgBouncer logs in to the server with what a client has proved to it, so no password is in the list.

    :param connection: a superuser's.
    :raises psycopg2.Error: it may not read this, or the server did not answer.
    """
    with connection.cursor() as cursor:
        cursor.execute(load_sql("servers/pooler_users").string)
        return "".join([f"{_quoted(name)} {_quoted(verifier)}\n" for name, verifier in cursor.fetchall()])


def replace_file(path: Path, text: str) -> bool:
    """Put a text in a file's place, with its owner and rights, none of them for all; returns whether it was another.

    PgBouncer reads either the one or the other, never a part.

    :raises OSError: the file can't be written.
    """
    found = path.stat() if path.exists() else None
    if found and path.read_text() == text:
        return False
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(text)
        if found:
            os.fchmod(draft.fileno(), found.st_mode & ~_OTHERS & 0o777)
            os.fchown(draft.fileno(), found.st_uid, found.st_gid)
    Path(draft.name).replace(path)
    return True


def main(arguments: Sequence[str]) -> int:
    """Print the list, or write it to a file; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with closing(psycopg2.connect("", options=_OPTIONS, application_name="tenantry-pooler-users")) as connection:
            text = user_list(connection)
        if options.output is None:
            sys.stdout.write(text)
        else:
            changed = replace_file(options.output, text)
            sys.stdout.write("written\n" if changed else "unchanged\n")
    except psycopg2.Error as error:
        sys.stderr.write(f"The server's logins could not be read ({error.pgcode or '08001'}).\n")
        return FAILED
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return FAILED
    return WRITTEN


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tenantry.servers.pooler_users",
        description="Write PgBouncer's auth_file for the tenants' logins of one server.",
    )
    parser.add_argument("--output", type=Path, help="the file, which is replaced if the list has changed")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

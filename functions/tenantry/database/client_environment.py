"""The environment for PostgreSQL's programs: the variables that they need, and no others of ours."""

import os
from dataclasses import dataclass

from tenantry.database.connecting import certificate_file
from tenantry.database.session_settings import session_options
from tenantry.domain.credentials import Credentials

# The programs say so themselves, but only after a few statements, which an owner's limit of 1 ms would end.
_NO_LIMITS = "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TZ")


def client_environment(
    credentials: Credentials, application_name: str, connect_timeout: int, options: str = ""
) -> dict[str, str]:
    """Build the environment: how to find libraries, and how to log in. A child process must not get AWS credentials.

    :param connect_timeout: in seconds.
    :param options: settings of the session, in the form `-c name=value`.
    """
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    variables = {
        "LC_ALL": "C",
        "PGHOST": credentials.host,
        "PGPORT": str(credentials.port),
        "PGDATABASE": credentials.dbname,
        "PGUSER": credentials.username,
        "PGPASSWORD": credentials.password,
        "PGSSLMODE": credentials.sslmode,
        "PGAPPNAME": application_name,
        "PGCONNECT_TIMEOUT": str(connect_timeout),
        "PGGSSENCMODE": "disable",
        "PGOPTIONS": program_options(credentials, options),
    }
    root = certificate_file(credentials)
    return kept | variables | ({"PGSSLROOTCERT": root} if root else {})


def program_options(credentials: Credentials, options: str = "") -> str:
    """Write the settings of a program's sessions: nobody else's bind them."""
    # A program can't be asked why it was refused: of a server that is not known, the least is believed.
    own = session_options(credentials, administers=True, unless_known=False)
    return f"{_NO_LIMITS} {own} {options}".strip()


def connection_string(dbname: str) -> str:
    """Write a database's name as what a program takes for `--dbname`, which else may be read as a connection string.

    A name is not safe: `host=… port=…` is one, and so is `postgresql://…`.
    """
    return "dbname='" + dbname.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True, slots=True)
class CopyTools:
    """The folder of the programs; the timeout to connect, in seconds, and to wait for a lock, in milliseconds."""

    directory: str
    connect_timeout: int = 10
    lock_timeout_ms: int = 10_000

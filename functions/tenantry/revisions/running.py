"""The schema of a tenant: Alembic's revisions, and which of them a schema is at.

Alembic and SQLAlchemy cost more than a second of a cold start, so they are imported when a revision is to be run and
not before: a tenant that is copied from a template needs neither.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import TRANSACTION_STATUS_INERROR

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.patience import CHANGE_SECONDS, LOCK_TIMEOUT_MS, Ending, patience_of, patiently
from tenantry.database.schema_notices import announce
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, InvalidSetting

VERSION_TABLE = "alembic_version"
# Alembic gives its revisions a column of 32 characters.
_REVISION_LENGTH = 64
_MIGRATIONS = Path(__file__).parents[2] / "migrations"
_DIRECTORY_SETTING = "REVISIONS_DIRECTORY"
# Of an advisory lock in the database `postgres`, with the schema's place: two upgrades of one schema follow each other.
_LOCK = 0x74656E61


def revisions_directory() -> Path:
    """Say where the revisions' files are: in `functions/migrations/versions`, unless REVISIONS_DIRECTORY is set."""
    return Path(os.environ.get(_DIRECTORY_SETTING) or _MIGRATIONS / "versions")


def head_revision() -> str:
    """Name the newest revision, without importing Alembic: the files are named `{revision}_{what}.py`, in order.

    :raises InvalidSetting: the directory of the revisions has none.
    """
    names = [path.name.partition("_")[0] for path in revisions_directory().glob("[0-9]*_*.py")]
    if not names:
        raise InvalidSetting(f"The directory of the revisions has none; {_DIRECTORY_SETTING} names another.")
    return max(names)


def schema_revision(connection: Any, schema: str) -> str | None:
    """Tell which revision a schema is at; None where no revision was ever run, or no table says.

    An administrator may ask: nothing that a tenant has made is run. COPY looks the name up once, reads an ordinary
    table and nothing else, and fails where a policy would be asked.

    :param connection: psycopg2's, as somebody who may read the tenant's tables.
    :raises TenantryError: the database refused.
    """
    table = sql.Identifier(schema, VERSION_TABLE)
    answer = _Limited()
    with _translated(), connection.cursor() as cursor:
        cursor.execute(load_sql("database/version_table"), (table.as_string(connection),))
        is_table, policies = cursor.fetchone()
        if not is_table:
            return None
        cursor.execute("SET row_security = off")
        try:
            cursor.copy_expert(sql.SQL("COPY {} (version_num) TO STDOUT").format(table), answer)
        finally:
            # A transaction that has failed takes it back itself.
            if connection.info.transaction_status != TRANSACTION_STATUS_INERROR:
                cursor.execute("SELECT pg_catalog.set_config('row_security', %s, false)", (policies,))
    return answer.first_line()


class _Limited(StringIO):
    """Keeps the beginning of what is written to it: a table that a tenant has filled may be of any size."""

    def write(self, text: str) -> int:
        if self.tell() < _REVISION_LENGTH:
            super().write(text)
        return len(text)

    def first_line(self) -> str | None:
        found, _, _ = self.getvalue().partition("\n")
        return found or None


class Shape(Protocol):
    """What is done around the revisions, in their transaction and as their role."""

    def before(self, connection: Any) -> None:
        """Prepare a schema for the revisions that it lacks."""

    def after(self, connection: Any) -> None:
        """Put what they made into shape."""


def upgrade_home(
    connect: AdminConnect,
    database: str,
    owner_role: str,
    schema: str,
    shape: Shape | None = None,
    ending: Ending | None = None,
) -> str:
    """Bring a schema to the newest revision; one that came with a template is there already, and needs no Alembic.

    :param connect: to a database, as `upgrade_schema` needs it.
    :param ending: ends those who keep the tables from it for long.
    :returns: the revision that it is at then.
    :raises Conflict, TenantryError: as `upgrade_schema`; the tables are in use all the time (`database_busy`).
    """
    patience = patience_of(connect)
    with closing(connect(database)) as connection:
        newest = head_revision()
        if patiently(lambda: schema_revision(connection, schema), patience, ending) == newest:
            return newest
        with alone_with(connect, database, schema):
            return patiently(lambda: upgrade_schema(connection, owner_role, schema, shape=shape), patience, ending)


@contextmanager
def alone_with(connect: AdminConnect, database: str, schema: str) -> Iterator[None]:
    """Let upgrades of one schema follow each other.

    The lock is taken where no tenant can connect: a lock in a tenant's database is anybody's who lives there, and
    whoever holds it would stop the upgrade.

    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection:
        with connection.cursor() as cursor:
            execute(cursor, load_sql("database/wait_for_upgrade"), (_LOCK, f"{database}/{schema}"))
        yield


def upgrade_schema(
    connection: Any, owner_role: str, schema: str, revision: str = "head", *, shape: Shape | None = None
) -> str:
    """Run the revisions that a schema lacks, all or none, as `owner_role`, who owns what they make.

    :param connection: psycopg2's, in autocommit mode, as somebody who may become `owner_role`.
    :returns: the revision that the schema is at then.
    :raises Conflict: the schema is at a revision that this version of Tenantry does not know.
    :raises TenantryError: the database refused a statement; the schema is as it was.
    """
    with _translated(), _transaction(connection, owner_role, schema) as opened:
        _require_known(schema_revision(connection, schema))
        if shape:
            shape.before(connection)
        _run_revisions(opened, schema, revision)
        if shape:
            shape.after(connection)
        reached = schema_revision(connection, schema) or ""
        _close_version_table(connection, schema)
    announce(connection)
    return reached


@contextmanager
def _transaction(connection: Any, owner_role: str, schema: str) -> Iterator[Any]:
    """Be the owner, in its schema, alone with the revisions, until the transaction ends; gives SQLAlchemy's view."""
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415

    connection.autocommit = False
    engine = create_engine(
        "postgresql+psycopg2://", creator=lambda: connection, poolclass=StaticPool, use_native_hstore=False
    )
    try:
        with engine.begin() as opened:
            with connection.cursor() as cursor:
                path = sql.Identifier(schema).as_string(connection)
                limits = (f"{LOCK_TIMEOUT_MS}ms", f"{CHANGE_SECONDS}s")
                cursor.execute(load_sql("database/begin_revisions"), (owner_role, path, *limits))
            yield opened
    except DBAPIError as exc:
        # What psycopg2 raised; SQLAlchemy's text would repeat the statement with its values.
        raise translate(exc.orig) from exc  # type: ignore[arg-type]
    finally:
        if not connection.closed:
            connection.autocommit = True


def _run_revisions(opened: Any, schema: str, revision: str) -> None:
    from alembic import command  # noqa: PLC0415

    config = _config()
    config.attributes |= {"connection": opened, "schema": schema}
    command.upgrade(config, revision)


def _require_known(current: str | None) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise Conflict(
            f"The tenant's schema is at revision {current}, which is not known here.",
            code="schema_unknown",
            hint="Deploy the version of Tenantry that has this revision.",
        )


def _config() -> Any:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    options = {
        "script_location": _MIGRATIONS,
        "version_locations": revisions_directory(),
        # A path may have any other of the characters at which Alembic can split.
        "path_separator": "newline",
    }
    for name, value in options.items():
        config.set_main_option(name, str(value).replace("%", "%%"))
    return config


def _close_version_table(connection: Any, schema: str) -> None:
    """Take from everybody but the owner what default privileges gave when the table was made."""
    table = sql.Identifier(schema, VERSION_TABLE)
    with connection.cursor() as cursor:
        cursor.execute(load_sql("database/version_readers"), (table.as_string(connection),))
        for (name,) in cursor.fetchall():
            reader = sql.Identifier(name) if name else sql.SQL("PUBLIC")
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(table, reader))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as exc:
        raise translate(exc) from exc

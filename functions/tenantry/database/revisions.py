"""The schema of a tenant: Alembic's revisions, and the template databases in which they have been run already.

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

from tenantry.database.admin_sql import AdminConnect, execute, join_roles
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
# Of an advisory lock in the database `postgres`: a server's template is made once.
_TEMPLATE_LOCK = 0x74656E62
# Owns what the revisions made in a template, until a copy gives it to the tenant's owner.
TEMPLATE_ROLE = "tenantry_template"
_TEMPLATE_PREFIX = "tenantry_template_"
_TEMPLATE_SCHEMA = "public"


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


class TemplateDatabases:
    """The templates of one server, from which tenants' databases are copied: one for the newest revision."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take how to connect to a database in autocommit mode, as the server's administrator."""
        self._connect = connect

    def ensure(self) -> str:
        """Name the template of the newest revision; make it, where the server has none that is complete.

        Complete is what is marked as a template: that is the last step. One that was left half-way is made anew.

        :raises TenantryError: the server refused.
        """
        name = f"{_TEMPLATE_PREFIX}{head_revision()}"
        with _translated(), closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            if not _is_complete(cursor, name):
                # Given back with the session, also when this process dies.
                execute(cursor, load_sql("database/wait_for_turn"), (_TEMPLATE_LOCK,))
                if not _is_complete(cursor, name):
                    self._make(cursor, name)
                    _drop_older(cursor, name)
        return name

    def _make(self, cursor: Any, name: str) -> None:
        words = {"database": name, "role": TEMPLATE_ROLE, "schema": _TEMPLATE_SCHEMA}
        names = {word: sql.Identifier(value) for word, value in words.items()}
        execute(cursor, "SELECT 1 FROM pg_roles WHERE rolname = %s", (TEMPLATE_ROLE,))
        if not cursor.fetchone():
            execute(cursor, sql.SQL("CREATE ROLE {role} NOLOGIN NOINHERIT").format(**names))
        join_roles(cursor, [TEMPLATE_ROLE])
        execute(cursor, sql.SQL("DROP DATABASE IF EXISTS {database} WITH (FORCE)").format(**names))
        execute(cursor, sql.SQL("CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'").format(**names))
        execute(cursor, load_sql("database/reserve_template").format(**names))
        with closing(self._connect(name)) as template:
            with template.cursor() as inside:
                execute(inside, load_sql("database/open_template_schema").format(**names))
            upgrade_schema(template, TEMPLATE_ROLE, _TEMPLATE_SCHEMA)
        execute(cursor, sql.SQL("ALTER DATABASE {database} ALLOW_CONNECTIONS false IS_TEMPLATE true").format(**names))


def _is_complete(cursor: Any, name: str) -> bool:
    execute(cursor, "SELECT datistemplate AND NOT datallowconn FROM pg_database WHERE datname = %s", (name,))
    found = cursor.fetchone()
    return bool(found and found[0])


def _drop_older(cursor: Any, name: str) -> None:
    """Drop the templates of earlier revisions; a later one is of a version of Tenantry that is being rolled out."""
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname < %s"
    execute(cursor, query, (_TEMPLATE_PREFIX, name))
    for (older,) in cursor.fetchall():
        database = sql.Identifier(older)
        execute(cursor, sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(database))
        execute(cursor, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as exc:
        raise translate(exc) from exc

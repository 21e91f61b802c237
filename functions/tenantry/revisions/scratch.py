"""A scratch database in which revisions are run to see what they make; it is dropped again."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, join_roles
from tenantry.database.database_removal import drop_database
from tenantry.database.marks import SERVER_MARK, create_marked_database, ensure_role, is_our_database, name_taken
from tenantry.database.sql_files import load_sql
from tenantry.revisions.templates import TEMPLATE_ROLE

SCRATCH_DATABASE = "tenantry_reference"
# Of an advisory lock in the database `postgres`: a server has one at a time.
_LOCK = 0x74656E65


@contextmanager
def scratch_database(connect: AdminConnect) -> Iterator[str]:
    """Make a server's scratch database, closed to everybody else, and drop it in the end.

    One that a process has left behind is dropped first.

    :raises Conflict: a database of that name is not ours (`name_taken`); one is in use all the time (`database_busy`).
    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        # Given back with the session, also when this process dies.
        execute(cursor, load_sql("database/wait_for_turn"), (_LOCK,))
        if is_our_database(cursor, SCRATCH_DATABASE) is False:
            raise name_taken(f"database {SCRATCH_DATABASE}")
        drop_database(cursor, SCRATCH_DATABASE)
        try:
            create_marked_database(cursor, SCRATCH_DATABASE)
            close = "REVOKE ALL ON DATABASE {} FROM PUBLIC"
            execute(cursor, sql.SQL(close).format(sql.Identifier(SCRATCH_DATABASE)))
            yield SCRATCH_DATABASE
        finally:
            drop_database(cursor, SCRATCH_DATABASE)


def reserve_scratch(connect: AdminConnect, database: str, schema: str) -> None:
    """Let a role that may nothing else run revisions in a schema of a new database: that of templates.

    :raises Conflict: a role of its name is not ours (`name_taken`).
    :raises TenantryError: the server refused.
    """
    names = {"database": sql.Identifier(database), "role": sql.Identifier(TEMPLATE_ROLE)}
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        ensure_role(cursor, TEMPLATE_ROLE, "NOLOGIN", (SERVER_MARK,))
        join_roles(cursor, [TEMPLATE_ROLE])
        execute(cursor, load_sql("revisions/reserve_template").format(**names))
        execute(cursor, load_sql("revisions/open_template_schema").format(schema=sql.Identifier(schema), **names))

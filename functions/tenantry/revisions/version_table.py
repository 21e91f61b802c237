"""Writes the revision that a schema is at, in the table in which Alembic keeps it."""

from typing import Any

from psycopg2 import sql

from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict
from tenantry.domain.revision import VERSION_TABLE, Step


def note_revision(connection: Any, schema: str, step: Step) -> None:
    """Write down that a step was taken, in its transaction.

    :raises Conflict: the schema is not at the revision where the step begins.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    table = sql.Identifier(schema, VERSION_TABLE)
    with connection.cursor() as cursor:
        if not step.left:
            cursor.execute(load_sql("revisions/make_version_table").format(table=table))
            cursor.execute(sql.SQL("INSERT INTO {} (version_num) VALUES (%s)").format(table), (step.reached,))
        elif not step.reached:
            cursor.execute(sql.SQL("DELETE FROM {} WHERE version_num = %s").format(table), (step.left,))
        else:
            update = sql.SQL("UPDATE {} SET version_num = %s WHERE version_num = %s").format(table)
            cursor.execute(update, (step.reached, step.left))
        if cursor.rowcount != 1:
            raise Conflict(
                f"The schema is not at revision {step.left or 'none'} any more.",
                code="schema_changed",
                hint="Repeat the call. If it fails again, look what in the schema changes its table alembic_version.",
            )


def close_version_table(connection: Any, schema: str) -> None:
    """Take from everybody but the owner what default privileges gave when the table was made.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    table = sql.Identifier(schema, VERSION_TABLE)
    with connection.cursor() as cursor:
        cursor.execute(load_sql("revisions/version_readers"), (table.as_string(connection),))
        for (name,) in cursor.fetchall():
            reader = sql.Identifier(name) if name else sql.SQL("PUBLIC")
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(table, reader))

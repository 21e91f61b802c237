"""Writes the revision that a schema is at, in the table in which Alembic keeps it."""

from typing import Any

from psycopg2 import sql

from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict
from tenantry.domain.revision import VERSION_TABLE, Step


def noting(connection: Any, schema: str, step: Step) -> str:
    """Write the statements that note a taken step, for the transaction in which it is taken; see `require_noted`."""
    names = {"table": sql.Identifier(schema, VERSION_TABLE)}
    revisions = {"reached": sql.Literal(step.reached), "left": sql.Literal(step.left)}
    if not step.left:
        text = load_sql("revisions/make_version_table")
    elif not step.reached:
        text = sql.SQL("DELETE FROM {table} WHERE version_num = {left}")
    else:
        text = sql.SQL("UPDATE {table} SET version_num = {reached} WHERE version_num = {left}")
    return text.format(**names, **revisions).as_string(connection)


def require_noted(step: Step, rows: int) -> None:
    """Make sure that the schema was where a step begins.

    :param rows: how many rows the last statement of `noting` has changed.
    :raises Conflict: it was not (`schema_changed`).
    """
    if rows != 1:
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

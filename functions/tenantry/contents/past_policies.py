"""Lets a role read all rows of a home where nobody is, within a transaction that is never committed."""

from typing import Any

from psycopg2 import sql

from tenantry.database.sql_files import load_sql


def regain_rights(cursor: Any, reader: str) -> None:
    """Let a role read what it is shut out of, as whoever owns it; the transaction is never committed.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    cursor.execute(load_sql("contents/own_unreadable"))
    for maker, grantee, kind, schema, name in cursor.fetchall():
        right = sql.SQL("USAGE" if kind == "SCHEMA" else "SELECT")
        place: sql.Composable = sql.Identifier(*filter(None, (schema, name)))
        if kind == "LARGE OBJECT":
            place = sql.Literal(int(name))
        grant = sql.SQL("GRANT {} ON {} {} TO {}").format(right, sql.SQL(kind), place, sql.Identifier(grantee))
        _run_as(cursor, maker, grant)
    _run_as(cursor, reader)


def lift_policies(cursor: Any, reader: str) -> None:
    """Let a role read past policies that bind it, as whoever owns the tables; the transaction is never committed.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    cursor.execute(load_sql("contents/forced_tables"))
    for maker, is_own, schema, name in cursor.fetchall():
        lift = sql.SQL("ALTER TABLE ONLY {} {} ROW LEVEL SECURITY").format(
            sql.Identifier(schema, name), sql.SQL("NO FORCE" if is_own else "DISABLE")
        )
        _run_as(cursor, maker, lift)
    _run_as(cursor, reader)


def _run_as(cursor: Any, role: str, *statements: sql.Composable) -> None:
    """Become a role for the rest of the transaction, and run the statements."""
    cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    for statement in statements:
        cursor.execute(statement)

"""Finds what spells the name of its own schema in its text, and so would mean another schema if its own were renamed.

PostgreSQL keeps tables, columns and most functions in expressions by number: those follow a rename. The body of a
function is text, and so is what it is set to, an argument of a trigger, or a literal in a view.
"""

import re
from contextlib import closing

import psycopg2
from psycopg2 import sql

from tenantry.contents.access import Access
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict

_NAMED = 10


def require_schema_unnamed(access: Access, settings: ConnectSettings) -> None:
    """Make sure that nothing in a home's schema spells the schema's name in its text; nothing is changed.

    The name counts as a whole word, however it is written and whatever it stands for there: it is better to refuse once
    too often than to bring somebody rows of another schema.

    :raises Conflict: something does (`schema_named`); `details` name the first ten.
    :raises TenantryError: the database refused or went away.
    """
    schema = access.home.schema
    wanted = {"schema": schema, "word": rf"\m{re.escape(schema)}\M"}
    try:
        with closing(connect(access.credentials, settings)) as connection, connection.cursor() as cursor:
            # As the owner: should anything of the tenant's be called, it may no more than the tenant.
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(access.role)))
            cursor.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
            cursor.execute(load_sql("contents/texts_naming_schema"), wanted)
            found = [name for (name,) in cursor.fetchall()]
    except psycopg2.Error as exc:
        raise translate(exc) from exc
    if found:
        raise Conflict(
            "Functions or the like spell the name of the tenant's schema, which would get another one.",
            code="schema_named",
            details=", ".join(found[:_NAMED]),
            hint="Write them without it (BEGIN ATOMIC), or promote the tenant to a database, where its name stays.",
        )

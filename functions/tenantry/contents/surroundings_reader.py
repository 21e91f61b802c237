"""Reads what no dump of a home has: the comment on it, casts of a schema's types, what is a child table's own."""

from typing import Any

from tenantry.contents.inherited_details import read_inherited
from tenantry.database.sql_files import load_sql
from tenantry.domain.surroundings import Cast, Surroundings
from tenantry.domain.tenant import Home, Isolation


def read_surroundings(connection: Any, home: Home) -> Surroundings:
    """Read them, within the caller's transaction and with only pg_catalog in its search path.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    if home.isolation is Isolation.POOLED:
        return Surroundings()
    with connection.cursor() as cursor:
        inherited = read_inherited(cursor, home)
        if home.isolation is Isolation.DATABASE:
            # A database's comment is copied with its settings.
            return Surroundings(inherited=inherited)
        cursor.execute(load_sql("contents/schema_comment"), {"schema": home.schema})
        # Somebody may have dropped the schema: whoever reads its tables says so.
        (comment,) = cursor.fetchone() or (None,)
        cursor.execute(load_sql("contents/schema_casts"), {"schema": home.schema})
        return Surroundings(comment, tuple(_cast(*found) for found in cursor.fetchall()), inherited)


def _cast(
    source: Any, target: Any, method: str, context: str, function: Any, arguments: list[Any], comment: str | None
) -> Cast:
    return Cast(
        tuple(source),
        tuple(target),
        method,
        context,
        tuple(function) if function else None,
        tuple((schema, name) for schema, name in arguments),
        comment,
    )

"""Writes what no dump of a home has: the comment on it, casts of a schema's types, what is a child table's own.

What is written may come from a manifest, which is not trusted: it is written as the tenant's owner, with names quoted.
"""

from collections.abc import Sequence
from contextlib import closing

from psycopg2 import sql

from tenantry.contents.access import Access
from tenantry.contents.inherited_details import write_inherited
from tenantry.database.admin_sql import execute
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.sql_files import load_sql
from tenantry.domain.surroundings import Cast, Placed, Surroundings

_CONTEXTS = {"a": " AS ASSIGNMENT", "i": " AS IMPLICIT"}
_BY_FUNCTION = "f"


def write_surroundings(access: Access, surroundings: Surroundings, settings: ConnectSettings, *, whole: bool) -> None:
    """Write them as the home's owner, to a home that has been filled otherwise; a cast that is there stays.

    :param whole: the comment is on the whole database, and not on the home's schema.
    :raises TenantryError: the database refused; nothing is written.
    """
    home = access.home
    changes = [_comment(cast, home.schema) for cast in surroundings.casts if cast.comment is not None]
    # A schema may have come with a comment; a new database has none.
    if surroundings.comment is not None or not whole:
        place, name = ("DATABASE", home.database) if whole else ("SCHEMA", home.schema)
        comment = sql.SQL(f"COMMENT ON {place} {{}} IS {{}}")
        changes.append(comment.format(sql.Identifier(name), sql.Literal(surroundings.comment)))
    changes += [write_inherited(detail, home.schema) for detail in surroundings.inherited]
    if not (changes or surroundings.casts):
        return
    with closing(connect(access.credentials, settings)) as connection, connection.cursor() as cursor:
        begin = sql.SQL("SET ROLE {}; SET search_path = pg_catalog, pg_temp").format(sql.Identifier(access.role))
        execute(cursor, begin)
        execute(cursor, load_sql("contents/schema_casts"), {"schema": home.schema})
        there = {(tuple(source), tuple(target)) for source, target, *_ in cursor.fetchall()}
        new = [_create(cast, home.schema) for cast in surroundings.casts if (cast.source, cast.target) not in there]
        # One message is one transaction.
        execute(cursor, sql.SQL("; ").join([*new, *changes]))


def write_casts(access: Access, casts: Sequence[Cast], settings: ConnectSettings) -> None:
    """Make casts as the home's owner, whose functions and types are there; one that is there stays.

    :raises TenantryError: the database refused; none is made.
    """
    write_surroundings(access, Surroundings(None, tuple(casts)), settings, whole=True)


def _create(cast: Cast, main: str) -> sql.Composable:
    how: sql.Composable = sql.SQL("WITH INOUT")
    if cast.method == _BY_FUNCTION and cast.function:
        arguments = sql.SQL(", ").join(_name(argument, main) for argument in cast.arguments)
        how = sql.SQL("WITH FUNCTION {}({})").format(_name(cast.function, main), arguments)
    create = sql.SQL("CREATE CAST ({} AS {}) {}{}")
    when = sql.SQL(_CONTEXTS.get(cast.context, ""))
    return create.format(_name(cast.source, main), _name(cast.target, main), how, when)


def _comment(cast: Cast, main: str) -> sql.Composable:
    comment = sql.SQL("COMMENT ON CAST ({} AS {}) IS {}")
    return comment.format(_name(cast.source, main), _name(cast.target, main), sql.Literal(cast.comment))


def _name(placed: Placed, main: str) -> sql.Composable:
    schema, name = placed
    return sql.Identifier(schema or main, name)

"""Makes a database as another one was made: with its encoding, its locale and its tablespace.

Only then does it take the same rows, and sort and compare them in the same way: a unique index on `lower(name)` has
other duplicates under another locale, and an encoding has characters that another lacks.
"""

from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.database_options import BUILTIN, ICU, DatabaseOptions
from tenantry.domain.errors import Conflict, NotFound, StatementFailed

# SQLSTATEs with which a server refuses a locale: a name that it does not know, one that is not of the encoding, and a
# provider that it was not built with.
_NO_SUCH_LOCALE = frozenset({"22023", "42809", "42704", "0A000"})


def read_options(connect: AdminConnect, database: str) -> DatabaseOptions:
    """Read how a database was made.

    :raises NotFound: there is no such database (`database_missing`).
    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("homes/database_options"), (database,))
        found = cursor.fetchone()
    if found is None:
        raise NotFound(
            "The tenant's database is not there.",
            code="database_missing",
            hint="Restore it from a backup; a move under way is abandoned by its undo.",
        )
    return DatabaseOptions(*found)


def require_locale(connect: AdminConnect, options: DatabaseOptions) -> None:
    """Make sure that a server can make such a database; nothing is changed.

    :raises Conflict: it lacks the locale (`locale_unavailable`).
    :raises TenantryError: the server refused.
    """
    if not options.provider:
        return
    wanted = {"names": [options.collation, options.character_type], "icu": options.provider == ICU}
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        try:
            execute(cursor, load_sql("homes/has_locale"), wanted)
        except StatementFailed as exc:
            if exc.code not in _NO_SUCH_LOCALE:
                raise
            raise _unavailable(options) from exc
        if not cursor.fetchone()[0]:
            raise _unavailable(options)


def create_database(cursor: Any, name: str, owner: str, options: DatabaseOptions) -> None:
    """Make an empty database that nobody may connect to yet.

    It is made in the server's default tablespace if the server has none of that name: where the files lie is no part of
    what is in them.

    :raises Conflict: the server lacks the locale (`locale_unavailable`).
    :raises TenantryError: the server refused.
    """
    create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} ALLOW_CONNECTIONS false {} {}").format(
        sql.Identifier(name),
        sql.Identifier(owner),
        sql.Literal(options.encoding),
        _locale(options),
        _tablespace(cursor, options),
    )
    try:
        execute(cursor, create)
    except StatementFailed as exc:
        if exc.code not in _NO_SUCH_LOCALE:
            raise
        raise _unavailable(options) from exc


def _locale(options: DatabaseOptions) -> sql.Composable:
    if not options.provider:
        return sql.SQL("")
    own = {ICU: "ICU_LOCALE", BUILTIN: "BUILTIN_LOCALE"}.get(options.provider)
    words = {
        "LOCALE_PROVIDER": options.provider,
        "LC_COLLATE": options.collation,
        "LC_CTYPE": options.character_type,
        **({own: options.locale} if own else {}),
        # Servers before 16 know no rules, and no database there has any.
        **({"ICU_RULES": options.icu_rules} if options.icu_rules else {}),
    }
    return sql.SQL(" ").join(sql.SQL(f"{word} {{}}").format(sql.Literal(value)) for word, value in words.items())


def _tablespace(cursor: Any, options: DatabaseOptions) -> sql.Composable:
    execute(cursor, "SELECT 1 FROM pg_tablespace WHERE spcname = %s", (options.tablespace,))
    if cursor.fetchone() is None:
        return sql.SQL("")
    return sql.SQL("TABLESPACE {}").format(sql.Identifier(options.tablespace))


def _unavailable(options: DatabaseOptions) -> Conflict:
    locale = options.locale or options.collation
    return Conflict(
        "The server has not the locale that the tenant's database was made with.",
        code="locale_unavailable",
        details=f"{options.provider} {locale}, encoding {options.encoding}",
        hint="Install that locale on the server's host and restart PostgreSQL, or choose another server.",
    )

"""Copies a database's settings and rights to connect to another database, because no dump of a database has them."""

import csv
from collections.abc import Iterable
from contextlib import closing, suppress

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.identity import IDENTITY_SETTING
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import StatementFailed

# The value of these settings is a list of names, so it has to be written as a list of literals.
_LISTS = frozenset({"search_path", "session_preload_libraries", "local_preload_libraries", "temp_tablespaces"})
# Kinds of objects, by their letters in pg_default_acl.
_MADE_LATER = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS"}
# The fence that a move sets while it lasts.
_FENCE = "default_transaction_read_only"


def copy_database_settings(connect: AdminConnect, source: str, target: str) -> int:
    """Copy the settings of `source`, for all roles and for single ones, and the rights of roles that do not own it.

    :returns: the number of settings and rights.
    :raises TenantryError: the server refused.
    """
    changes: list[sql.Composable] = []
    database = sql.Identifier(target)
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/database_settings"), (source,))
        for role, setting in cursor.fetchall():
            name, _, value = setting.partition("=")
            if name == IDENTITY_SETTING or (role and name == _FENCE):
                continue
            place = sql.SQL("DATABASE {}").format(database)
            if role:
                place = sql.SQL("ROLE {} IN ").format(sql.Identifier(role)) + place
            changes.append(set_statement(place, name, value))
        execute(cursor, load_sql("servers/database_rights"), (target, source))
        changes += [_grant(database, *right) for right in cursor.fetchall()]
        for statement in changes:
            execute(cursor, statement)
    return len(changes)


def settings_for_all(connect: AdminConnect, database: str) -> list[tuple[str, str]]:
    """Read what a database is set to for everybody, by name. :raises TenantryError: the server refused."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/database_settings"), (database,))
        pairs = (setting.partition("=") for role, setting in cursor.fetchall() if role is None)
        return [(name, value) for name, _, value in pairs if name != IDENTITY_SETTING]


def copy_default_privileges(connect: AdminConnect, source: str, target: str, own: Iterable[str]) -> None:
    """Let others than the tenant's `own` roles give the same of what they make later in `target` as in `source`.

    So the application of an adopted database makes tables that the tenant reaches. No dump that is restored as the
    tenant's owner brings that back. What names a schema that is not there is left out.

    :raises TenantryError: a database could not be reached.
    """
    with closing(connect(source)) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/others_default_privileges"), (list(own),))
        found = cursor.fetchall()
    if not found:
        return
    with closing(connect(target)) as connection, connection.cursor() as cursor:
        for maker, schema, kind, privilege, grantee, grantable in found:
            options = " WITH GRANT OPTION" if grantable else ""
            given = f"GRANT {privilege} ON {_MADE_LATER[kind]} TO {{}}{options}"
            grant = sql.SQL(f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}} IN SCHEMA {{}} {given}")
            with suppress(StatementFailed):
                execute(cursor, grant.format(*map(sql.Identifier, (maker, schema, grantee))))


def quoted(name: str) -> str:
    """Write a name as an element of a setting that is a list of names."""
    return '"' + name.replace('"', '""') + '"'


def needs_contents(setting: tuple[str, str]) -> bool:
    """Tell whether a setting has to wait for what the database holds.

    One names a text search configuration of its own: who may not use that one's schema yet could not even log in. One
    forbids to read views, which materialized ones are filled from.
    """
    name, value = setting
    if name == "restrict_nonsystem_relation_kind":
        return True
    return name == "default_text_search_config" and "." in value and not value.startswith("pg_catalog.")


def set_as_owner(connect: AdminConnect, database: str, owner: str, settings: Iterable[tuple[str, str]]) -> int:
    """Set a database's settings as its owner; those that the owner may not set are skipped, for others to set again.

    :returns: the number of settings that were set.
    :raises TenantryError: the server could not be reached.
    """
    done = 0
    place = sql.SQL("DATABASE {}").format(sql.Identifier(database))
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        for name, value in settings:
            if name != IDENTITY_SETTING:
                with suppress(StatementFailed):
                    execute(cursor, set_statement(place, name, value))
                    done += 1
    return done


def grant_as_owner(connect: AdminConnect, database: str, owner: str, rights: Iterable[tuple[str, str, bool]]) -> None:
    """Give rights to a database as its owner: the grantee (empty: everybody), the right, whether it may grant that.

    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        for right in rights:
            execute(cursor, _grant(sql.Identifier(database), *right))


def _grant(database: sql.Identifier, grantee: str, right: str, grantable: bool) -> sql.Composable:
    grant = sql.SQL(f"GRANT {right} ON DATABASE {{}} TO {{}}{' WITH GRANT OPTION' if grantable else ''}")
    return grant.format(database, sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC"))


def set_statement(place: sql.Composable, name: str, value: str) -> sql.Composable:
    """Build the statement that sets a database or a role to something."""
    words = sql.SQL(".").join(map(sql.Identifier, name.split(".")))
    return sql.SQL("ALTER {} SET {} = {}").format(place, words, _value(name, value))


def _value(name: str, value: str) -> sql.Composable:
    if name not in _LISTS:
        return sql.Literal(value)
    elements = next(csv.reader([value], skipinitialspace=True), [])
    return sql.SQL(", ").join(map(sql.Literal, elements)) if elements else sql.Literal("")

"""Template databases, in which the revisions have been run already: a tenant's own database is copied from one."""

from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, join_roles
from tenantry.database.database_removal import drop_database
from tenantry.database.marks import (
    SERVER_MARK,
    create_marked_database,
    ensure_role,
    foreign_roles_named,
    is_our_database,
    mark_role,
    name_taken,
)
from tenantry.database.sql_files import load_sql
from tenantry.revisions.history import head_revision
from tenantry.revisions.running import upgrade_schema

# The key of an advisory lock in the database `postgres`, which keeps two sessions from making a template at once.
_TEMPLATE_LOCK = 0x74656E62
# This role owns the objects that the revisions made in a template; in a copy, the tenant's owner takes them over.
TEMPLATE_ROLE = "tenantry_template"
_TEMPLATE_PREFIX = "tenantry_template_"
_TEMPLATE_SCHEMA = "public"


class TemplateDatabases:
    """The templates of one server, from which tenants' databases are copied: one for the newest revision."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take how to connect to a database in autocommit mode, as the server's administrator."""
        self._connect = connect

    def ensure(self) -> str:
        """Return the name of the newest revision's template, and make it if the server has no complete one.

        A template is complete once it has IS_TEMPLATE, which is the last step. An incomplete one is made anew.

        :raises Conflict: the role or the database of that name is not ours (`name_taken`).
        :raises TenantryError: the server refused.
        """
        name = _newest()
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            if not _is_complete(cursor, name):
                # The lock is released with the session, even if this process dies.
                execute(cursor, load_sql("database/wait_for_turn"), (_TEMPLATE_LOCK,))
                if not _is_complete(cursor, name):
                    self._make(cursor, name)
                    _drop_older(cursor, name)
        return name

    def find_foreign(self, cursor: Any) -> list[str]:
        """List things with a template's names that are not ours. :raises TenantryError: the server refused."""
        name, old = _newest(), _old_templates(cursor)
        found = [f"database {name}"] if name not in old and is_our_database(cursor, name) is False else []
        roles = [] if old else foreign_roles_named(cursor, (TEMPLATE_ROLE,), (SERVER_MARK,))
        return found + [f"role {role}" for role in roles]

    def _make(self, cursor: Any, name: str) -> None:
        if foreign := self.find_foreign(cursor):
            raise name_taken(*foreign)
        if _old_templates(cursor):
            mark_role(cursor, TEMPLATE_ROLE, SERVER_MARK)
        ensure_role(cursor, TEMPLATE_ROLE, "NOLOGIN", (SERVER_MARK,))
        join_roles(cursor, [TEMPLATE_ROLE])
        drop_database(cursor, name)
        create_marked_database(cursor, name)
        names = {"database": sql.Identifier(name), "role": sql.Identifier(TEMPLATE_ROLE)}
        execute(cursor, load_sql("revisions/reserve_template").format(**names))
        with closing(self._connect(name)) as template:
            with template.cursor() as inside:
                schema = sql.Identifier(_TEMPLATE_SCHEMA)
                execute(inside, load_sql("revisions/open_template_schema").format(schema=schema, **names))
            upgrade_schema(template, TEMPLATE_ROLE, _TEMPLATE_SCHEMA)
        execute(cursor, sql.SQL("ALTER DATABASE {database} ALLOW_CONNECTIONS false IS_TEMPLATE true").format(**names))


def _newest() -> str:
    return f"{_TEMPLATE_PREFIX}{head_revision()}"


def _is_complete(cursor: Any, name: str) -> bool:
    # One that sorts as a library of before sorted can't be copied any more: it is made anew, as it is only ours.
    query = """SELECT datistemplate AND NOT datallowconn
               AND datcollversion IS NOT DISTINCT FROM pg_database_collation_actual_version(oid)
               FROM pg_database WHERE datname = %s"""
    execute(cursor, query, (name,))
    found = cursor.fetchone()
    return bool(found and found[0] and (is_our_database(cursor, name) or name in _old_templates(cursor)))


def _old_templates(cursor: Any) -> list[str]:
    """List the templates that were made before there were marks."""
    execute(cursor, load_sql("revisions/old_templates"), (_TEMPLATE_PREFIX, TEMPLATE_ROLE, SERVER_MARK))
    return [name for (name,) in cursor.fetchall()]


def _drop_older(cursor: Any, name: str) -> None:
    """Drop the templates of earlier revisions; a later one is for a version of Tenantry that is being rolled out."""
    old = _old_templates(cursor)
    execute(
        cursor,
        "SELECT datname::text FROM pg_database WHERE starts_with(datname, %s) AND datname < %s",
        (_TEMPLATE_PREFIX, name),
    )
    for (older,) in cursor.fetchall():
        if older in old or is_our_database(cursor, older):
            drop_database(cursor, older)

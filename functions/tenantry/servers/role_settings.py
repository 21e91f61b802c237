"""Copies what a tenant's roles are set to in one database to another database, because no dump has it."""

from collections.abc import Collection, Mapping
from contextlib import closing, suppress

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import StatementFailed
from tenantry.servers.database_settings import set_statement

# A role, the name of a setting, and its value.
type RoleSetting = tuple[str, str, str]


def read_role_settings(connect: AdminConnect, database: str, roles: Collection[str]) -> list[RoleSetting]:
    """Read what these roles are set to in a database. :raises TenantryError: the server refused."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, load_sql("servers/database_settings"), (database,))
        found = [(role, *setting.partition("=")) for role, setting in cursor.fetchall() if role in roles]
        return [(role, name, value) for role, name, _, value in found]


def write_role_settings(
    connect: AdminConnect, database: str, wanted: Collection[RoleSetting], present: Collection[RoleSetting]
) -> None:
    """Let roles be set to that in a database instead of what is present; what the server refuses is left out.

    :raises TenantryError: the server could not be reached.
    """
    kept = {(role, name) for role, name, _ in wanted}
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        for role, name, value in wanted:
            if (role, name, value) not in present:
                with suppress(StatementFailed):
                    execute(cursor, set_statement(_place(role, database), name, value))
        for role, name, _ in present:
            if (role, name) not in kept:
                words = sql.SQL(".").join(map(sql.Identifier, name.split(".")))
                execute(cursor, sql.SQL("ALTER {} RESET {}").format(_place(role, database), words))


def renamed(settings: Collection[RoleSetting], names: Mapping[str, str]) -> list[RoleSetting]:
    """Say it of the roles that these correspond to."""
    return [(names[role], name, value) for role, name, value in settings]


def _place(role: str, database: str) -> sql.Composable:
    return sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(role), sql.Identifier(database))

"""Removes a tenant from its PostgreSQL server; every step may be repeated."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.adapters.login_admin import login_names
from tenantry.adapters.server_admin import AdminConnect
from tenantry.adapters.sql_errors import translate
from tenantry.adapters.sql_files import load_sql
from tenantry.domain.tenant import TENANT_ROLES, TenantId, database_role


@dataclass(frozen=True, slots=True)
class TenantRemains:
    """What a server has of a tenant; the size in bytes, None where there is no database."""

    database_bytes: int | None
    roles: list[str]


class TenantRemoval:
    """Takes a tenant off one server."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take how to connect as the server's administrator."""
        self._connect = connect

    def find(self, tenant_id: TenantId, database: str) -> TenantRemains:
        """Look what there is.

        :raises TenantryError: the server refused.
        """
        # By name, not by a prefix: an adopted tenant's own application may log in as `{id}_app`.
        roles = [*login_names(tenant_id), *(database_role(tenant_id, role) for role in TENANT_ROLES)]
        facts = load_sql("tenant_facts").format(database=sql.Literal(database), roles=sql.Literal(roles))
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            _execute(cursor, facts)
            return TenantRemains(*cursor.fetchone())

    def drop_database(self, database: str) -> None:
        """Drop the database, whoever is connected to it.

        :raises TenantryError: the server refused.
        """
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def drop_roles(self, roles: list[str]) -> None:
        """Drop roles that own nothing any more.

        :raises TenantryError: the server refused.
        """
        for role in roles:
            self._run(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))

    def _run(self, statement: sql.Composable) -> None:
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            _execute(cursor, statement)


def _execute(cursor: Any, statement: sql.Composable) -> None:
    try:
        cursor.execute(statement)
    except psycopg2.Error as exc:
        raise translate(exc) from exc

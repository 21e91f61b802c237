"""Finds a tenant's tables and sequences in one home, by the names that they have in any home."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tenantry.contents.access import Access, looking_in
from tenantry.contents.rehashed import with_rehashed
from tenantry.database.sql_files import load_sql
from tenantry.domain.content import ContentColumn, ContentTable, Place, content_key

TENANT_COLUMN = "tenant_id"


class Unreadable(NamedTuple):
    """What a role can't read whole, by its name in any home: tables, and sequences with their OIDs."""

    tables: dict[str, ContentTable]
    sequences: dict[str, int]


def find_tables(connection: Any, access: Access, *, computed: bool = False) -> dict[str, ContentTable]:
    """Find the tables with a tenant's rows, by the key that they have in any home (`content_key`).

    :param computed: with the columns that are computed when they are read, as older versions of ours digested them.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        cursor.execute(load_sql("contents/content_tables"), access.scope | {"computed": computed})
        found = [
            ContentTable(
                schema, name, tuple(ContentColumn(**column) for column in columns), tuple(map(tuple, roots)), oid, file
            )
            for schema, name, columns, roots, oid, file in cursor.fetchall()
        ]
        with looking_in(connection, "pg_catalog"):
            found = with_rehashed(cursor, found)
    if access.is_pooled:
        found = [_without_tenant(table) for table in found if _has_tenant(table)]
    return {key_of(access, table.schema, table.name): table for table in found}


def find_childless(connection: Any, access: Access) -> list[Place]:
    """Find the partitioned tables that no other table is a partition of, by schema and name.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with looking_in(connection, "pg_catalog"), connection.cursor() as cursor:
        cursor.execute(load_sql("contents/childless_tables"), access.scope)
        return [(schema, name) for schema, name in cursor.fetchall()]


def find_sequences(connection: Any, access: Access) -> dict[str, tuple[str, str]]:
    """Find a tenant's own sequences, schema and name, by the key that they have in any home (`content_key`).

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        with looking_in(connection, "pg_catalog"):
            cursor.execute(load_sql("contents/content_sequences"), access.scope)
        return {key_of(access, schema, name): (schema, name) for schema, name in cursor.fetchall()}


def find_unreadable(connection: Any, access: Access, tables: Mapping[str, ContentTable]) -> Unreadable:
    """Find which of these tables, and which sequences, the role can't read whole.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    found = [
        (key_of(access, schema, name), oid, is_sequence)
        for schema, name, oid, is_sequence in _look_for_unreadable(connection, access)
    ]
    return Unreadable(
        {name: tables[name] for name, _, is_sequence in found if not is_sequence and name in tables},
        {name: oid for name, oid, is_sequence in found if is_sequence},
    )


def find_withheld(connection: Any, access: Access) -> frozenset[Place]:
    """Find the tables that the role can't read whole, by schema and name.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    found = _look_for_unreadable(connection, access)
    return frozenset((schema, name) for schema, name, _, is_sequence in found if not is_sequence)


def _look_for_unreadable(connection: Any, access: Access) -> list[tuple[str, str, int, bool]]:
    with connection.cursor() as cursor:
        with looking_in(connection, "pg_catalog"):
            cursor.execute(load_sql("contents/unreadable"), access.scope)
        found: list[tuple[str, str, int, bool]] = cursor.fetchall()
        return found


def key_of(access: Access, schema: str, name: str) -> str:
    """Return the key that a table or sequence of a home has in any home."""
    return content_key("" if schema == access.home.schema else schema, name)


def _has_tenant(table: ContentTable) -> bool:
    return any(column.name == TENANT_COLUMN for column in table.columns)


def _without_tenant(table: ContentTable) -> ContentTable:
    return replace(table, columns=tuple(column for column in table.columns if column.name != TENANT_COLUMN))

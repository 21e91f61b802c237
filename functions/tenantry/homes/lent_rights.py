"""Lends the login for a tenant's dumps what the tenant's owner has shut itself out of, where tenants share a database.

In a database of the tenant's own that login reads everything. In a shared one it reads what the owner may; what is lent
is given by whoever owns it, and taken back when the dump is done. Readers of rights leave that login out.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, in_transaction
from tenantry.database.logins import dump_login
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Home, Isolation, TenantId

_SCHEMA = "SCHEMA"


@contextmanager
def lent(connect: AdminConnect, tenant_id: TenantId, home: Home) -> Iterator[None]:
    """Let the login for dumps read all that lies in a home, until the block ends.

    :param connect: as somebody who may become the owners: an administrator, or a login of the tenant's.
    :raises TenantryError: the server refused; nothing is lent.
    """
    if home.isolation is not Isolation.SCHEMA:
        yield
        return
    lend(connect, tenant_id, home)
    try:
        yield
    finally:
        take_back(connect, tenant_id, home)


def lend(connect: AdminConnect, tenant_id: TenantId, home: Home) -> None:
    """Give the login for dumps what it may not read in a schema. :raises TenantryError: nothing is changed."""
    in_transaction(connect, home.database, lambda cursor: _change_all(cursor, tenant_id, home.schema, "lendable"))


def take_back(connect: AdminConnect, tenant_id: TenantId, home: Home) -> None:
    """Take back what was lent; what can't be is taken back the next time, and counts as nobody's right until then."""
    with suppress(TenantryError):
        in_transaction(connect, home.database, lambda cursor: _change_all(cursor, tenant_id, home.schema, "lent"))


def _change_all(cursor: Any, tenant_id: TenantId, schema: str, which: str) -> None:
    login, gives = dump_login(tenant_id), which == "lendable"
    execute(cursor, "SET LOCAL search_path = pg_catalog, pg_temp")
    execute(cursor, load_sql(f"homes/{which}"), {"schema": schema, "login": login})
    things = cursor.fetchall()
    with _let_in(cursor, schema, {maker for maker, kind, _ in things if kind != _SCHEMA}):
        for maker, kind, name in things:
            _as(cursor, maker, _change(schema, kind, name, login, gives=gives))


@contextmanager
def _let_in(cursor: Any, schema: str, makers: set[str]) -> Iterator[None]:
    """Let those name what is in the schema who may not, within the transaction."""
    execute(
        cursor,
        "SELECT pg_get_userbyid(n.nspowner)::text, m.rolname::text FROM pg_namespace n, pg_roles m "
        "WHERE n.nspname = %s AND m.rolname = ANY (%s) AND NOT has_schema_privilege(m.oid, n.oid, 'USAGE')",
        (schema, sorted(makers)),
    )
    shut_out = cursor.fetchall()
    for owner, maker in shut_out:
        _as(cursor, owner, _change(schema, _SCHEMA, None, maker, gives=True))
    yield
    for owner, maker in shut_out:
        _as(cursor, owner, _change(schema, _SCHEMA, None, maker, gives=False))


def _change(schema: str, kind: str, name: str | None, whom: str, *, gives: bool) -> sql.Composable:
    right = "USAGE" if kind == _SCHEMA else "SELECT"
    change = sql.SQL(f"GRANT {right} ON {kind} {{}} TO {{}}" if gives else f"REVOKE {right} ON {kind} {{}} FROM {{}}")
    place = sql.Identifier(schema) if name is None else sql.Identifier(schema, name)
    return change.format(place, sql.Identifier(whom))


def _as(cursor: Any, role: str, statement: sql.Composable) -> None:
    become = sql.SQL("SET LOCAL ROLE {}; {}; SET LOCAL ROLE NONE")
    execute(cursor, become.format(sql.Identifier(role), statement))

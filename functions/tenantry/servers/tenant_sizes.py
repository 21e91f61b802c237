"""Measures how much of a server's disk its tenants use, with one connection for several tenants."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE, Isolation, Tenant
from tenantry.homes.factory import home_of
from tenantry.homes.pool_shape import POOL_ROLE

_STATEMENT_MS = 5_000
# About how many bytes of a shared table are read, however large it is.
_SAMPLE_BYTES = 8 << 20
# The bytes that PostgreSQL needs for each row besides its values.
_ROW_BYTES = 28

type Measured = tuple[Tenant, int | TenantryError]
type Ask = Callable[[Any, list[Tenant]], Iterator[Measured]]


def measure(connect: AdminConnect, tenants: Sequence[Tenant]) -> Generator[Measured]:
    """Yield each tenant with the bytes of its home, or the error that prevented the measurement.

    A database or schema is measured as its size on disk, with indexes and free space. For a pooled tenant, the bytes of
    its rows are estimated, so that it does not pay for the free space that other tenants' rows have left.
    """
    for model, database, ask in (
        (Isolation.DATABASE, "postgres", _databases),
        (Isolation.SCHEMA, SCHEMAS_DATABASE, _schemas),
        (Isolation.POOLED, POOL_DATABASE, _pooled),
    ):
        here = [tenant for tenant in tenants if tenant.isolation is model]
        if here:
            yield from _asked(connect, database, here, ask)


def _asked(connect: AdminConnect, database: str, tenants: list[Tenant], ask: Ask) -> Iterator[Measured]:
    missing = {tenant.tenant_id: tenant for tenant in tenants}
    try:
        with closing(connect(database)) as connection, connection.cursor() as cursor:
            execute(cursor, "SELECT set_config('statement_timeout', %s, false)", (str(_STATEMENT_MS),))
            for tenant, size in ask(cursor, tenants):
                del missing[tenant.tenant_id]
                yield tenant, size
    except TenantryError as error:
        for tenant in missing.values():
            yield tenant, error


def _databases(cursor: Any, tenants: list[Tenant]) -> Iterator[Measured]:
    for tenant in tenants:
        yield tenant, _number(cursor, "SELECT pg_database_size(%s::name)", home_of(tenant, None).database)


def _schemas(cursor: Any, tenants: list[Tenant]) -> Iterator[Measured]:
    # One by one: a tenant that locks its own table hides only its own size.
    for tenant in tenants:
        yield tenant, _number(cursor, load_sql("homes/schema_size"), home_of(tenant, None).schema)


def _number(cursor: Any, query: Any, name: str) -> int | TenantryError:
    try:
        execute(cursor, query, (name,))
        found = cursor.fetchone()
        return int(found[0] or 0) if found else 0
    except TenantryError as error:
        return error


def _pooled(cursor: Any, tenants: list[Tenant]) -> Iterator[Measured]:
    execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(POOL_ROLE)))
    execute(cursor, load_sql("servers/pool_columns"))
    sizes: Counter[str] = Counter()
    for table, size, columns in cursor.fetchall():
        percent = min(100.0, 100 * _SAMPLE_BYTES / max(size, 1))
        widths = [sql.SQL("coalesce(pg_column_size({}), 0)").format(sql.Identifier(column)) for column in columns]
        row = sql.SQL(" + ").join([sql.Literal(_ROW_BYTES), *widths])
        sample = load_sql("servers/pool_sample").format(bytes=row, table=sql.Identifier("public", table))
        execute(cursor, sample, (percent,))
        for tenant_id, found in cursor.fetchall():
            sizes[tenant_id] += int(found * 100 / percent)
    for tenant in tenants:
        yield tenant, sizes[tenant.tenant_id.value]

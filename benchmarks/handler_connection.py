"""Gives benchmarks the handler's own connection, to run the SQL that the handler is compared with."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from psycopg2 import sql

from benchmarks.results import BenchmarkFailed
from handlers import query_tenant
from tenantry.domain.tenant import Role, TenantId, database_role


def handler_connection(tenant_id: TenantId) -> Any:
    """Return the psycopg2 connection on which the handler has served a tenant's requests."""
    # Private access: only a benchmark needs this connection.
    connections = query_tenant._data_requests()._connections  # noqa: SLF001
    return connections.get(tenant_id, _open_none)[0]._connection  # noqa: SLF001


def _open_none(_tenant_id: TenantId) -> Any:
    raise BenchmarkFailed("the handler keeps no connection")


@contextmanager
def acting_as(connection: Any, tenant_id: TenantId, role: Role) -> Iterator[None]:
    """Act as one of the tenant's roles within this context, as a request does."""
    with closing(connection.cursor()) as cursor:
        # The session itself finds PostgreSQL's own names only; a request sets its path, too.
        act = sql.SQL("SET ROLE {}; SET search_path = public").format(sql.Identifier(database_role(tenant_id, role)))
        cursor.execute(act)
        yield
        cursor.execute("RESET ROLE; RESET search_path")

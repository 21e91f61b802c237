"""The whole query_tenant handler, warm, against the bare query on the same connection."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from statistics import median
from typing import Any

from psycopg2 import sql

from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage, call_handler, read_event
from benchmarks.timing import take_turns, time_calls
from handlers import query_tenant
from tenantry.domain.tenant import Role, TenantId, database_role

_TENANT = TenantId("warm-read")
_QUERY = "SELECT id, name, job_role, email, phone, location FROM candidates ORDER BY id LIMIT 20"
_ROUNDS, _CALLS = 40, 100


def run(stage: Stage) -> list[Result]:
    """p50 of the handler over that of the query, 20 rows of 6 columns, 4,000 calls of each in blocks of 100."""
    stage.make_tenant_with_people(_TENANT)
    event = read_event(_TENANT)

    def read() -> None:
        call_handler(event, 200)

    time_calls(read, 2 * _CALLS)
    # The only way to the very connection that the handler uses.
    connection = query_tenant._data_requests()._connections.get(_TENANT, _open_none)[0]._connection  # noqa: SLF001
    handler, bare = take_turns(lambda: time_calls(read, _CALLS), lambda: _time_bare_query(connection), rounds=_ROUNDS)
    return [Result("warm_read", "us", median(handler) * 1e6, median(bare) * 1e6, at_most=1.7)]


def _open_none(_tenant_id: TenantId) -> Any:
    raise BenchmarkFailed("the handler keeps no connection")


def _time_bare_query(connection: Any) -> list[float]:
    def query() -> None:
        with connection.cursor() as cursor:
            cursor.execute(_QUERY)
            cursor.fetchall()

    with _as_viewer(connection):
        return time_calls(query, _CALLS)


@contextmanager
def _as_viewer(connection: Any) -> Iterator[None]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(database_role(_TENANT, Role.VIEWER))))
        yield
        cursor.execute("RESET ROLE")

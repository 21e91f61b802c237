"""The whole warm query_tenant handler against the bare query on the same connection."""

from statistics import median
from typing import Any

from benchmarks.handler_connection import acting_as, handler_connection
from benchmarks.results import Result
from benchmarks.stage import Stage, call_handler, read_event
from benchmarks.timing import take_turns, time_calls
from tenantry.domain.tenant import Role, TenantId

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
    connection = handler_connection(_TENANT)
    handler, bare = take_turns(lambda: time_calls(read, _CALLS), lambda: _time_bare_query(connection), rounds=_ROUNDS)
    return [Result("warm_read", "us", median(handler) * 1e6, median(bare) * 1e6, at_most=1.7)]


def _time_bare_query(connection: Any) -> list[float]:
    def query() -> None:
        with connection.cursor() as cursor:
            cursor.execute(_QUERY)
            cursor.fetchall()

    with acting_as(connection, _TENANT, Role.VIEWER):
        return time_calls(query, _CALLS)

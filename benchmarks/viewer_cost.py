"""The most costly requests of a viewer, through the whole handler: memory and time of the backend that serves them."""

import json
from contextlib import closing
from time import perf_counter

from benchmarks.backend_memory import watch_backend
from benchmarks.handler_connection import handler_connection
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage, call_handler, read_event
from benchmarks.worst_requests import HEAVY_TABLES, HUGE_TABLES, LIGHT_TABLES, Worst, event_of, worst_requests
from handlers import query_tenant
from tenantry.domain.tenant import TenantId, owner_role

_TENANT = TenantId("viewer-cost")
_MOST_MB = 64.0
# As docs/operations.md has servers set up, at the narrowest: for what no statement can bound, such as one huge value.
_LIMIT = 64 << 20
# The time that a statement may take, and half a second for ending it.
_MOST_SECONDS = 10.5


def run(stage: Stage) -> list[Result]:
    """The most memory that a backend takes above an idle one, over 64 MB, and the longest time, over its limit."""
    credentials = stage.make_tenant(_TENANT)
    with closing(stage.connect(credentials.dbname)) as connection, connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{owner_role(_TENANT)}"')
        cursor.execute(LIGHT_TABLES + HEAVY_TABLES + HUGE_TABLES)
    memory, seconds = 0.0, 0.0
    stage.postgres.limit_memory(_LIMIT)
    try:
        for worst in worst_requests():
            took, mb, status = _send(worst)
            print(f"    {worst.name:<40} {status} {took:7.2f} s {mb:8.1f} MB", flush=True)
            memory, seconds = max(memory, mb), max(seconds, took)
    finally:
        stage.postgres.limit_memory(256 << 20)
    return [
        Result("viewer_cost_memory", "MB", memory, _MOST_MB, at_most=1.0),
        Result("viewer_cost_time", "s", seconds, _MOST_SECONDS, at_most=1.0),
    ]


def _send(worst: Worst) -> tuple[float, float, int]:
    """Send one on a connection of its own, whose backend has done nothing else; seconds, megabytes, status."""
    query_tenant._data_requests()._connections.close()  # noqa: SLF001 - nobody but a benchmark wants that
    base = read_event(_TENANT)
    call_handler(
        base | {"pathParameters": {"table": "light"}, "multiValueQueryStringParameters": {"limit": ["1"]}}, 200
    )
    pid = handler_connection(_TENANT).get_backend_pid()
    started = perf_counter()
    with watch_backend(pid) as peak:
        answer = query_tenant.handler(event_of(worst, base), None)
    took = perf_counter() - started
    if answer["statusCode"] not in _ENDED:
        raise BenchmarkFailed(f"{worst.name}: {answer['statusCode']} {json.dumps(answer['body'])[:200]}")
    return took, peak.above_idle_mb, answer["statusCode"]


# Served, refused by the grammar, ended for its size, for its memory, in time.
_ENDED = (200, 206, 400, 406, 413, 503, 504)

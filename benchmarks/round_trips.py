"""Network round trips of a warm read and of a warm write, and what they cost on a long wire."""

from collections.abc import Callable
from itertools import count
from statistics import median

from benchmarks.counting_proxy import CountingProxy, open_proxy
from benchmarks.results import Result
from benchmarks.stage import Stage, call_handler, read_event, write_event
from benchmarks.timing import time_calls
from tenantry.domain.tenant import TenantId

_TENANT = TenantId("round-trips")
_CALLS = 20
_DELAY = 0.1


def run(stage: Stage) -> list[Result]:
    """Round trips counted by a proxy on the wire, and p50 of 20 calls each with 100 ms of delay on that wire."""
    with open_proxy(stage.postgres.port) as proxy:
        stage.make_tenant_with_people(_TENANT, proxy.port)
        read, write = _reader(), _writer()
        trips = max(_trips(proxy, read), _trips(proxy, write))
        proxy.delay = _DELAY
        slow_read = median(time_calls(read, _CALLS))
        slow_write = median(time_calls(write, _CALLS))
    return [
        Result("round_trips", "trips", trips, 1.0, at_most=1.0),
        Result("round_trips.delayed_read", "ms", slow_read * 1e3, _DELAY * 1e3, at_most=1.05),
        Result("round_trips.delayed_write", "ms", slow_write * 1e3, _DELAY * 1e3, at_most=1.05),
    ]


def _trips(proxy: CountingProxy, call: Callable[[], None]) -> float:
    """Count the round trips of a warm call."""
    call()
    before = proxy.round_trips
    time_calls(call, _CALLS)
    return (proxy.round_trips - before) / _CALLS


def _reader() -> Callable[[], None]:
    event = read_event(_TENANT)
    return lambda: call_handler(event, 200)


def _writer() -> Callable[[], None]:
    numbers = count()
    return lambda: call_handler(write_event(_TENANT, f"new.{next(numbers)}@example.com"), 201)

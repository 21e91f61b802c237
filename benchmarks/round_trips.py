"""Network round trips of warm requests and of the first that needs the catalogue, and their time on a slow network."""

from collections.abc import Callable
from functools import partial
from itertools import count
from statistics import median

from benchmarks.counting_proxy import CountingProxy, open_proxy
from benchmarks.library import embed_event, library_event, make_library
from benchmarks.results import Result
from benchmarks.stage import Stage, call_handler, read_event, write_event
from benchmarks.timing import time_calls
from tenantry.domain.tenant import TenantId

_TENANT, _LIBRARY = TenantId("round-trips"), TenantId("library-trips")
_CALLS = 20
_DELAY = 0.1


def run(stage: Stage) -> list[Result]:
    """Round trips counted by a proxy on the wire, and p50 of 20 calls each with 100 ms of delay on that wire.

    Of reads, writes, embedded tables, functions and upserts; the first that needs the catalogue may cost two.
    """
    with open_proxy(stage.postgres.port) as proxy:
        stage.make_tenant_with_people(_TENANT, proxy.port)
        read, write = _reader(), _writer()
        trips = max(_trips(proxy, read), _trips(proxy, write))
        with_catalogue, first = _trips_with_catalogue(stage, proxy)
        proxy.delay = _DELAY
        slow_read = median(time_calls(read, _CALLS))
        slow_write = median(time_calls(write, _CALLS))
    return [
        Result("round_trips", "trips", trips, 1.0, at_most=1.0),
        Result("round_trips.embed_and_call", "trips", with_catalogue, 1.0, at_most=1.0),
        Result("round_trips.first_embed", "trips", first, 2.0, at_most=1.0),
        Result("round_trips.delayed_read", "ms", slow_read * 1e3, _DELAY * 1e3, at_most=1.05),
        Result("round_trips.delayed_write", "ms", slow_write * 1e3, _DELAY * 1e3, at_most=1.05),
    ]


def _trips(proxy: CountingProxy, call: Callable[[], None]) -> float:
    """Count the round trips of a warm call."""
    call()
    before = proxy.round_trips
    time_calls(call, _CALLS)
    return (proxy.round_trips - before) / _CALLS


def _trips_with_catalogue(stage: Stage, proxy: CountingProxy) -> tuple[float, float]:
    """Count the trips of an embed, a call and an upsert without a key, with a cached catalogue and without."""
    make_library(stage, _LIBRARY, proxy.port)
    upsert = library_event(
        _LIBRARY,
        {"table": "entries"},
        {"select": "id"},
        method="POST",
        prefer="resolution=merge-duplicates,return=representation",
        body=[{"id": 1, "name": "one"}],
    )
    events = [
        (embed_event(_LIBRARY), 200),
        (library_event(_LIBRARY, {"function": "books_of"}, {"author": "3", "select": "id,reviews(id)"}), 200),
        (upsert, 200),
    ]
    call_handler(library_event(_LIBRARY, {"table": "authors"}, {}), 200)
    before = proxy.round_trips
    call_handler(*events[0])
    first = float(proxy.round_trips - before)
    call_handler(upsert, 201)
    return max(_trips(proxy, partial(call_handler, *event)) for event in events), first


def _reader() -> Callable[[], None]:
    event = read_event(_TENANT)
    return lambda: call_handler(event, 200)


def _writer() -> Callable[[], None]:
    numbers = count()
    return lambda: call_handler(write_event(_TENANT, f"new.{next(numbers)}@example.com"), 201)

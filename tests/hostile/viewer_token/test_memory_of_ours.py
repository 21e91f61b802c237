"""What a tenant's database sends is of any length: the process that reads it serves others, too, and goes on."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.backend_memory import watch_backend
from tenantry.database.memory_limit import bound_memory
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import request_event

FUNCTIONS = """
CREATE FUNCTION notices(level text, n int) RETURNS int LANGUAGE plpgsql AS $$BEGIN
    PERFORM set_config('client_min_messages', 'debug5', true);
    FOR i IN 1..n LOOP
        IF level = 'INFO' THEN RAISE INFO '%', repeat('x', 500); ELSE RAISE NOTICE '%', repeat('x', 500); END IF;
    END LOOP;
    RETURN n;
END$$;
CREATE FUNCTION announcements(n int) RETURNS int LANGUAGE plpgsql AS $$BEGIN
    FOR i IN 1..n LOOP PERFORM pg_notify('pgrst', i || repeat('x', 7000)); END LOOP;
    RETURN n;
END$$;
CREATE FUNCTION long_value(n int) RETURNS int LANGUAGE sql STABLE AS $$SELECT repeat('x', n)::int$$;
CREATE FUNCTION long_texts(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN
    RAISE EXCEPTION USING MESSAGE = repeat('x', n), DETAIL = repeat('y', n), HINT = repeat('z', n); END$$;
CREATE FUNCTION long_headers(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN
    PERFORM set_config('response.headers', '[{"X-Long": "' || repeat('x', n) || '"}]', true);
    RETURN 1; END$$;
CREATE VIEW long_headed AS SELECT long_headers(8000000) AS one;
GRANT SELECT ON long_headed TO PUBLIC;
"""
MB = 1 << 20


@pytest.fixture(autouse=True, scope="module")
def functions(viewer: Viewer) -> None:
    viewer.run(FUNCTIONS)
    viewer.run("NOTIFY pgrst, 'reload schema'")


@contextmanager
def bounded(megabytes: int) -> Iterator[None]:
    """Give the process no more than so much above what it has."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    status = Path("/proc/self/status").read_text().splitlines()
    has_kb = next(int(line.split()[1]) for line in status if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (has_kb * 1024 + megabytes * MB, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.parametrize("level", ["NOTICE", "INFO"])
def test_notices_are_dropped_as_they_come(viewer: Viewer, level: str) -> None:
    viewer.call("notices", {"level": level, "n": 1}, role="editor")
    with watch_backend(os.getpid()) as peak:
        assert viewer.call("notices", {"level": level, "n": 40_000}, role="editor").json == 40_000
    assert peak.above_idle_mb < 8


def test_headers_that_are_too_long_stay_in_the_database(viewer: Viewer) -> None:
    with watch_backend(os.getpid()) as peak:
        reply = viewer.get("long_headed")
    assert (reply.status, reply.json["code"]) == (500, "PGRST111")
    assert peak.above_idle_mb < 8


@pytest.mark.parametrize("room", [8, 40, 70, 100])
@pytest.mark.parametrize("function", ["long_value", "long_texts"])
def test_an_error_of_any_length_leaves_the_process_alive(viewer: Viewer, function: str, room: int) -> None:
    """Wherever the memory ends, be it in libpq, psycopg2 or Python."""
    length = 20_000_000 if function == "long_value" else 7_000_000
    viewer.get("light", limit="1")
    for method in ("GET", "POST"):
        with bounded(room):
            reply = viewer.call(function, {"n": length} if method == "POST" else {"n": str(length)}, method)
        assert reply.status in {400, 413, 503}
        assert len(reply.text) < 40_000
        assert viewer.get("light", limit="1").status == 200


def test_a_long_error_is_not_kept(viewer: Viewer) -> None:
    viewer.get("light", limit="1")
    pid = viewer.pid()
    assert viewer.call("long_value", {"n": 2_000_000}).status == 400
    assert viewer.get("light", limit="1").status == 200
    assert viewer.pid() != pid


def test_announcements_without_end_leave_the_process_alive(viewer: Viewer) -> None:
    viewer.get("light", limit="1")
    with bounded(20):
        reply = viewer.call("announcements", {"n": 5_000}, role="editor")
    assert reply.status in {200, 413, 503}
    assert viewer.connection().notifies == [] or reply.status != 200
    assert viewer.get("light", limit="1").status == 200


@pytest.mark.parametrize("room", [8, 70])
def test_a_catalogue_of_any_length_leaves_the_process_alive(viewer: Viewer, room: int) -> None:
    """Nothing is changed by a description, so it can be asked for again."""
    comment = "DO $$BEGIN EXECUTE format('COMMENT ON VIEW long_headed IS %L', repeat('x', {})); END$$; {}"
    root = request_event(viewer.tenant, "GET", "", role="viewer", body=None, prefer="", query={})
    root |= {"pathParameters": None}
    viewer.run(comment.format(20_000_000, "NOTIFY pgrst, 'reload schema'"))
    try:
        viewer.get("light", limit="1")
        with bounded(room):
            reply = viewer.send(root)
        assert reply.status in {413, 503}
    finally:
        viewer.run(comment.format(1, "NOTIFY pgrst, 'reload schema'"))
    assert viewer.send(root).status == 200


def test_the_bound_is_below_what_the_function_has() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        bound_memory(0)
        assert resource.getrlimit(resource.RLIMIT_DATA) == before
        bound_memory(10_000)
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 9_000 * MB
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)

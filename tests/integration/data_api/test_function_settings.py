"""Settings of a function that have no effect from within its statement: they are in force before it begins."""

import time
from collections.abc import Iterator

import pytest

from handlers import query_tenant
from tenantry.database.preambles import CallSettings
from tenantry.postgrest.catalogue.model import Name
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import World, clear_caches

FUNCTIONS = """
CREATE FUNCTION nap(s float) RETURNS text LANGUAGE sql VOLATILE SET statement_timeout = '300ms'
    AS $$SELECT pg_sleep(s)::text$$;
CREATE FUNCTION long_nap(s float) RETURNS text LANGUAGE sql VOLATILE SET statement_timeout = '1h'
    AS $$SELECT pg_sleep(s)::text$$;
CREATE FUNCTION endless_nap(s float) RETURNS text LANGUAGE sql VOLATILE SET statement_timeout = 0
    AS $$SELECT pg_sleep(s)::text$$;
CREATE FUNCTION plain() RETURNS text LANGUAGE sql STABLE AS
    $$SELECT concat_ws(' ', current_setting('transaction_isolation'), current_setting('statement_timeout'),
        nullif(current_setting('plan_filter.statement_cost_limit', true), ''), current_setting('work_mem'))$$;
CREATE FUNCTION apart() RETURNS SETOF text LANGUAGE sql VOLATILE
    SET default_transaction_isolation = 'serializable' SET work_mem = '9MB'
    AS $$SELECT plain()$$;
CREATE FUNCTION repeatable() RETURNS text LANGUAGE sql STABLE SET default_transaction_isolation = 'repeatable read'
    SET statement_timeout = '1.5s' AS $$SELECT plain()$$;
CREATE FUNCTION outside(candidates) RETURNS text LANGUAGE sql STABLE AS $$SELECT plain()$$;
CREATE FUNCTION some_rows() RETURNS SETOF candidates LANGUAGE sql STABLE SET work_mem = '9MB'
    AS $$SELECT * FROM candidates$$;
"""
# Where the extension is not loaded, only a superuser may write its parameters into a function.
FILTER = """
ALTER FUNCTION apart() SET plan_filter.statement_cost_limit = '7.5';
ALTER FUNCTION some_rows() SET plan_filter.statement_cost_limit = '1000000.5';
NOTIFY pgrst, 'reload schema';
"""


@pytest.fixture(scope="module")
def caller(world: World) -> Iterator[Viewer]:
    """Statements may take ten seconds, as in a deployment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATEMENT_TIMEOUT_MS", "10000")
        clear_caches()
        made = Viewer(world, world.tenants[0])
        made.run(FUNCTIONS)
        world.execute(FILTER, made.tenant.value)
        yield made
        made.new_connection()
    clear_caches()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_function_ends_when_its_own_time_is_over(caller: Viewer, method: str) -> None:
    started = time.monotonic()
    reply = caller.call("nap", {"s": "8"}, method)
    assert (reply.status, reply.json["code"]) == (504, "57014")
    assert time.monotonic() - started < 5
    assert caller.call("nap", {"s": "0"}, method).status == 200


# As PostgreSQL lets a setting be written: with signs, exponents, other bases, fractions, units and blanks.
WRITTEN = ["+900", "9e2", "0x384", "01604", "0.9s", " 0.9 s ", "900.4ms", "900000us", "0.015min", "0.25ms", "0.0003h"]


@pytest.mark.parametrize("written", WRITTEN)
def test_a_time_is_what_postgresql_reads(caller: Viewer, written: str) -> None:
    """Whether a function is given it or the login; what rounds to nothing is no limit at all."""
    caller.run(
        "CREATE OR REPLACE FUNCTION timed() RETURNS text LANGUAGE sql STABLE"
        f" SET statement_timeout = '{written}' AS 'SELECT 1'"
    )
    caller.run("NOTIFY pgrst, 'reload schema'")
    read = caller.run(f"SELECT set_config('lock_timeout', '{written}', false)")[0][0]
    expected = "10s" if read == "0" else read
    assert caller.get("rpc/timed").status == 200
    requests = query_tenant._data_requests()
    routine = requests._catalogues._known[caller.tenant].catalogue.routines[Name("public", "timed")][0]
    connection = requests._connections._connections[caller.tenant]
    settings = CallSettings(hoisted=routine.settings)
    query = "SELECT current_setting('statement_timeout')"
    assert connection.run(f"{caller.tenant}_viewer", "{}", query, (), reads_only=True, call=settings) == (expected,)

    login = caller.world.credentials[caller.tenant].username
    caller.world.execute(f"ALTER ROLE \"{login}\" SET statement_timeout = '{written}'")
    try:
        caller.new_connection()
        assert caller.call("plain", {}).json == f"read committed {expected} 2MB"
    finally:
        caller.world.execute(f'ALTER ROLE "{login}" RESET statement_timeout')
        caller.new_connection()


@pytest.mark.parametrize("name", ["long_nap", "endless_nap"])
def test_it_has_never_more_time_than_others(caller: Viewer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("STATEMENT_TIMEOUT_MS", "300")
    caller.new_connection()
    clear_caches()
    reply = caller.call(name, {"s": "8"}, "POST")
    caller.new_connection()
    monkeypatch.undo()
    clear_caches()
    assert (reply.status, reply.json["code"]) == (504, "57014")


def test_isolation_and_limits_of_cost_are_in_force_before_the_call(caller: Viewer) -> None:
    """Others are the function's own, which PostgreSQL sets and takes back; what comes after has none of either."""
    assert caller.call("plain", {}).json == "read committed 10s 2MB"
    for prefer in ("", "timezone=Asia/Kolkata", "count=exact"):
        event_headers = {"Prefer": prefer} if prefer else {}
        assert caller.get("rpc/apart", headers=event_headers).json == ["serializable 10s 7.5 9MB"]
        assert caller.get("rpc/repeatable", headers=event_headers).json == "repeatable read 1500ms 2MB"
    assert caller.call("apart", {}).json == ["serializable 10s 7.5 9MB"]
    assert caller.call("plain", {}).json == "read committed 10s 2MB"


def test_so_they_are_for_all_of_the_statement(caller: Viewer) -> None:
    """A computed field of its rows is worked out outside of the function."""
    rows = caller.get("rpc/some_rows", select="outside", limit="1").json
    assert rows == [{"outside": "read committed 10s 1000000.5 2MB"}]


def test_a_new_catalogue_brings_what_has_changed(caller: Viewer) -> None:
    caller.run("ALTER FUNCTION repeatable() RESET ALL")
    caller.new_connection()
    assert caller.call("repeatable", {}).json == "read committed 10s 2MB"

"""What one call leaves in the session for the next."""

import json
import threading
import time
from contextlib import closing

import pytest

from benchmarks.backend_memory import watch_backend
from local.postgres_server import PostgresServer
from tenantry.domain.tenant import Isolation
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import request_event

pytestmark = pytest.mark.usefixtures("heavy")

SETTINGS = {
    "statement_timeout": "3600000",
    "work_mem": "1000000",
    "timezone": "Asia/Kolkata",
    "search_path": "nowhere",
    "datestyle": "German",
    "request.jwt.claims": '{"sub":"other"}',
    "request.headers": '{"x-other":"1"}',
    "request.path": "/other",
    "app.tenant_id": "other",
    "app.something": "kept",
    "response.status": "418",
    "response.headers": '[{"X-Other":"1"}]',
    "default_transaction_read_only": "on",
    "session_replication_role": "replica",
    "row_security": "off",
    "tenantry.slots": "7",
    "standard_conforming_strings": "off",
    "client_encoding": "SQL_ASCII",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "idle_session_timeout": "1",
    "idle_in_transaction_session_timeout": "1",
    "transaction_timeout": "60000",
    "lock_timeout": "1",
    "exit_on_error": "on",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "lc_monetary": "C",
    "xmloption": "document",
    "default_text_search_config": "german",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "plan_cache_mode": "force_generic_plan",
    "check_function_bodies": "off",
}
FUNCTIONS = """
CREATE OR REPLACE FUNCTION leave(name text, value text) RETURNS void LANGUAGE plpgsql AS
    $$BEGIN PERFORM set_config(name, value, false); END$$;
CREATE OR REPLACE FUNCTION found(name text) RETURNS text LANGUAGE sql STABLE AS $$SELECT current_setting(name, true)$$;
CREATE OR REPLACE FUNCTION replace_statements(text text) RETURNS void LANGUAGE plpgsql AS $$DECLARE n text; BEGIN
    FOR n IN SELECT name FROM pg_prepared_statements LOOP
        EXECUTE format('DEALLOCATE %s', n);
        EXECUTE format('PREPARE %s AS %s', n, text);
    END LOOP;
END$$;
CREATE OR REPLACE FUNCTION take_names(number int) RETURNS void LANGUAGE plpgsql AS $$DECLARE last int; BEGIN
    SELECT max(substr(name, 10)::int) INTO last FROM pg_prepared_statements;
    FOR i IN 1..number LOOP EXECUTE format('PREPARE tenantry_%s AS SELECT 1', last + i); END LOOP;
END$$;
CREATE OR REPLACE FUNCTION isolation() RETURNS text LANGUAGE sql STABLE AS
    $$SELECT current_setting('transaction_isolation') || current_setting('transaction_deferrable')$$;
CREATE OR REPLACE FUNCTION encode_as(name text, local bool) RETURNS text LANGUAGE plpgsql AS
    $$BEGIN PERFORM set_config('client_encoding', name, local); RAISE NOTICE 'ö'; RETURN 'ä€'; END$$;
CREATE OR REPLACE FUNCTION encode_for_itself() RETURNS text LANGUAGE plpgsql SET client_encoding = 'LATIN1' AS
    $$BEGIN RETURN 'ä€'; END$$;
CREATE OR REPLACE FUNCTION encode_rows() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM set_config('client_encoding', 'LATIN1', true); RETURN NEW; END$$;
CREATE TABLE IF NOT EXISTS encoded_before (id int, note text);
CREATE TABLE IF NOT EXISTS encoded_after (id int, note text);
CREATE OR REPLACE TRIGGER encode BEFORE INSERT ON encoded_before FOR EACH ROW EXECUTE FUNCTION encode_rows();
CREATE OR REPLACE TRIGGER encode AFTER INSERT ON encoded_after FOR EACH ROW EXECUTE FUNCTION encode_rows();
CREATE OR REPLACE FUNCTION wait(seconds float8) RETURNS text LANGUAGE sql AS $$SELECT pg_sleep(seconds)::text$$;
"""


@pytest.fixture(autouse=True, scope="module")
def functions(viewer: Viewer) -> None:
    viewer.run(FUNCTIONS)


@pytest.mark.parametrize("name", SETTINGS)
def test_no_setting_outlives_its_call(viewer: Viewer, name: str) -> None:
    """A function sets something for the session; the next call finds what every call finds."""
    viewer.new_connection()
    fresh = viewer.get("rpc/found", name=name, role="editor").json
    viewer.send(_post(viewer, "leave", {"name": name, "value": SETTINGS[name]}))
    after = viewer.get("rpc/found", name=name, role="editor")
    assert (after.status, after.json or None) == (200, fresh or None)


@pytest.mark.parametrize("name", ["default_transaction_isolation", "default_transaction_deferrable"])
def test_the_next_transaction_begins_as_every_one(viewer: Viewer, name: str) -> None:
    """It begins before anything of ours can take back what a function has set."""
    viewer.new_connection()
    fresh = viewer.get("rpc/isolation", role="editor").json
    viewer.send(_post(viewer, "leave", {"name": name, "value": SETTINGS[name]}))
    assert viewer.get("rpc/isolation", role="editor").json == fresh


@pytest.mark.parametrize(
    ("name", "value"),
    [("transaction_timeout", "60000"), ("statement_timeout", "50"), ("idle_session_timeout", "60000")],
)
def test_a_session_whose_next_message_may_be_cut_off_is_left(viewer: Viewer, name: str, value: str) -> None:
    """These are in force until the next message is under way: it might end before it can take them back."""
    viewer.get("light", limit="1")
    pid = viewer.pid()
    assert viewer.send(_post(viewer, "leave", {"name": name, "value": value})).status == 204
    assert viewer.get("light", limit="1").status == 200
    assert viewer.pid() != pid


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "EUC_JP", "SQL_ASCII"])
@pytest.mark.parametrize("local", [True, False])
def test_answers_are_sent_as_they_are_read(viewer: Viewer, encoding: str, local: bool) -> None:
    for _ in range(2):
        reply = viewer.send(_post(viewer, "encode_as", {"name": encoding, "local": local}))
        assert (reply.status, reply.json) == (200, "ä€")
    assert viewer.send(_post(viewer, "encode_for_itself", {})).json == "ä€"
    made = viewer.write("POST", "encoded_before", {"id": 1, "note": "ä€"}, "return=representation")
    assert (made.status, made.json) == (201, [{"id": 1, "note": "ä€"}])


@pytest.mark.parametrize("note", ["plain", "ä", "Ã¤"])
def test_an_answer_that_cannot_be_read_is_not_taken_for_one(viewer: Viewer, note: str) -> None:
    """After all else of a statement comes a trigger; the last note would be read as another one."""
    before = viewer.run("SELECT count(*) FROM encoded_after")[0][0]
    refused = viewer.write("POST", "encoded_after", {"id": 1, "note": note}, "return=representation")
    assert (refused.status, refused.json["code"]) == (400, "22P05")
    assert "can't be read" in refused.json["message"]
    assert viewer.run("SELECT count(*) FROM encoded_after")[0][0] == before + 1
    assert viewer.send(_post(viewer, "encode_for_itself", {})).json == "ä€"


@pytest.mark.parametrize(
    "text", ["SELECT 1, 2, 3", "SELECT $1::text, 2, 3", "SELECT 1 WHERE false", "LISTEN pgrst", "VALUES (1), (2)"]
)
def test_statements_of_ours_can_be_replaced_but_once(viewer: Viewer, text: str) -> None:
    """Nobody is answered by a function's statement in the place of ours, and the next request is served."""
    asked = [("light", {"limit": "1"}), ("light", {"id": "eq.1"})]
    before = [viewer.get(path, **query).json for path, query in asked]
    for (path, query), expected in zip(asked, before, strict=True):
        # The second time it is a statement of ours that was replaced itself.
        assert viewer.send(_post(viewer, "replace_statements", {"text": text})).status in {204, 400}
        first = viewer.get(path, **query)
        assert first.status == 200 or (first.status, first.json["code"]) == (400, "26000")
        assert viewer.get(path, **query).json == expected


def test_nor_is_the_description_answered_by_one(viewer: Viewer) -> None:
    viewer.new_connection()
    root = _root(viewer)
    before = viewer.send(root)
    assert viewer.send(_post(viewer, "replace_statements", {"text": "SELECT 1 WHERE false"})).status == 204
    first = viewer.send(root)
    assert (first.status, first.json["code"]) == (400, "26000")
    assert viewer.send(root).json == before.json


def test_names_that_ours_would_get_may_be_taken(viewer: Viewer) -> None:
    viewer.get("light", limit="1")
    pid = viewer.pid()
    viewer.send(_post(viewer, "take_names", {"number": 9}))
    assert viewer.get("light", select="name", id="eq.2", order="id").status == 200
    assert viewer.pid() != pid


# What an owner sets for all sessions is the owner's: but not how we are understood.
FOR_ALL = {
    "standard_conforming_strings": "off",
    "quote_all_identifiers": "on",
    "exit_on_error": "on",
    "array_nulls": "off",
    "client_encoding": "LATIN1",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
}


@pytest.mark.parametrize("name", FOR_ALL)
def test_a_database_with_settings_of_its_own_is_read_alike(viewer: Viewer, name: str) -> None:
    viewer.run(
        "CREATE TABLE IF NOT EXISTS told (id int PRIMARY KEY, note text, day date DEFAULT '2026-02-03', data bytea,"
        " span interval DEFAULT '-1 day 02:03', part float8 DEFAULT 0.1::float8 + 0.2)"
    )
    viewer.run(f"ALTER DATABASE \"{viewer.tenant}\" SET {name} = '{FOR_ALL[name]}'")
    try:
        viewer.new_connection()
        body = {"id": 1, "note": "ä\\'\""}
        columns = {"columns": "id,note,day,span,part", "select": "note"}
        prefer = "return=representation,missing=default,tx=rollback"
        for _ in range(2):
            made = viewer.write("POST", "told", body, prefer, **columns)
            assert (made.status, made.json) == (201, [{"note": "ä\\'\""}])
            pid = viewer.pid()
            octets = viewer.get("told", role="editor", select="data", headers={"Accept": "application/octet-stream"})
            assert octets.status == 200
            assert viewer.get("told", role="editor", nothing="eq.1").status == 400
            assert viewer.pid() == pid
    finally:
        viewer.run(f'ALTER DATABASE "{viewer.tenant}" RESET {name}')
        viewer.new_connection()


@pytest.mark.parametrize("value", ["0", "3600000"])
def test_the_limit_in_time_is_each_calls_own(viewer: Viewer, value: str) -> None:
    """A session without a limit would let everybody's statements run for ever."""
    viewer.send(_post(viewer, "leave", {"name": "statement_timeout", "value": value}))
    started = time.monotonic()
    reply = viewer.get("rpc/wait", seconds="30", role="editor")
    assert (reply.status, reply.json["code"]) == (504, "57014")
    assert time.monotonic() - started < 8


def test_text_is_read_as_it_was_written(viewer: Viewer) -> None:
    """Without standard strings a backslash before a quote would end a value and begin a statement."""
    viewer.get("light", limit="1", headers={"X-Note": "\\"})
    viewer.send(_post(viewer, "leave", {"name": "standard_conforming_strings", "value": "off"}))
    found = viewer.get("rpc/found", name="request.headers", role="editor", headers={"X-Note": "\\', 'x"})
    assert json.loads(found.json) == {"x-note": "\\', 'x"}


def test_long_headers_are_none_and_not_anothers(viewer: Viewer) -> None:
    """Headers that are too long are not told; what a function kept of another's is not told in their place."""
    viewer.send(_post(viewer, "leave", {"name": "request.headers", "value": '{"x-other":"1"}'}))
    found = viewer.get("rpc/found", name="request.headers", role="editor", headers={"X-Long": "x" * 9_000})
    assert json.loads(found.json) == {}


SECRET = [
    "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key", "apikey", "X-Auth-Token",
    "X-CSRF-Token", "X-Amz-Security-Token", "X-Hub-Signature-256", "X-Client-Secret", "X-Session-Id", "X-Access-Key",
    "X-Forwarded-Authorization", "X-Supabase-Api-Key", "Dpop-Jwt", "X-Password", "X-Credential",
]  # fmt: skip


def test_headers_that_carry_secrets_stay_here(viewer: Viewer) -> None:
    """What somebody signs in with, here or elsewhere, reaches neither the database nor its log."""
    headers = dict.fromkeys(SECRET, "s3cret") | {
        "X-Author": "told",
        "X-App-Id": "told",
        "Accept": "application/json",
    }
    found = viewer.get("rpc/found", name="request.headers", role="editor", headers=headers)
    told = json.loads(found.json)
    assert "s3cret" not in found.json
    assert told["x-app-id"] == "told"


def test_a_statement_ends_with_its_caller(viewer: Viewer) -> None:
    """The function that sent it has vanished: the server looks every two seconds, and ends it."""
    with closing(viewer.world.admin(viewer.tenant.value)) as connection, connection.cursor() as cursor:
        viewer.get("light", limit="1")
        pid = viewer.connection().get_backend_pid()
        found = viewer.get("rpc/found", name="client_connection_check_interval", role="editor")
        assert found.json == "2s"
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (pid,))
        assert cursor.fetchone() == (1,)


def test_as_many_at_once_as_the_plan_allows(viewer: Viewer) -> None:
    """Others of the tenant's hold every place: the request waits shortly, and is refused with 429."""
    viewer.new_connection()
    assert viewer.get("light", limit="1").status == 200
    with closing(viewer.world.admin(viewer.tenant.value)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(0, i) FROM generate_series(1, 3) i")
        assert viewer.get("light", limit="1").status == 200
        cursor.execute("SELECT pg_advisory_lock(0, 4)")
        refused = viewer.get("light", limit="1")
        assert (refused.status, refused.json["code"]) == (429, "too_many_at_once")
        assert refused.headers["Retry-After"]
        assert viewer.write("DELETE", "light", id="eq.1").status == 429
        timer = threading.Timer(0.2, lambda: cursor.execute("SELECT pg_advisory_unlock(0, 4)"))
        timer.start()
        assert viewer.get("light", limit="1").status == 200
        timer.join()
        # A page that asks for six reports of more than a second each gets all of them.
        cursor.execute("SELECT pg_advisory_lock(0, 4)")
        timer = threading.Timer(1.3, lambda: cursor.execute("SELECT pg_advisory_unlock(0, 4)"))
        timer.start()
        assert viewer.get("light", limit="1").status == 200
        timer.join()


def test_places_of_a_shared_database_cannot_be_guessed(viewer: Viewer) -> None:
    """A neighbour who knows the tenant's id does not know which locks are its places."""
    from dataclasses import replace

    from tenantry.database.tenant_connection import _slots

    credentials = viewer.world.credentials[viewer.tenant]
    shared = replace(credentials, isolation=Isolation.SCHEMA)
    assert _slots(credentials) == 0
    assert _slots(shared) not in (0, _slots(replace(shared, password="another")))


def _root(viewer: Viewer) -> dict[str, object]:
    event = request_event(viewer.tenant, "GET", "", role="viewer", body=None, prefer="", query={})
    return event | {"pathParameters": None}


def _post(viewer: Viewer, function: str, body: object) -> dict[str, object]:
    event = request_event(viewer.tenant, "POST", function, role="editor", body=body, prefer="", query={})
    return event | {"pathParameters": {"function": function}}


@pytest.mark.parametrize(
    ("name", "value"),
    [("default_transaction_read_only", "on"), ("search_path", "nowhere"), ("quote_all_identifiers", "on")],
)
def test_the_next_user_can_write(viewer: Viewer, name: str, value: str) -> None:
    """A function leaves a session that may only read, or reads names otherwise; the next call is a write."""
    viewer.run("CREATE TABLE IF NOT EXISTS written (id serial PRIMARY KEY, note text)")
    assert viewer.write("POST", "written", {"note": "before"}).status == 201
    assert viewer.send(_post(viewer, "leave", {"name": name, "value": value})).status == 204
    viewer.run("NOTIFY pgrst, 'reload schema'")
    assert viewer.write("POST", "written", {"note": "after"}, "return=representation").status == 201


def test_what_a_session_keeps_is_bounded(viewer: Viewer) -> None:
    """Many shapes of wide requests, each again and again: the backend keeps some of them, and serves everybody else."""
    viewer.new_connection()
    viewer.get("light", limit="1")
    pid = viewer.connection().get_backend_pid()
    with watch_backend(pid) as peak:
        for number in range(40):
            beside = ",".join(f"e{i}:heavy(t,id,r,e,d)" for i in range(29))
            assert viewer.get("heavy", select=f"{beside},a{number}:id", limit="0").status == 200
    assert viewer.connection().get_backend_pid() == pid
    assert peak.above_idle_mb < 48


def test_a_full_session_is_left(viewer: Viewer, postgres: PostgresServer) -> None:
    """What a session has kept takes the memory that a process may have: the next request gets another session."""
    viewer.run("CREATE TABLE parts (id int PRIMARY KEY, note text) PARTITION BY RANGE (id)")
    viewer.run(
        "DO $$BEGIN FOR i IN 0..299 LOOP EXECUTE format("
        "'CREATE TABLE parts_%s PARTITION OF parts FOR VALUES FROM (%s) TO (%s)', i, i, i + 1); END LOOP; END$$"
    )
    viewer.new_connection()
    postgres.limit_memory(24 << 20)
    try:
        viewer.get("light", limit="1")
        first = viewer.connection().get_backend_pid()
        for number in range(40):
            for _ in range(6):
                assert viewer.get("parts", select=f"a{number}:id,note", id="gt.3", limit="0").status == 200
        assert viewer.get("light", limit="1").status == 200
        assert viewer.connection().get_backend_pid() != first
    finally:
        postgres.limit_memory(256 << 20)
        viewer.new_connection()

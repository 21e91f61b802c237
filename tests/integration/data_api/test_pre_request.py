"""A function that an operator has set to come before each request, and schemas of any number and name."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.backend_memory import watch_backend
from handlers import query_tenant
from tenantry.domain.data_api import DataApiSettings
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import Reply, World, request_event
from tests.integration.data_api.conftest import Subject

FUNCTIONS = """
CREATE SCHEMA "10 % of";
GRANT USAGE ON SCHEMA "10 % of" TO PUBLIC;
CREATE TABLE calls (method text);
GRANT SELECT, INSERT ON calls TO PUBLIC;
CREATE FUNCTION "10 % of"."first %s"() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('request.headers')::json ->> 'x-tea' = 'green' THEN
        RAISE SQLSTATE 'PT418' USING message = 'no tea', hint = 'Ask for coffee.';
    END IF;
    IF current_setting('request.method') <> 'GET' THEN
        INSERT INTO calls VALUES (current_setting('request.method'));
    END IF;
    PERFORM set_config('response.headers', '[{"X-First": "yes"}]', true);
    PERFORM set_config('app.seen', current_setting('request.path') || ' ' || current_user, true);
    PERFORM set_config('statement_timeout', '0', true);
END $$;
CREATE FUNCTION seen() RETURNS text LANGUAGE sql VOLATILE AS $$SELECT current_setting('app.seen', true)$$;
CREATE FUNCTION clock() RETURNS text LANGUAGE sql STABLE AS $$SELECT current_setting('statement_timeout')$$;
CREATE FUNCTION "10 % of".many() RETURNS SETOF record LANGUAGE sql STABLE AS $$
    SELECT repeat('x', 100), set_config('app.seen', n::text, true) FROM generate_series(1, 100000) n $$;
CREATE FUNCTION "10 % of".long() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT repeat('x', 20000000) || set_config('app.seen', 'long', true) $$;
CREATE FUNCTION slow() RETURNS void LANGUAGE sql VOLATILE AS $$SELECT pg_sleep(60)$$;
"""
NAME = "10 % of.first %s"


@pytest.fixture(scope="module")
def caller(world: World) -> Iterator[Viewer]:
    made = Viewer(world, world.tenants[0])
    made.run(FUNCTIONS)
    yield made
    made.run('DROP SCHEMA "10 % of" CASCADE; DROP TABLE calls; DROP FUNCTION seen(), clock(), slow()')
    made.new_connection()


def send(
    caller: Viewer,
    method: str,
    path: str,
    *,
    body: Any = None,
    pre_request: str = NAME,
    schemas: tuple[str, ...] = ("public",),
    **headers: str,
) -> Reply:
    event = request_event(caller.tenant, method, path, role="editor", body=body, prefer="", query={})
    if path.startswith("rpc/"):
        event["pathParameters"] = {"function": path.removeprefix("rpc/")}
    if not path:
        event["pathParameters"] = None
    event["requestContext"]["authorizer"]["dataApi"] = DataApiSettings(schemas, pre_request=pre_request).to_context()
    event["multiValueHeaders"] |= {name.replace("_", "-"): [value] for name, value in headers.items()}
    answer = query_tenant.handler(event, None)
    return Reply(answer["statusCode"], answer["body"], answer["headers"])


def test_it_comes_before_the_request_with_its_settings(caller: Viewer) -> None:
    reply = send(caller, "POST", "rpc/seen", body={})
    assert reply.json == f"/rpc/seen {caller.tenant}_editor"
    assert reply.headers["X-First"] == "yes"
    assert caller.run("DELETE FROM calls RETURNING method") == [("POST",)]
    assert send(caller, "GET", "calls").headers["X-First"] == "yes"
    assert send(caller, "GET", "").status == 200
    assert send(caller, "GET", "rpc/seen", pre_request="").json in (None, "")


@pytest.mark.parametrize(("name", "seen"), [("many", "100000"), ("long", "long")])
def test_what_it_returns_stays_in_the_database(caller: Viewer, name: str, seen: str) -> None:
    send(caller, "GET", "calls")
    with watch_backend(os.getpid()) as peak:
        assert send(caller, "POST", "rpc/seen", body={}, pre_request=f"10 % of.{name}").json == seen
    assert peak.above_idle_mb < 8


@pytest.mark.parametrize("path", ["calls", "rpc/seen", ""])
def test_what_it_raises_reaches_the_client(caller: Viewer, path: str) -> None:
    reply = send(caller, "GET", path, x_tea="green")
    assert (reply.status, reply.json["message"], reply.json["hint"]) == (418, "no tea", "Ask for coffee.")


def test_what_it_refuses_is_not_done(caller: Viewer) -> None:
    assert send(caller, "POST", "calls", body={"method": "x"}, x_tea="green").status == 418
    assert caller.run("SELECT * FROM calls") == []
    # And what fails takes back what it did.
    assert send(caller, "POST", "calls", body={"unknown": "x"}).status == 400
    assert caller.run("SELECT * FROM calls") == []


def test_it_does_not_lift_the_limit_of_time(caller: Viewer) -> None:
    usual = send(caller, "GET", "rpc/clock", pre_request="").json
    assert usual != "0"
    assert send(caller, "GET", "rpc/clock").json == usual


def test_its_own_time_is_bounded(caller: Viewer) -> None:
    reply = send(caller, "GET", "calls", pre_request="slow")
    assert (reply.status, reply.json["code"]) == (504, "57014")


def test_nothing_is_served_without_it(caller: Viewer) -> None:
    reply = send(caller, "GET", "calls", pre_request="gone")
    assert (reply.status, reply.json["code"]) == (404, "42883")


def test_an_operator_sets_only_what_all_roles_may_call(subject: Subject) -> None:
    subject.run("CREATE FUNCTION api.first(n int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT n'")
    subject.run("CREATE FUNCTION second(n int) RETURNS int LANGUAGE sql AS 'SELECT n'")
    subject.run("CREATE FUNCTION third() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    subject.run("CREATE FUNCTION fourth() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    subject.run("REVOKE EXECUTE ON FUNCTION fourth() FROM PUBLIC")
    subject.run(f'REVOKE EXECUTE ON FUNCTION fourth() FROM "{subject.tenant_id}_viewer"')
    broken = "x\nCREATE ROLE of_a_line_break"
    for name in ("nothing", "second", "fourth", "api.first", "nowhere.first", 'public."x\nCREATE ROLE y; --"', broken):
        refused = subject.set(pre_request=name)
        assert (refused.status, refused.json["code"]) == (400, "function_unknown"), name
    assert subject.world.execute("SELECT FROM pg_roles WHERE rolname = 'of_a_line_break'") == []
    assert subject.set(pre_request="a.b.c").json["code"] == "invalid_data_api"
    assert subject.shown()["pre_request"] == ""
    assert subject.set(schemas=["public", "api"]).status == 200
    for name in ("api.first", "third", "public.third"):
        assert subject.set(pre_request=name).status == 200
        assert subject.shown()["pre_request"] == name
    assert subject.set(pre_request="").status == 200
    assert subject.shown()["pre_request"] == ""


def test_any_number_of_schemas_is_exposed_under_any_name(subject: Subject) -> None:
    names = ["public", *(f"schema {number} für 東京" for number in range(30))]
    subject.run("".join(f'CREATE SCHEMA "{name}";' for name in names[1:]))
    subject.run(f'CREATE TABLE "{names[-1]}".things (id int); INSERT INTO "{names[-1]}".things VALUES (7)')
    assert subject.set(schemas=names).status == 200
    assert subject.shown()["schemas"] == names
    context = DataApiSettings(schemas=tuple(names)).to_context()

    def read(profile: str) -> Reply:
        event = request_event(subject.tenant_id, "GET", "things", role="viewer", body=None, prefer="", query={})
        event["requestContext"]["authorizer"]["dataApi"] = context
        event["multiValueHeaders"]["Accept-Profile"] = [profile]
        answer = query_tenant.handler(event, None)
        return Reply(answer["statusCode"], answer["body"], answer["headers"])

    for profile in (names[-1], names[-1].encode().decode("latin-1")):
        reply = read(profile)
        assert (reply.status, reply.json) == (200, [{"id": 7}])
    unknown = read("schema 31")
    assert (unknown.status, unknown.json["code"]) == (406, "PGRST106")
    assert json.dumps(names[-1], ensure_ascii=False)[1:-1] in unknown.json["hint"]


def test_a_line_break_in_a_schemas_name_is_part_of_the_name(caller: Viewer) -> None:
    schemas = ("public", "two\nlines", 'x\n"; SELECT 1/0; --')
    caller.new_connection()
    answer = send(caller, "POST", "rpc/clock", pre_request="", schemas=schemas)
    assert answer.status == 200, answer.text
    caller.run('CREATE SCHEMA "two\nlines"; CREATE VIEW "two\nlines".t AS SELECT 1 AS a')
    caller.run('GRANT USAGE ON SCHEMA "two\nlines" TO PUBLIC; GRANT SELECT ON "two\nlines".t TO PUBLIC')
    try:
        shown = send(caller, "GET", "t", pre_request="", schemas=("two\nlines", "public"))
        assert (shown.status, shown.json) == (200, [{"a": 1}])
        assert "Content-Profile" not in shown.headers or shown.headers["Content-Profile"].isprintable()
    finally:
        caller.run('DROP SCHEMA "two\nlines" CASCADE')

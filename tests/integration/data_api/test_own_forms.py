"""Answers in media types of a database's own: made by functions and aggregates, of bytes, and as GeoJSON."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from handlers import query_tenant
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import World, request_event

PNG = b"\x89PNG\x00\xff\xfe"
SCHEMA = r"""
CREATE DOMAIN "text/html" AS text;
CREATE DOMAIN "image/png" AS bytea;
CREATE DOMAIN "text/csv" AS text;
CREATE DOMAIN "Application/Vnd.Of-It+json" AS json;
CREATE DOMAIN "*/*" AS text;
CREATE DOMAIN U&"text/bad\000d\000aX: y" AS text;
CREATE TABLE lines (id int PRIMARY KEY, name text, image bytea);
CREATE TABLE words (id int PRIMARY KEY, word text);
INSERT INTO lines VALUES (1, 'ä', '\x89504e4700fffe'), (2, 'b', '\x01'), (3, 'c', NULL);
INSERT INTO words VALUES (1, 'one'), (2, 'two');
CREATE FUNCTION page(name text DEFAULT 'x') RETURNS "text/html" LANGUAGE sql STABLE
    AS $$SELECT '<p>' || name || '</p>'$$;
CREATE FUNCTION picture() RETURNS "image/png" LANGUAGE sql STABLE AS $$SELECT image FROM lines WHERE id = 1$$;
CREATE FUNCTION plain_bytes() RETURNS bytea LANGUAGE sql STABLE AS $$SELECT image FROM lines WHERE id = 1$$;
CREATE FUNCTION bytes_back(bytea) RETURNS bytea LANGUAGE sql STABLE AS $$SELECT $1$$;
CREATE FUNCTION endless() RETURNS "text/html" LANGUAGE sql STABLE AS $$SELECT repeat('x', 3000000)$$;
CREATE FUNCTION anything() RETURNS "*/*" LANGUAGE sql VOLATILE AS $$
    SELECT set_config('response.headers', '[{"content-type": "text/css"}]', true); SELECT 'p {}'::"*/*" $$;
CREATE FUNCTION bad() RETURNS U&"text/bad\000d\000aX: y" LANGUAGE sql AS $$SELECT 'x'$$;
CREATE FUNCTION some_lines() RETURNS SETOF lines LANGUAGE sql STABLE AS $$SELECT * FROM lines$$;
CREATE FUNCTION add_line(state text, next lines) RETURNS "text/csv" LANGUAGE sql
    AS $$SELECT state || next.name || ';'$$;
CREATE AGGREGATE lines_csv(lines) (SFUNC = add_line, STYPE = "text/csv", INITCOND = 'lines:');
CREATE FUNCTION add_png(state bytea, next lines) RETURNS bytea LANGUAGE sql AS $$
    SELECT state || coalesce(next.image, '') $$;
CREATE FUNCTION as_png(bytea) RETURNS "image/png" LANGUAGE sql AS $$SELECT $1$$;
CREATE AGGREGATE lines_png(lines) (SFUNC = add_png, STYPE = bytea, INITCOND = '', FINALFUNC = as_png);
CREATE FUNCTION add_any(state json, next anyelement) RETURNS json LANGUAGE sql AS $$
    SELECT json_build_object('n', (state ->> 'n')::int + 1, 'last', to_json(next)) $$;
CREATE FUNCTION as_any(json) RETURNS "Application/Vnd.Of-It+json" LANGUAGE sql AS $$SELECT $1$$;
CREATE AGGREGATE any_json(anyelement) (SFUNC = add_any, STYPE = json, INITCOND = '{"n": 0}', FINALFUNC = as_any);
CREATE FUNCTION add_word(state text, next words) RETURNS "*/*" LANGUAGE sql AS $$SELECT state || next.word || '.'$$;
CREATE AGGREGATE words_any(words) (SFUNC = add_word, STYPE = "*/*", INITCOND = '');
GRANT SELECT, INSERT, UPDATE, DELETE ON lines, words TO PUBLIC;
"""
# As PostGIS has it, in a schema of its own.
GEO = """
CREATE SCHEMA geo;
GRANT USAGE ON SCHEMA geo TO PUBLIC;
CREATE FUNCTION geo.st_asgeojson(feature record, geom text DEFAULT '', digits int DEFAULT 9, pretty bool DEFAULT false)
    RETURNS text LANGUAGE plpgsql IMMUTABLE
    AS $$BEGIN RETURN json_build_object('type', 'Feature', 'properties', to_json($1))::text; END$$;
NOTIFY pgrst, 'reload schema';
"""
REST = r"""
DROP SCHEMA IF EXISTS geo CASCADE;
DROP TABLE lines, words CASCADE;
DROP DOMAIN "text/html", "image/png", "text/csv", "Application/Vnd.Of-It+json", "*/*",
    U&"text/bad\000d\000aX: y" CASCADE;
"""


@pytest.fixture(scope="module")
def caller(world: World) -> Iterator[Viewer]:
    made = Viewer(world, world.tenants[0])
    made.run(SCHEMA)
    made.new_connection()
    yield made
    made.run(REST)
    made.new_connection()


def ask(caller: Viewer, path: str, accept: str, method: str = "GET", *, body: Any = None, **query: str) -> Any:
    """Ask as an editor. :return: status, media type, and body: bytes, a text, or an error's code."""
    event = request_event(caller.tenant, method, path, role="editor", body=body, prefer="", query=query)
    if path.startswith("rpc/"):
        event["pathParameters"] = {"function": path.removeprefix("rpc/")}
    event["multiValueHeaders"] |= {"Accept": [accept]} if accept else {}
    if method != "GET":
        event["multiValueHeaders"]["Prefer"] = ["return=representation,tx=rollback"]
    return read(query_tenant.handler(event, None))


def read(answer: Any) -> Any:
    text = base64.b64decode(answer["body"], validate=True) if answer.get("isBase64Encoded") else answer["body"]
    return answer["statusCode"], answer["headers"]["Content-Type"], text


JSON = "application/json; charset=utf-8"
LINES = b"\x89PNG\x00\xff\xfe\x01"


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        ("rpc/page", "text/html", (200, "text/html", "<p>x</p>")),
        ("rpc/page", "TEXT/HTML;q=0.9", (200, "text/html", "<p>x</p>")),
        ("rpc/page", "text/*", (200, "text/html", "<p>x</p>")),
        ("rpc/page", "", (200, JSON, '"<p>x</p>"')),
        ("rpc/page", "application/json", (200, JSON, '"<p>x</p>"')),
        ("rpc/picture", "image/png", (200, "image/png", PNG)),
        ("rpc/picture", "image/webp,image/*,*/*;q=0.8", (200, "image/png", PNG)),
        ("rpc/plain_bytes", "application/octet-stream", (200, "application/octet-stream", PNG)),
        ("rpc/anything", "", (200, "text/css", "p {}")),
        ("rpc/anything", "application/json", (200, "text/css", "p {}")),
        ("rpc/anything", "unknown/of-all", (200, "text/css", "p {}")),
        ("rpc/some_lines", "text/csv", (200, "text/csv; charset=utf-8", "lines:ä;b;c;")),
        ("lines", "text/csv", (200, "text/csv; charset=utf-8", "lines:ä;b;c;")),
        ("lines", "image/png", (200, "image/png", LINES)),
        ("lines?image=is.null", "image/png", (200, "image/png", b"")),
        ("lines?limit=1", "text/csv", (200, "text/csv; charset=utf-8", "lines:ä;")),
        # One that takes whole rows is none for a part of them.
        ("lines?select=id,name", "text/csv", (200, "text/csv; charset=utf-8", "id,name\n1,ä\n2,b\n3,c")),
        ("lines?select=image&order=id", "application/octet-stream", (200, "application/octet-stream", LINES)),
        ("lines?select=i:image&id=eq.1", "application/octet-stream", (200, "application/octet-stream", PNG)),
        ("words", "", (200, "application/octet-stream", "one.two.")),
        ("words", "some/thing", (200, "application/octet-stream", "one.two.")),
        ("words", "application/vnd.pgrst.object+json", (406, JSON, "PGRST116")),
        ("words?select=id", "application/json", (200, JSON, '[{"id":1}, {"id":2}]')),
        (
            "lines?select=name&id=eq.1",
            "application/vnd.of-it+json",
            (200, "application/vnd.of-it+json", '{"n" : 1, "last" : {"name":"ä"}}'),
        ),
    ],
)
def test_forms(caller: Viewer, path: str, accept: str, expected: Any) -> None:
    table, _, query = path.partition("?")
    pairs = dict(pair.split("=", 1) for pair in query.split("&") if pair)
    method = "POST" if table == "rpc/anything" else "GET"
    status, kind, body = ask(caller, table, accept, method, body={} if method == "POST" else None, **pairs)
    if status != 200:
        body = body.split('"')[3]
    assert (status, kind, body) == expected


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("rpc/page", "image/png"),
        ("rpc/page", "application/octet-stream"),
        ("rpc/bad", "text/bad"),
        ("rpc/bad", "text/bad\r\nX: y"),
        ("lines", "application/octet-stream"),
        ("lines?select=name", "application/octet-stream"),
        ("lines?select=image,id", "application/octet-stream"),
        ("lines?select=id", "image/png"),
        ("lines", "application/geo+json"),
        ("lines", "unknown/of-all"),
    ],
)
def test_what_is_not_made_is_refused(caller: Viewer, path: str, accept: str) -> None:
    table, _, query = path.partition("?")
    status, kind, body = ask(caller, table, accept, **dict(pair.split("=", 1) for pair in query.split("&") if pair))
    assert (status, kind) == (406, JSON)
    assert '"PGRST107"' in body


def test_text_of_a_bad_name_is_shown_as_json(caller: Viewer) -> None:
    assert ask(caller, "rpc/bad", "*/*", "POST", body={}) == (200, JSON, '"x"')


def test_changes_and_heads(caller: Viewer) -> None:
    made = ask(caller, "lines", "text/csv", "POST", body={"id": 9, "name": "new"})
    assert made == (201, "text/csv; charset=utf-8", "lines:new;")
    made = ask(caller, "lines", "image/png", "PATCH", body={"name": "x"}, id="eq.1")
    assert made == (200, "image/png", PNG)
    event = request_event(caller.tenant, "HEAD", "lines", role="viewer", body=None, prefer="", query={})
    event["multiValueHeaders"]["Accept"] = ["image/png"]
    assert read(query_tenant.handler(event, None)) == (200, "image/png", b"")


def test_bytes_go_in_and_come_out(caller: Viewer) -> None:
    event = request_event(caller.tenant, "POST", "", role="viewer", body=None, prefer="", query={})
    octets = "application/octet-stream"
    event |= {"pathParameters": {"function": "bytes_back"}, "isBase64Encoded": True}
    event["multiValueHeaders"] |= {"Accept": [octets], "Content-Type": [octets]}
    every = bytes(range(256)) * 3
    answer = query_tenant.handler(event | {"body": base64.b64encode(every).decode()}, None)
    assert read(answer) == (200, octets, every)


def test_answers_are_bounded(caller: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    caller.run(
        "CREATE TABLE many (b bytea); INSERT INTO many SELECT repeat('x', 900)::bytea FROM generate_series(1, 900)"
    )
    caller.run("GRANT SELECT ON many TO PUBLIC")
    most = query_tenant._data_requests()._max_answer_bytes
    try:
        assert most < 810_000
        assert ask(caller, "many", "application/octet-stream", select="b")[0] == 413
        assert ask(caller, "rpc/endless", "text/html")[0] == 413
        enough = str(most // 900)
        assert len(ask(caller, "many", "application/octet-stream", select="b", limit=enough)[2]) == most // 900 * 900
    finally:
        caller.run("DROP TABLE many")


def test_aggregates_run_as_the_caller(caller: Viewer) -> None:
    caller.run("REVOKE EXECUTE ON FUNCTION lines_csv(lines) FROM PUBLIC")
    try:
        status, _, body = ask(caller, "lines", "text/csv")
        assert (status, '"42501"' in body) == (403, True)
    finally:
        caller.run("GRANT EXECUTE ON FUNCTION lines_csv(lines) TO PUBLIC")


def test_geojson_where_there_is_its_function(caller: Viewer) -> None:
    caller.run(GEO)
    try:
        for path in ("lines", "rpc/some_lines"):
            status, kind, body = ask(caller, path, "application/geo+json", select="id", id="eq.1")
            assert (status, kind) == (200, "application/geo+json; charset=utf-8")
            expected = '{"type" : "FeatureCollection", "features" : [{"type" : "Feature", "properties" : {"id":1}}]}'
            assert body == expected
        none = ask(caller, "lines", "application/geo+json", id="eq.0")[2]
        assert none == '{"type" : "FeatureCollection", "features" : []}'
    finally:
        caller.run("DROP SCHEMA geo CASCADE; NOTIFY pgrst, 'reload schema'")

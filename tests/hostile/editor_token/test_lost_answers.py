"""Answers that could not be sent: too many bytes as Lambda sends them, or headers that are none.

A change whose answer is lost must not have been made, and no error may be too long to be told.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import Reply, request_event

# Lambda sends 6,291,556 bytes where a body may have 4,500,000; in these tests a body may have 100,000.
MOST_SENT = 100_000 * 4 / 3
WHOLE = "return=representation"
TABLES = """
CREATE TABLE told (id int PRIMARY KEY, body text);
CREATE TABLE keyed (key text PRIMARY KEY);
CREATE TABLE made (id int);
CREATE FUNCTION make_with(name text, value text) RETURNS int LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO made VALUES (1);
    PERFORM set_config(name, value, true);
    RETURN 1;
END$$;
CREATE FUNCTION make_many(times int, each text) RETURNS SETOF text LANGUAGE sql AS $$
    INSERT INTO made VALUES (1);
    SELECT each FROM generate_series(1, times);
$$;
CREATE FUNCTION complain_at_length(times int, code text, each text) RETURNS int LANGUAGE plpgsql AS $$BEGIN
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = repeat(each, times), DETAIL = repeat(each, times),
        HINT = repeat(each, times);
END$$;
CREATE FUNCTION label() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    PERFORM set_config('response.headers', NEW.body, true);
    RETURN NEW;
END$$;
CREATE TRIGGER label BEFORE UPDATE ON told FOR EACH ROW WHEN (NEW.body LIKE '[%') EXECUTE FUNCTION label();
NOTIFY pgrst, 'reload schema';
"""


@pytest.fixture(scope="module")
def editor(viewer: Viewer) -> Viewer:
    viewer.run(TABLES)
    return viewer


@pytest.fixture
def told(editor: Viewer) -> Iterator[Viewer]:
    yield editor
    editor.run("TRUNCATE told, keyed, made")


def _encoded(reply: Reply) -> int:
    return len(json.dumps(reply.text, ensure_ascii=False).encode())


def _change(viewer: Viewer, accept: str) -> Reply:
    event = request_event(
        viewer.tenant, "PATCH", "told", role="editor", body={"id": 7}, prefer=WHOLE, query={"id": "gte.0"}
    )
    event["multiValueHeaders"]["Accept"] = [accept]
    return viewer.send(event)


TEXTS = {
    "hindi": "नमस्ते दुनिया ",
    "quotes": '"',
    "backslashes": "\\",
    "lines": "\n",
    "controls": "\x01",
    "emoji": "🙂",
    "plain": "x",
}


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/vnd.pgrst.object+json"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_a_change_is_made_if_and_only_if_its_answer_can_be_sent(told: Viewer, text: str, accept: str) -> None:
    """However many bytes a character has, and whatever it becomes within JSON that is a string of JSON."""
    for size in (10_000, 15_000, 24_000, 32_000, 45_000, 70_000, 140_000):
        told.run("TRUNCATE told")
        told.world.execute(
            f"INSERT INTO told SELECT 0, repeat(E'{_literal(text)}', {size // len(text.encode())})", told.tenant.value
        )
        reply = _change(told, accept)
        (made,) = told.run("SELECT count(*) FROM told WHERE id = 7")[0]
        assert (reply.status, made) in ((200, 1), (413, 0)), (size, reply.text[:200])
        if reply.status == 200:
            assert _encoded(reply) <= MOST_SENT + 500
        else:
            assert reply.json["message"].startswith("Nothing was changed.")


def _literal(text: str) -> str:
    return "".join(f"\\U{ord(character):08x}" for character in text)


@pytest.mark.parametrize("text", ['"', "", "x", "é"])
def test_many_small_rows_are_counted_with_what_is_between_them(told: Viewer, text: str) -> None:
    for times in (2_000, 7_000, 8_000, 9_000, 10_500, 12_500, 30_000):
        reply = told.call("make_many", {"times": times, "each": text}, role="editor")
        made = told.run("SELECT count(*) FROM made")[0][0]
        told.run("TRUNCATE made")
        assert (reply.status, made) in ((200, 1), (413, 0))
        assert _encoded(reply) <= MOST_SENT


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('[{"X-A": "' + "x" * 7_000_000 + '"}]', "PGRST111"),
        ('[{"X-A": "' + "x" * 8_000 + '"}]', "PGRST111"),
        ('[{"X-A": "a\\nb"}]', "PGRST111"),
        ('[{"X-A": "a\\u000ab"}]', "PGRST111"),
        ('[{"X-A": "\\ud83d"}]', "PGRST111"),
        ('[{"X A": "a"}]', "PGRST111"),
        ('[{"X-A": 1}]', "PGRST111"),
        ('[{"X-A": "1", "X-B": "2"}]', "PGRST111"),
        ('{"X-A": "1"}', "PGRST111"),
        ('[{"X-A": "1"},]', "PGRST111"),
        ("[" * 8_000, "PGRST111"),
        ("no", "PGRST111"),
    ],
    ids=lambda value: value[:20],
)
def test_headers_that_can_not_be_sent_take_the_change_back(told: Viewer, value: str, code: str) -> None:
    if len(value) < 10_000:
        reply = told.call("make_with", {"name": "response.headers", "value": value}, role="editor")
        assert (reply.status, reply.json["code"]) == (500, code)
        assert told.run("SELECT count(*) FROM made") == [(0,)]
    told.run("INSERT INTO told VALUES (1, 'before')")
    told.run(f"CREATE OR REPLACE FUNCTION written() RETURNS text LANGUAGE sql IMMUTABLE AS $q$SELECT $v${value}$v$$q$")
    told.run(
        "CREATE OR REPLACE FUNCTION label() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
        " PERFORM set_config('response.headers', written(), true); RETURN NEW; END$$"
    )
    by_trigger = told.write("PATCH", "told", {"body": "["}, id="eq.1")
    assert (by_trigger.status, by_trigger.json["code"]) == (500, code)
    assert told.run("SELECT body FROM told") == [("before",)]


@pytest.mark.parametrize("value", ["0", "99", "600", "two", "2000", "200 ", "-200", "२००"])
def test_so_does_a_status_that_is_none(told: Viewer, value: str) -> None:
    reply = told.call("make_with", {"name": "response.status", "value": value}, role="editor")
    assert (reply.status, reply.json["code"]) == (500, "PGRST112")
    assert told.run("SELECT count(*) FROM made") == [(0,)]


def test_so_does_a_key_that_is_too_long_for_a_header(told: Viewer) -> None:
    for length, status in ((1_400, 201), (2_000, 413), (9_000, 413)):
        reply = told.write("POST", "keyed", {"key": "x" * length}, "return=headers-only")
        assert reply.status == status
        assert (told.run("SELECT count(*) FROM keyed") == [(1,)]) == (status == 201)
        told.run("TRUNCATE keyed")
    assert told.write("POST", "keyed", {"key": "x" * 9_000}, WHOLE).status == 201


@pytest.mark.parametrize("code", ["P0001", "PT409", "ZZ001", "PGRST"])
@pytest.mark.parametrize("each", ["x", "न", "🙂", '"', "\\u0001"])
def test_an_error_is_cut_and_not_lost(told: Viewer, code: str, each: str) -> None:
    arguments = {"times": 1_500_000, "code": code, "each": json.loads(f'"{each}"') if each != '"' else each}
    reply = told.call("complain_at_length", arguments, role="editor")
    assert reply.json["code"] == ("PGRST121" if code == "PGRST" else code)
    assert _encoded(reply) < 1_000_000


def test_an_error_that_a_function_writes_out_has_headers_and_a_code_of_bounded_length(told: Viewer) -> None:
    error = json.dumps({"code": "1" * 10_000, "message": "no"})
    for length, code in ((7_000, "1" * 100), (9_000, "PGRST121")):
        detail: Any = json.dumps({"status": 418, "headers": {"X-A": "x" * length}})
        told.run(
            "CREATE OR REPLACE FUNCTION write_out() RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION USING"
            f" ERRCODE = 'PGRST', MESSAGE = $q${error}$q$, DETAIL = $q${detail}$q$; END$$;"
            " NOTIFY pgrst, 'reload schema'"
        )
        assert told.call("write_out", {}, role="editor").json["code"] == code

"""Domains whose values are shown and read in other forms than they are stored in."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import World, request_event

# A number that is shown as a text, by functions of which one has namesakes and one takes the domain's base.
SCHEMA = """
CREATE SCHEMA "of ""it";
GRANT USAGE ON SCHEMA "of ""it" TO PUBLIC;
CREATE DOMAIN "of ""it"."Shade" AS int CHECK (VALUE >= 0);
CREATE FUNCTION "of ""it".shown(int) RETURNS json LANGUAGE sql IMMUTABLE
    AS $$SELECT to_json('#' || lpad(to_hex($1), 6, '0'))$$;
CREATE FUNCTION "of ""it".shown(bigint) RETURNS json LANGUAGE sql IMMUTABLE AS $$SELECT '"wrong"'::json$$;
CREATE FUNCTION "of ""it"."read it"(json) RETURNS "of ""it"."Shade" LANGUAGE sql IMMUTABLE
    AS $$SELECT ('x' || lpad(ltrim($1 #>> '{}', '#'), 8, '0'))::bit(32)::int$$;
CREATE FUNCTION "of ""it"."read it"(text) RETURNS "of ""it"."Shade" LANGUAGE sql IMMUTABLE
    AS $$SELECT ('x' || lpad(ltrim($1, '#'), 8, '0'))::bit(32)::int$$;
CREATE CAST ("of ""it"."Shade" AS json) WITH FUNCTION "of ""it".shown(int) AS IMPLICIT;
CREATE CAST (json AS "of ""it"."Shade") WITH FUNCTION "of ""it"."read it"(json) AS IMPLICIT;
CREATE FUNCTION "of ""it".written("of ""it"."Shade") RETURNS text LANGUAGE sql IMMUTABLE
    AS $$SELECT '#' || to_hex($1)$$;
CREATE CAST ("of ""it"."Shade" AS text) WITH FUNCTION "of ""it".written("of ""it"."Shade") AS IMPLICIT;
CREATE TABLE keyed (shade "of ""it"."Shade" PRIMARY KEY);
GRANT SELECT, INSERT ON keyed TO PUBLIC;
CREATE CAST (text AS "of ""it"."Shade") WITH FUNCTION "of ""it"."read it"(text) AS IMPLICIT;
CREATE TABLE paints (
    id int PRIMARY KEY, "the shade" "of ""it"."Shade" DEFAULT 255, name varchar(8), UNIQUE ("the shade")
);
CREATE TABLE walls (id int PRIMARY KEY, paint int REFERENCES paints, shade "of ""it"."Shade");
CREATE VIEW shown_paints AS SELECT id, "the shade" AS shade FROM paints;
CREATE FUNCTION some_paints() RETURNS SETOF paints LANGUAGE sql STABLE AS $$SELECT * FROM paints$$;
INSERT INTO paints VALUES (1, 16711680, 'red'), (2, 255, 'blue'), (3, NULL, 'none');
INSERT INTO walls VALUES (1, 1, 16), (2, 2, 16), (3, NULL, 17);
GRANT SELECT, INSERT, UPDATE, DELETE ON paints, walls, shown_paints TO PUBLIC;
"""
RED, BLUE = "#ff0000", "#0000ff"


@pytest.fixture(scope="module")
def caller(world: World) -> Iterator[Viewer]:
    made = Viewer(world, world.tenants[0])
    made.run(SCHEMA)
    # Forms that are new are heard of, or found when a connection is opened.
    made.new_connection()
    yield made
    made.run('DROP TABLE walls, paints, keyed CASCADE; DROP SCHEMA "of ""it" CASCADE')
    made.new_connection()


@pytest.fixture(autouse=True)
def unchanged(caller: Viewer) -> Iterator[None]:
    yield
    caller.run('DELETE FROM paints WHERE id > 3; UPDATE paints SET "the shade" = 16711680 WHERE id = 1')


def rows(caller: Viewer, table: str, **query: str) -> Any:
    reply = caller.get(table, **query)
    assert reply.status == 200, reply.json
    return reply.json


def test_values_are_shown_by_their_function(caller: Viewer) -> None:
    everything = [
        {"id": 1, "the shade": RED, "name": "red"},
        {"id": 2, "the shade": BLUE, "name": "blue"},
        {"id": 3, "the shade": None, "name": "none"},
    ]
    caller.new_connection()
    assert rows(caller, "paints", order="id") == everything
    assert rows(caller, "rpc/some_paints", order="id") == everything
    assert rows(caller, "paints", select="s:the shade,id", id="eq.1") == [{"s": RED, "id": 1}]
    assert rows(caller, "paints", select="the shade::text", id="eq.1") == [{"the shade": f'"{RED}"'}]
    assert rows(caller, "shown_paints", select="shade", id="eq.2") == [{"shade": BLUE}]
    assert caller.get("paints", select="the shade", id="eq.2", headers={"Accept": "text/csv"}).text == (
        f'the shade\n"""{BLUE}"""'
    )


def test_so_they_are_within_others(caller: Viewer) -> None:
    nested = rows(caller, "walls", select="id,paints(the shade)", order="id")
    assert [row["paints"] for row in nested] == [{"the shade": RED}, {"the shade": BLUE}, None]
    spread = rows(caller, "walls", select="id,...paints(the shade)", id="eq.1")
    assert spread == [{"id": 1, "the shade": RED}]
    assert rows(caller, "paints", select="walls(shade)", id="eq.1") == [{"walls": [{"shade": "#000010"}]}]
    assert rows(caller, "paints", select="...walls(shade)", id="eq.1") == [{"shade": ["#000010"]}]


def test_they_are_ordered_by_what_is_stored_and_related_ones_by_what_is_shown(caller: Viewer) -> None:
    assert [row["id"] for row in rows(caller, "paints", order="the shade.desc.nullsfirst")] == [3, 1, 2]
    by_paint = rows(caller, "walls", select="id,paints(the shade)", order="paints(the shade).nullslast")
    assert [row["id"] for row in by_paint] == [2, 1, 3]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"eq.{RED}", [1]),
        (f"neq.{RED}", [2]),
        (f"not.eq.{RED}", [2]),
        (f"in.({RED},{BLUE})", [1, 2]),
        (f"not.in.({RED})", [2]),
        (f"eq(any).{{{RED},{BLUE}}}", [1, 2]),
        (f"gte(all).{{{RED},{BLUE}}}", [1]),
        (f"isdistinct.{RED}", [2, 3]),
        ("lt.#000100", [2]),
        ("is.null", [3]),
        ("in.()", []),
    ],
)
def test_filters_read_texts(caller: Viewer, text: str, found: list[int]) -> None:
    assert [row["id"] for row in rows(caller, "paints", order="id", **{"the shade": text})] == found


def test_filters_read_them_within_trees_and_others(caller: Viewer) -> None:
    assert rows(caller, "paints", select="id", **{"or": f'("the shade".eq.{BLUE},id.eq.3)', "order": "id"}) == [
        {"id": 2},
        {"id": 3},
    ]
    inner = rows(caller, "walls", select="id,paints!inner(id)", **{"paints.the shade": f"eq.{BLUE}"})
    assert inner == [{"id": 2, "paints": {"id": 2}}]


def test_bodies_are_read_from_json(caller: Viewer) -> None:
    shown = {"prefer": "return=representation", "select": "the shade,name"}
    added = caller.write("POST", "paints", [{"id": 4, "the shade": "#000001", "name": "n"}], **shown)
    assert (added.status, added.json) == (201, [{"the shade": "#000001", "name": "n"}])
    changed = caller.write("PATCH", "paints", {"the shade": "#000002"}, id="eq.4", **shown)
    assert changed.json == [{"the shade": "#000002", "name": "n"}]
    changed = caller.write("PATCH", "paints", {"the shade": None, "name": "m"}, **{"the shade": "eq.#000002"}, **shown)
    assert changed.json == [{"the shade": None, "name": "m"}]
    kept = "resolution=merge-duplicates,return=representation"
    merged = caller.write("POST", "paints", {"id": 4, "the shade": "#000003"}, prefer=kept)
    assert (merged.status, merged.json[0]["the shade"]) == (200, "#000003")
    put = caller.write("PUT", "paints", {"id": 4, "the shade": "#000004", "name": "p"}, id="eq.4", **shown)
    assert (put.status, put.json) == (200, [{"the shade": "#000004", "name": "p"}])
    gone = caller.write("DELETE", "paints", **{"the shade": "eq.#000004"}, **shown)
    assert gone.json == [{"the shade": "#000004", "name": "p"}]


@pytest.mark.parametrize("name", ["_raw", "_each", "_body", "_new values", "value", "excluded"])
def test_bodies_of_tables_that_are_called_as_parts_of_statements_are(caller: Viewer, name: str) -> None:
    columns = f'id int PRIMARY KEY, "{name}" "of ""it"."Shade" DEFAULT 255'
    caller.run(f'CREATE TABLE "{name}" ({columns}); GRANT SELECT, INSERT, UPDATE ON "{name}" TO PUBLIC')
    caller.run("NOTIFY pgrst, 'reload schema'")
    column, shown = f'"{name}"', "return=representation"
    try:
        two = [{"id": 1, name: "#000001"}, {"id": 2}]
        made = caller.write(
            "POST", name, two, f"missing=default,{shown}", columns=f"id,{column}", select=f"id,{column}"
        )
        assert made.json == [{"id": 1, name: "#000001"}, {"id": 2, name: BLUE}]
        query = {column: "eq.#000001", "select": column}
        assert caller.write("PATCH", name, {name: "#000003"}, shown, **query).json == [{name: "#000003"}]
        merge = f"resolution=merge-duplicates,{shown}"
        merged = caller.write("POST", name, {"id": 1, name: None}, merge, select=column)
        assert (merged.status, merged.json) == (200, [{name: None}])
    finally:
        caller.run(f'DROP TABLE "{name}"')


def test_defaults_are_not_read_again(caller: Viewer) -> None:
    caller.run("DELETE FROM walls WHERE id = 2; DELETE FROM paints WHERE id = 2")
    try:
        prefer = "missing=default,return=representation"
        given = [{"id": 5, "name": "x"}, {"id": 6, "the shade": "#000010", "name": "y"}]
        added = caller.write("POST", "paints", given, prefer=prefer, columns="id,the shade,name")
        assert [row["the shade"] for row in added.json] == [BLUE, "#000010"]
    finally:
        caller.run("DELETE FROM paints WHERE id > 4; INSERT INTO paints VALUES (2, 255, 'blue')")
        caller.run("INSERT INTO walls VALUES (2, 2, 16)")


@pytest.mark.parametrize("body", [{"id": 4}, {"id": 4, "code": None}, [{"id": 4, "code": "x"}, {"id": 5}]])
def test_a_function_gives_no_null_to_a_domain_that_refuses_it(caller: Viewer, body: Any) -> None:
    """It is not called with NULL, and PostgreSQL takes NULL for what it returns."""
    caller.run("""
        CREATE DOMAIN code AS text NOT NULL;
        CREATE FUNCTION code_of(json) RETURNS code STRICT LANGUAGE sql IMMUTABLE AS $$SELECT upper($1 #>> '{}')$$;
        CREATE CAST (json AS code) WITH FUNCTION code_of(json) AS IMPLICIT;
        CREATE TABLE coded (id int PRIMARY KEY, code code, note text); GRANT SELECT, INSERT, UPDATE ON coded TO PUBLIC
    """)
    caller.new_connection()
    try:
        refused = caller.write("POST", "coded", body, columns="id,code")
        assert (refused.status, refused.json["code"]) == (400, "23502")
        assert caller.write("POST", "coded", {"id": 4, "code": "a"}).status == 201
        assert caller.write("PATCH", "coded", {"note": "n"}, id="eq.4").status == 204
        refused = caller.write("PATCH", "coded", {"code": None}, id="eq.4")
        assert (refused.status, refused.json["code"]) == (400, "23502")
        assert rows(caller, "coded", role="editor") == [{"id": 4, "code": "A", "note": "n"}]
    finally:
        caller.run("DROP TABLE coded; DROP DOMAIN code CASCADE")


def test_a_location_is_one_that_finds_the_row(caller: Viewer) -> None:
    made = caller.write("POST", "keyed", {"shade": "#00abcd"}, prefer="return=headers-only")
    assert (made.status, made.headers["Location"]) == (201, "/keyed?shade=eq.%23abcd")
    assert rows(caller, "keyed", shade="eq.#abcd") == [{"shade": "#00abcd"}]


def test_so_is_that_of_an_array(caller: Viewer) -> None:
    caller.run("CREATE DOMAIN way AS text[]; CREATE TABLE ways (way way, at int[], PRIMARY KEY (way, at))")
    caller.run("GRANT SELECT, INSERT ON ways TO PUBLIC; NOTIFY pgrst, 'reload schema'")
    try:
        row = {"way": ["a b", 'c"d,'], "at": [1, 2]}
        made = caller.write("POST", "ways", row, prefer="return=headers-only")
        query = dict(parse_qsl(urlsplit(made.headers["Location"]).query))
        assert (made.status, query["at"]) == (201, "eq.{1,2}")
        assert rows(caller, "ways", **query) == [row]
    finally:
        caller.run("DROP TABLE ways; DROP DOMAIN way")


def test_limits_of_other_columns_go_on(caller: Viewer) -> None:
    long = caller.write("POST", "paints", {"id": 7, "the shade": "#000005", "name": "longer than 8"})
    assert (long.status, long.json["code"]) == (400, "22001")
    negative = caller.write("POST", "paints", {"id": 7, "the shade": "#ffffffff", "name": "x"})
    assert (negative.status, negative.json["code"]) == (400, "23514")


def test_groups_and_aggregates(caller: Viewer) -> None:
    query = {"select": "shade,count()", "order": "shade"}
    event = request_event(caller.tenant, "GET", "walls", role="viewer", body=None, prefer="", query=query)
    event["requestContext"]["authorizer"]["dataApi"] = '{"aggregates":true}'
    assert caller.send(event).json == [
        {"shade": "#000010", "count": 2},
        {"shade": "#000011", "count": 1},
    ]


def test_functions_run_as_the_caller(caller: Viewer) -> None:
    caller.run('REVOKE USAGE ON SCHEMA "of ""it" FROM PUBLIC')
    try:
        refused = caller.get("paints")
        assert (refused.status, refused.json["code"]) == (403, "42501")
    finally:
        caller.run('GRANT USAGE ON SCHEMA "of ""it" TO PUBLIC')


def test_a_form_that_comes_or_changes_is_heard_of(caller: Viewer) -> None:
    caller.run("CREATE DOMAIN late AS int; CREATE TABLE later (id int, of late); INSERT INTO later VALUES (1, 7)")
    caller.run("GRANT SELECT ON later TO PUBLIC; NOTIFY pgrst, 'reload schema'")
    try:
        assert rows(caller, "later") == [{"id": 1, "of": 7}]
        caller.run("""
            CREATE FUNCTION late_shown(late) RETURNS json LANGUAGE sql AS $$SELECT '"late"'::json$$;
            CREATE CAST (late AS json) WITH FUNCTION late_shown(late) AS IMPLICIT;
            NOTIFY pgrst, 'reload schema'
        """)
        # What was announced before a statement ended comes with its answer.
        assert caller.get("walls").status == 200
        assert rows(caller, "later") == [{"id": 1, "of": "late"}]
        # Without a word, and of another domain: nothing is shown by the wrong function.
        caller.run("CREATE DOMAIN other AS int; ALTER TABLE later ALTER of TYPE other")
        assert rows(caller, "later") == [{"id": 1, "of": 7}]
    finally:
        caller.run("DROP TABLE later; DROP DOMAIN late CASCADE; DROP DOMAIN other")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_other_columns_are_read_as_what_they_are_by_now(caller: Viewer, method: str) -> None:
    """Nobody has sent a notice: what the catalogue said of a column, and of its length, is not taken for true."""
    caller.run("""
        CREATE TABLE dated (
            id int PRIMARY KEY, shade "of ""it"."Shade", at date, n int, price numeric(4,1), word varchar(3),
            bits bit(2), words varchar(3)[]
        );
        GRANT SELECT, INSERT, UPDATE ON dated TO PUBLIC; INSERT INTO dated VALUES (2)
    """)
    caller.new_connection()
    query = {"id": "eq.2"} if method == "PATCH" else {}
    sizes = {"price": 999.9, "word": "abc", "bits": "10", "words": ["abc"]}
    try:
        first = {"shade": "#000001", "at": "2026-01-01", "n": 1, **sizes, **({} if query else {"id": 1})}
        assert caller.write(method, "dated", first, **query).status in {201, 204}
        caller.run("ALTER TABLE dated ALTER at TYPE timestamp, ALTER n TYPE numeric; DELETE FROM dated WHERE id = 1")
        caller.run("ALTER TABLE dated ALTER price TYPE numeric(9,3), ALTER word TYPE varchar(5)")
        caller.run("ALTER TABLE dated ALTER bits TYPE bit(3) USING '111', ALTER words TYPE varchar(5)[]")
        longer = {"price": 1000.125, "word": "abcde", "bits": "101", "words": ["abcde"]}
        later = {"shade": "#000002", "at": "2026-01-01T12:00:00", "n": 1.5, **longer, **({} if query else {"id": 3})}
        shown = caller.write(method, "dated", later, prefer="return=representation", **query)
        (row,) = shown.json
        assert (row["shade"], row["at"], row["n"]) == ("#000002", "2026-01-01T12:00:00", 1.5)
        assert {name: row[name] for name in longer} == longer
        caller.run("ALTER TABLE dated ALTER word TYPE varchar(2) USING 'ab', ALTER price TYPE numeric(4,1) USING 0")
        too_long = caller.write(method, "dated", later | {"id": 4, "price": 0}, **query)
        assert (too_long.status, too_long.json["code"]) == (400, "22001")
        rounded = {"id": 5, "shade": None, "price": 0.25, "word": "a "}
        (row,) = caller.write(method, "dated", rounded, prefer="return=representation", **query).json
        assert (row["price"], row["word"]) == (0.3, "a ")
    finally:
        caller.run("DROP TABLE dated")

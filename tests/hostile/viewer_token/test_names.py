"""Names that are no columns, and names that come twice."""

import pytest

from tests.hostile.viewer_token.conftest import Viewer

pytestmark = pytest.mark.usefixtures("heavy")

FUNCTIONS = [
    "json_agg",
    "to_json",
    "row_to_json",
    "pg_typeof",
    "to_jsonb",
    "array_agg",
    "hash_record",
    "heavy",
]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
def test_a_function_of_postgresqls_is_no_column(viewer: Viewer, name: str, known: bool) -> None:
    """A viewer names a function where a column belongs; it is refused, with and without a catalogue."""
    viewer.new_connection()
    if known:
        assert viewer.get("heavy", select="id,twice", limit="1").status == 200
    for query in (
        {"select": name},
        {"select": f"id,{name}->a"},
        {name: "neq.x", "select": "id"},
        {"order": name, "select": "id"},
    ):
        reply = viewer.get("heavy", **query)
        assert (reply.status, reply.json["code"]) == (400, "42703"), query
    embedded = viewer.get("heavy", select=f"id,heavy({name})")
    assert (embedded.status, embedded.json["code"]) == (400, "42703")
    related = viewer.get("heavy", select="id,parent_id(id)", order=f"parent_id({name})")
    assert (related.status, related.json["code"]) == (400, "42703")


def test_count_alone_is_the_number_of_what_is_embedded_and_elsewhere_no_column(viewer: Viewer) -> None:
    """A viewer names `count`: clients may, for an embedded table, and get one number for each row."""
    embedded = viewer.get("heavy", select="id,heavy(count)", limit="2", order="id")
    assert embedded.status == 200
    assert [list(row) for row in embedded.json] == [["id", "heavy"]] * 2
    assert all(len(row["heavy"]) == 1 and list(row["heavy"][0]) == ["count"] for row in embedded.json)
    for query in (
        {"select": "count"},
        {"select": "id,heavy(id,count)"},
        {"select": "id,heavy(count->a)"},
        {"order": "count", "select": "id"},
        {"count": "gt.1", "select": "id"},
    ):
        reply = viewer.get("heavy", **query)
        assert (reply.status, reply.json["code"]) == (400, "42703"), query


@pytest.mark.parametrize("name", ["json_agg", "to_json", "light"])
def test_nor_in_a_change(viewer: Viewer, name: str) -> None:
    """An editor names a function in a change's filter, answer or columns; it is refused and nothing changes."""
    before = viewer.run("SELECT count(*), max(name) FROM light")
    for method, body, query in (
        ("PATCH", {"name": "x"}, {name: "neq.1"}),
        ("DELETE", None, {name: "neq.1"}),
        ("PATCH", {"name": "x"}, {"id": "gt.0", "select": name}),
        ("DELETE", None, {"id": "gt.0", "select": name}),
        ("PATCH", {name: "x"}, {"id": "gt.0"}),
        ("POST", {"id": 9_999_999, name: 1}, {}),
        ("POST", {"id": 9_999_999}, {"select": name}),
    ):
        reply = viewer.write(method, "light", body, "return=representation", **query)
        assert reply.status == 400, (method, query, reply.text)
    assert viewer.run("SELECT count(*), max(name) FROM light") == before


def test_functions_of_a_row_are_still_columns(viewer: Viewer) -> None:
    """What is meant to be read so goes on: a computed column is selected, filtered and sorted by."""
    viewer.new_connection()
    rows = viewer.get("heavy", select="id,twice", twice="like.*", order="twice", limit="1")
    assert rows.status == 200
    assert [set(row) for row in rows.json] == [{"id", "twice"}]


def test_a_column_is_sorted_by_and_not_what_is_called_like_it(viewer: Viewer) -> None:
    """A name in `order` means the column, whatever else the answer calls so."""
    rows = viewer.get("light", select="name:id,id:name", order="id.desc", limit="1").json
    assert rows == [{"name": 2000, "id": "Person 2000"}]
    texts = viewer.get("light", select="id::text", order="id.desc", limit="2").json
    assert [row["id"] for row in texts] == ["2000", "1999"]


@pytest.mark.parametrize(
    ("select", "code"),
    [
        ("id,heavy(id),heavy(t)", "42712"),
        ("id,parent_id(id),heavy!parent_id(id),x:heavy(id),x:heavy(t)", "42712"),
        ("id,t,t:heavy(id)", "42701"),
        ("*,t:heavy(id)", "42701"),
        ("id,...parent_id(id)", "42701"),
        ("...parent_id(t),...parent_id(t)", "42701"),
    ],
)
def test_one_key_twice_is_refused(viewer: Viewer, select: str, code: str) -> None:
    """Two things under one name: a client sees one, and a filter may have been for the other."""
    reply = viewer.get("heavy", select=select, limit="1")
    assert (reply.status, reply.json["code"]) == (400, code)


def test_a_filter_for_one_of_two_is_refused(viewer: Viewer) -> None:
    """A filter by the name of a table that is embedded twice would leave one of them unfiltered."""
    reply = viewer.get("heavy", **{"select": "id,a:heavy(id),b:heavy(id)", "heavy.id": "gt.5"})
    assert (reply.status, reply.json["code"]) == (400, "PGRST108")

"""Reads that group their rows: by what is spread, by casts, by paths; and what they are sorted by."""

import psycopg2
import pytest

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest import RequestLimits
from tests.integration.data_api.statements.conftest import Tables

SCHEMA = """
CREATE TABLE lands (id int PRIMARY KEY, land text, "sum" int DEFAULT 7);
CREATE TABLE kinds (id int PRIMARY KEY, kind text, note text, extra jsonb, land_id int REFERENCES lands);
CREATE TABLE channels (
    id int PRIMARY KEY, kind_id int REFERENCES kinds, at timestamp, size int, data jsonb
);
CREATE TABLE clips (id int PRIMARY KEY, channel_id int REFERENCES channels);
CREATE FUNCTION loud(kinds) RETURNS text LANGUAGE sql STABLE AS 'SELECT upper($1.kind)';
INSERT INTO lands VALUES (1, 'Goa'), (2, 'Assam');
INSERT INTO kinds VALUES (1, 'news', 'n', '{"a": 1}', 1), (2, 'sport', NULL, '{"a": 2}', 2);
INSERT INTO channels VALUES
    (1, 1, '2026-01-02 08:00', 10, '{"k": {"n": 2}}'), (2, 1, '2026-01-02 18:00', 20, '{"k": {"n": 2}}'),
    (3, 2, '2026-01-01 09:00', 30, '{"k": {"n": 10}}'), (4, NULL, '2026-01-03 09:00', 40, NULL);
INSERT INTO clips VALUES (1, 1), (2, 1), (3, 3);
"""
NEWS = {"id": 1, "kind": "news", "note": "n", "extra": {"a": 1}, "land_id": 1}
SPORT = {"id": 2, "kind": "sport", "note": None, "extra": {"a": 2}, "land_id": 2}
NONE = dict.fromkeys(NEWS)


@pytest.fixture
def channels(tables: Tables) -> Tables:
    tables.cursor.execute(SCHEMA)
    tables.limits = RequestLimits(aggregates=True)
    return tables


def read(tables: Tables, select: str, **query: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = tables.call(
        "GET", "channels", {"select": [select], **{key: [text] for key, text in query.items()}}
    )[1]
    return rows


def test_all_columns_of_a_table_that_is_spread_are_grouped_by(channels: Tables) -> None:
    rows = read(channels, "number:count(),...kinds(*)", order="kinds(id)")
    assert rows == [{"number": 2, **NEWS}, {"number": 1, **SPORT}, {"number": 1, **NONE}]


@pytest.mark.parametrize(
    ("spread", "first"),
    [
        ("*,loud", {**NEWS, "loud": "NEWS"}),
        ("*,sort:kind", {**NEWS, "sort": "news"}),
        ("sort:kind,loud,l:note::text", {"sort": "news", "loud": "NEWS", "l": "n"}),
        ("*,...lands(land)", {**NEWS, "land": "Goa"}),
        ("kind,...lands(*)", {"kind": "news", "id": 1, "land": "Goa", "sum": 7}),
        ("kind,lands(*)", {"kind": "news", "lands": {"id": 1, "land": "Goa", "sum": 7}}),
        ("*,lands(*)", {**NEWS, "lands": {"id": 1, "land": "Goa", "sum": 7}}),
        ("*,land:lands(land,kinds(id))", {**NEWS, "land": {"land": "Goa", "kinds": [{"id": 1}]}}),
        ("extra->a", {"a": 1}),
        ("what:extra->>a::int", {"what": 1}),
    ],
)
def test_what_is_spread_is_grouped_by_and_told_once(channels: Tables, spread: str, first: dict[str, object]) -> None:
    for select, more in ((f"number:count(),...kinds({spread})", {"number": 2}), (f"...kinds({spread})", {})):
        (row, *_) = read(channels, select, kind_id="eq.1")
        assert row == {**more, **first}
    _, ((text),) = channels.call("GET", "channels", {"select": [f"...kinds({spread})"], "id": ["eq.1"]})
    assert len(text) == len(first)


def test_aggregates_of_what_is_spread_twice_are_the_roots(channels: Tables) -> None:
    assert read(channels, "...kinds(...lands(count()))") == [{"count": 3}]
    assert read(channels, "...kinds(...lands(total:sum.sum()))") == [{"total": 21}]
    rows = read(channels, "...kinds(kind,...lands(n:count())),size.sum()", order="kinds(kind)")
    assert rows == [
        {"kind": "news", "n": 2, "sum": 30},
        {"kind": "sport", "n": 1, "sum": 30},
        {"kind": None, "n": 0, "sum": 40},
    ]


def test_what_is_gathered_in_arrays_is_not_aggregated(channels: Tables) -> None:
    for select in ("id,...channels(size.sum())", "id,...channels(size,...kinds(count()))"):
        with pytest.raises(RequestRefused) as refused:
            channels.call("GET", "kinds", {"select": [select]})
        assert refused.value.code == "PGRST127"


def test_rows_that_are_embedded_are_grouped_by(channels: Tables) -> None:
    assert read(channels, "count(),kinds(kind,lands(land))", kind_id="eq.1") == [
        {"count": 2, "kinds": {"kind": "news", "lands": {"land": "Goa"}}}
    ]
    assert len(read(channels, "count(),...kinds(kind),clips(id)")) == 4


@pytest.mark.parametrize(
    ("select", "order", "key", "shown"),
    [
        ("at::date,count()", "at", "at", ["2026-01-01", "2026-01-02", "2026-01-03"]),
        ("at::date,count()", "at.desc.nullslast", "at", ["2026-01-03", "2026-01-02", "2026-01-01"]),
        ("day:at::date,count()", "at", "day", ["2026-01-01", "2026-01-02", "2026-01-03"]),
        ("size.sum(),day:at::date,time:at::time", "at.desc", "sum", [40, 20, 10, 30]),
        ("data->k->>n,count()", "data->k->>n.nullslast", "n", ["10", "2", None]),
        ("n:data->k->>n::int,count()", "data->k->>n.nullslast", "n", [2, 10, None]),
        ("half:data->k->n,count()", "data->k->n.nullsfirst", "half", [None, 2, 10]),
        ("what:size,count()", "size.desc", "what", [40, 30, 20, 10]),
        ("size,text:size::text,count()", "size", "size", [10, 20, 30, 40]),
    ],
)
def test_groups_are_sorted_by_what_they_are_made_by(
    channels: Tables, select: str, order: str, key: str, shown: list[object]
) -> None:
    assert [row[key] for row in read(channels, select, order=order)] == shown


def test_embedded_groups_are_sorted_alike(channels: Tables) -> None:
    query = {"select": ["kind,channels(at::date,count())"], "channels.order": ["at.desc"], "id": ["eq.1"]}
    (row,) = channels.call("GET", "kinds", query)[1]
    assert row == {"kind": "news", "channels": [{"at": "2026-01-02", "count": 2}]}


def test_rows_that_are_not_grouped_are_sorted_by_the_column_itself(channels: Tables) -> None:
    assert [row["n"] for row in read(channels, "n:id,at::date", order="at")] == [3, 1, 2, 4]


@pytest.mark.parametrize("order", ["size", "kind_id"])
def test_groups_are_not_sorted_by_what_they_do_not_have(channels: Tables, order: str) -> None:
    with pytest.raises(psycopg2.errors.GroupingError):
        read(channels, "at::date,count()", order=order)


def test_a_name_of_the_answer_is_none_to_sort_by(channels: Tables) -> None:
    with pytest.raises(RequestRefused) as refused:
        read(channels, "day:at::date,count()", order="day")
    assert refused.value.code == "42703"


@pytest.mark.parametrize(
    ("select", "query", "number"),
    [
        ("kind_id,count()", {}, 3),
        ("count()", {"id": "gt.99"}, 1),
        ("n:count(),...kinds(kind)", {}, 3),
        ("n:count(),...kinds!inner(kind)", {"kinds.kind": "eq.news"}, 1),
        ("at::date,size.sum()", {"id": "lt.4"}, 2),
        ("id,clips!inner(id)", {}, 2),
        ("id,clips!inner(id)", {"clips.offset": "1"}, 1),
        ("id,clips!inner(id)", {"clips.limit": "0"}, 0),
        ("id,...clips!inner(clip:id)", {"clips.offset": "1"}, 1),
        ("id,clips!inner(count())", {}, 4),
        ("id,clips(id)", {"clips": "is.null"}, 2),
        ("id,clips(id)", {"clips": "is.null", "clips.offset": "1"}, 3),
        ("id,clips(id)", {"or": "(clips.not.is.null,id.eq.4)", "clips.limit": "0"}, 1),
        ("id,kinds!inner(lands!inner(id))", {"kinds.lands.offset": "1"}, 0),
        ("id,kinds!inner(lands!inner(id))", {"kinds.lands.land": "eq.Assam", "kinds.limit": "1"}, 1),
    ],
)
def test_what_is_counted_is_what_there_is_to_show(
    channels: Tables, select: str, query: dict[str, str], number: int
) -> None:
    asked = {"select": [select], **{key: [text] for key, text in query.items()}}
    assert channels.total("channels", asked) == (number, number)
    # A page shows fewer; what is counted stays the same.
    assert channels.total("channels", asked | {"limit": ["1"]}) == (min(number, 1), number)


@pytest.mark.parametrize(
    ("select", "query", "first"),
    [
        ("kind_id,n:count(),...clips(clip:id)", {}, [{"kind_id": 1, "n": 1, "clip": [1, 2]}]),
        ("kind_id,n:count(),...clips!inner(clip:id)", {}, [{"kind_id": 1, "n": 1, "clip": [1, 2]}]),
        (
            "kind_id,n:count(),...clips(clip:id,channels(id))",
            {"clips.order": "id.desc"},
            [{"kind_id": 1, "n": 1, "clip": [2, 1], "channels": [{"id": 1}, {"id": 1}]}],
        ),
    ],
)
def test_rows_are_grouped_by_arrays_of_what_is_spread(
    channels: Tables, select: str, query: dict[str, str], first: list[dict[str, object]]
) -> None:
    rows = read(channels, select, id="lt.3", order="kind_id", **query)
    assert [row for row in rows if row["clip"]] == first


def test_arrays_of_what_is_spread_are_grouped_by_within_a_group(channels: Tables) -> None:
    rows = channels.call("GET", "kinds", {"select": ["id,channels(n:count(),...clips(clip:id))"], "order": ["id"]})[1]
    assert sorted(len(row["clip"]) for row in rows[0]["channels"]) == [0, 2]

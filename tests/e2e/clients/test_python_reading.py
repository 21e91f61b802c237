"""Reads by the Python client: columns, order, pages, counts, media types, relations and functions."""

from typing import Any

import pytest
from postgrest import CountMethod, SyncPostgrestClient

from tests.e2e.clients.python_calls import Call, Case, Counted, Refused, ids, names, outcome, rpc

EXACT = CountMethod.exact


def ships(db: SyncPostgrestClient, *columns: str, **options: Any) -> Any:
    return db.table("ships").select(*columns, **options)


READING: list[Case] = [
    ("everything", lambda db: db.table("ports").select().eq("id", 4), [{"id": 4, "name": "Lisbon", "country": "PT"}]),
    ("columns", lambda db: ships(db, "id", "name").eq("id", 2), [{"id": 2, "name": "Brahma"}]),
    ("alias and cast", lambda db: ships(db, "t:tonnage::text").eq("id", 1), [{"t": "5000"}]),
    (
        "JSON paths",
        lambda db: ships(db, "papers->owner->>name,c:papers->calls->0").eq("id", 1),
        [{"name": "Nord", "c": 1}],
    ),
    (
        "names with blanks and signs",
        lambda db: db.table("Captain's log, 100%").select('"Entry no."').order('"Entry no."'),
        [{"Entry no.": 1}, {"Entry no.": 2}],
    ),
    ("order", lambda db: ships(db, "id").order("length", desc=True), ids(2, 1, 5, 3, 4)),
    ("order, nulls first", lambda db: ships(db, "id").order("tonnage", nullsfirst=True), ids(3, 4, 5, 1, 2)),
    ("order, nulls last", lambda db: ships(db, "id").order("tonnage", desc=True, nullsfirst=False), ids(2, 1, 5, 4, 3)),
    ("order by several", lambda db: ships(db, "id").order("state").order("id", desc=True), ids(5, 2, 4, 1, 3)),
    ("limit and offset", lambda db: ships(db, "id").order("id").limit(2).offset(1), ids(2, 3)),
    ("range", lambda db: ships(db, "id").order("id").range(3, 9), ids(4, 5)),
    ("count, exact", lambda db: ships(db, "id", count=EXACT).order("id").limit(1), Counted(ids(1), 5)),
    ("count, planned", lambda db: ships(db, "id", count=CountMethod.planned).order("id").limit(1), Counted(ids(1), 5)),
    ("count, estimated", lambda db: ships(db, "id", count=CountMethod.estimated).eq("id", 2), Counted(ids(2), 1)),
    ("count alone", lambda db: ships(db, "id", count=EXACT, head=True).eq("state", "moored"), Counted([], 2)),
    ("beyond the end", lambda db: ships(db, "id", count=EXACT).range(9, 10), Refused("PGRST103")),
    ("single", lambda db: ships(db, "id").eq("id", 3).single(), {"id": 3}),
    ("single of none", lambda db: ships(db, "id").eq("id", 99).single(), Refused("PGRST116")),
    ("maybe single", lambda db: ships(db, "id").eq("id", 3).maybe_single(), {"id": 3}),
    ("maybe single of none", lambda db: ships(db, "id").eq("id", 99).maybe_single(), None),
    ("CSV", lambda db: ships(db, "id,tonnage").in_("id", [3, 4]).order("id").csv(), "id,tonnage\n3,\n4,800"),
    ("nulls stripped", lambda db: ships(db, "id,tonnage").eq("id", 3).strip_nulls(), ids(3)),
    ("nulls stripped from one", lambda db: ships(db, "id,tonnage").eq("id", 3).strip_nulls().single(), {"id": 3}),
    ("another schema", lambda db: db.schema("office").table("bills").select("id").order("id"), ids(1, 2)),
    ("a schema that is not exposed", lambda db: db.schema("secret").table("bills").select("id"), Refused("PGRST106")),
    ("a column that is not there", lambda db: ships(db, "colour"), Refused("42703")),
    ("a value of another type", lambda db: ships(db, "id").eq("id", "one"), Refused("22P02")),
    ("aggregates", lambda db: ships(db, "tonnage.sum()", "count()"), [{"sum": 20300, "count": 5}]),
]

RELATIONS: list[Case] = [
    ("to one", lambda db: ships(db, "id,ports!home_id(name)").eq("id", 1), [{"id": 1, "ports": {"name": "Hamburg"}}]),
    ("which of two", lambda db: ships(db, "ports(name)"), Refused("PGRST201")),
    ("none", lambda db: ships(db, "mermaids(name)"), Refused("PGRST200")),
    ("to many", lambda db: ships(db, "voyages(tons)").eq("id", 2), [{"voyages": [{"tons": 700}]}]),
    (
        "to one of its own key",
        lambda db: ships(db, "certificates(number)").eq("id", 1),
        [{"certificates": {"number": "C-1"}}],
    ),
    ("many to many", lambda db: ships(db, "sailors(name)").eq("id", 4), [{"sailors": [{"name": "Asha"}]}]),
    ("itself", lambda db: ships(db, "consort:consort_id(name)").eq("id", 2), [{"consort": {"name": "Aurora"}}]),
    (
        "inner, with a filter",
        lambda db: ships(db, "id,ports!home_id!inner(name)").eq("ports.country", "DE"),
        [{"id": 1, "ports": {"name": "Hamburg"}}],
    ),
    (
        "order and limit of what is embedded",
        lambda db: (
            ships(db, "id,voyages(id)")
            .eq("id", 1)
            .order("id", desc=True, foreign_table="voyages")
            .limit(1, foreign_table="voyages")
        ),
        [{"id": 1, "voyages": [{"id": 3}]}],
    ),
    (
        "range of what is embedded",
        lambda db: (
            ships(db, "id,voyages(id)")
            .eq("id", 1)
            .order("id", foreign_table="voyages")
            .range(1, 1, foreign_table="voyages")
        ),
        [{"id": 1, "voyages": [{"id": 2}]}],
    ),
    (
        "or on what is embedded",
        lambda db: ships(db, "voyages(id)").eq("id", 1).or_("tons.eq.50,tons.eq.7", reference_table="voyages"),
        [{"voyages": [{"id": 2}]}],
    ),
    ("spread", lambda db: ships(db, "id,...ports!yard_id(yard:name)").eq("id", 2), [{"id": 2, "yard": "Kochi"}]),
    ("count of what is embedded", lambda db: ships(db, "voyages(count)").eq("id", 1), [{"voyages": [{"count": 3}]}]),
    (
        "several levels",
        lambda db: db.table("ports").select("ships!home_id(voyages(id))").eq("id", 4),
        [{"ships": [{"voyages": []}]}],
    ),
    ("computed", lambda db: ships(db, "titled").eq("id", 3), [{"titled": "Cutty (scrapped)"}]),
]

FUNCTIONS: list[Case] = [
    ("a number", lambda db: rpc(db, "knots", {"miles": 25, "hours": 2}), 12.5),
    ("a default", lambda db: rpc(db, "knots", {"miles": 9}), 4.5),
    ("by GET", lambda db: rpc(db, "knots", {"miles": 30, "hours": 4}, get=True), 7.5),
    ("by GET, an array", lambda db: rpc(db, "longest", {"ids": [4, 5]}, get=True), 'Esmé, "the grey"'),
    ("by HEAD", lambda db: rpc(db, "ships_of", {"land": "IN"}, head=True, count=EXACT), Counted([], 2)),
    ("variadic", lambda db: rpc(db, "total", {"amounts": [1, 41]}), 42),
    ("one JSON", lambda db: rpc(db, "repeated", {"a": 1}), [{"a": 1}, {"a": 1}]),
    ("one of two", lambda db: rpc(db, "draught", {"load": 3, "unit": "ft"}), "3 ft"),
    ("not there", lambda db: rpc(db, "knotz"), Refused("PGRST202")),
    ("nothing", lambda db: rpc(db, "ring"), []),
    ("rows", lambda db: rpc(db, "ships_of", {"land": "IN"}).select("id").order("id", desc=True).limit(1), ids(4)),
    (
        "rows with a filter",
        lambda db: rpc(db, "ships_of", {"land": "IN"}).select("id", "state").eq("state", "moored"),
        [{"id": 2, "state": "moored"}],
    ),
    ("rows, single", lambda db: rpc(db, "ships_of", {"land": "PT"}).select("id").single(), {"id": 5}),
    ("rows, CSV", lambda db: rpc(db, "flags").csv(), "flag,ships\nDE,1\nGB,1\nIN,1\nPT,1"),
    ("that writes, by GET", lambda db: rpc(db, "stow", {"label": "x", "weight": 1}, get=True), Refused("25006")),
    ("that raises", lambda db: rpc(db, "refuse", {"reason": "No berth"}), Refused("PT402")),
    ("of another schema", lambda db: rpc(db.schema("office"), "owed"), 20),
]


@pytest.mark.parametrize(("_", "call", "expected"), READING, ids=names(READING))
def test_reading(python_client: SyncPostgrestClient, _: str, call: Call, expected: Any) -> None:
    assert outcome(python_client, call, expected) == expected


@pytest.mark.parametrize(("_", "call", "expected"), RELATIONS, ids=names(RELATIONS))
def test_a_relation(python_client: SyncPostgrestClient, _: str, call: Call, expected: Any) -> None:
    assert outcome(python_client, call, expected) == expected


@pytest.mark.parametrize(("_", "call", "expected"), FUNCTIONS, ids=names(FUNCTIONS))
def test_a_function(python_client: SyncPostgrestClient, _: str, call: Call, expected: Any) -> None:
    assert outcome(python_client, call, expected) == expected


def test_a_plan(python_client: SyncPostgrestClient) -> None:
    asked = ships(python_client, "id").eq("id", 1)
    assert "ships" in asked.explain().execute()
    (plan,) = asked.explain(format="json", verbose=True).execute().data
    assert "Output" in plan["Plan"]

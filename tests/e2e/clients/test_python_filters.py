"""The Python client's filters, on ships with known ids."""

from typing import Any

import pytest
from postgrest import SyncPostgrestClient

from tests.e2e.clients.python_calls import Call, Case, ids, names, outcome


def ships(db: SyncPostgrestClient) -> Any:
    return db.table("ships").select("id")


def last(request: Any) -> Any:
    return request.order("id")


CASES: list[Case] = [
    ("eq", lambda db: last(ships(db).eq("name", "Aurora")), ids(1)),
    ("eq, commas and quotes", lambda db: last(ships(db).eq("name", 'Esmé, "the grey"')), ids(5)),
    ("eq, a boolean", lambda db: last(ships(db).eq("ice_class", value=True)), ids(1, 5)),
    ("neq", lambda db: last(ships(db).neq("state", "sailing")), ids(2, 3, 5)),
    ("gt", lambda db: last(ships(db).gt("tonnage", 2500)), ids(1, 2)),
    ("gte", lambda db: last(ships(db).gte("tonnage", 2500)), ids(1, 2, 5)),
    ("lt", lambda db: last(ships(db).lt("length", 64.7)), ids(4)),
    ("lte", lambda db: last(ships(db).lte("length", 64.7)), ids(3, 4)),
    ("two on one column", lambda db: last(ships(db).gt("id", 1).lt("id", 4)), ids(2, 3)),
    ("is null", lambda db: last(ships(db).is_("tonnage", None)), ids(3)),
    ("is false", lambda db: last(ships(db).is_("ice_class", value=False)), ids(2, 4)),
    ("not null", lambda db: last(ships(db).not_.is_("tonnage", "null")), ids(1, 2, 4, 5)),
    ("like", lambda db: last(ships(db).like("name", "%a")), ids(1, 2, 4)),
    ("like, with an asterisk", lambda db: last(ships(db).like("name", "*utt*")), ids(3)),
    ("like all of", lambda db: last(ships(db).like_all_of("name", "%a%,%r%")), ids(1, 2)),
    ("like any of", lambda db: last(ships(db).like_any_of("name", "A%,C%")), ids(1, 3)),
    ("ilike", lambda db: last(ships(db).ilike("name", "%É%")), ids(5)),
    ("ilike all of", lambda db: last(ships(db).ilike_all_of("name", "a%,%A")), ids(1)),
    ("ilike any of", lambda db: last(ships(db).ilike_any_of("name", "b%,D%")), ids(2, 4)),
    ("in", lambda db: last(ships(db).in_("id", [2, 4, 9])), ids(2, 4)),
    ("in, commas and quotes", lambda db: last(ships(db).in_("name", ["Cutty", 'Esmé, "the grey"'])), ids(3, 5)),
    ("not in", lambda db: last(ships(db).not_.in_("id", [1, 5])), ids(2, 3, 4)),
    ("contains, an array", lambda db: last(ships(db).contains("tags", ["fast"])), ids(1, 3)),
    ("contains, an element with a comma", lambda db: last(ships(db).contains("tags", ["night, slow"])), ids(5)),
    ("contains, JSON", lambda db: last(ships(db).contains("papers", {"flag": "IN"})), ids(2)),
    ("contained by, an array", lambda db: last(ships(db).contained_by("tags", ["ferry", "fast"])), ids(1, 4)),
    ("contained by, a range", lambda db: last(ships(db).contained_by("berth", "[0,25)")), ids(1, 4)),
    ("overlaps", lambda db: last(ships(db).overlaps("tags", ["fast", "cargo"])), ids(1, 2, 3)),
    ("a range on the right", lambda db: last(ships(db).range_gt("berth", (0, 20))), ids(2, 5)),
    ("a range that begins later", lambda db: last(ships(db).range_gte("berth", (9, 15))), ids(1, 2, 5)),
    ("a range on the left", lambda db: last(ships(db).range_lt("berth", (19, 30))), ids(1, 4)),
    ("a range that ends before", lambda db: last(ships(db).range_lte("berth", (0, 20))), ids(1, 4)),
    ("a range beside", lambda db: last(ships(db).range_adjacent("berth", (29, 31))), ids(2, 5)),
    ("full text", lambda db: last(ships(db).fts("words", "mail & sea")), ids(1)),
    ("full text, plain", lambda db: last(ships(db).plfts("words", "mail tea")), ids(4)),
    ("full text, phrase", lambda db: last(ships(db).phfts("words", "cold sea")), ids(1)),
    ("full text, web", lambda db: last(ships(db).wfts("words", '"tea" -mail')), ids(2)),
    (
        "full text, a configuration",
        lambda db: last(ships(db).text_search("words", "carry", {"config": "english", "type": "plain"})),
        ids(1),
    ),
    ("match", lambda db: last(ships(db).match({"state": "moored", "ice_class": True})), ids(5)),
    ("filter", lambda db: last(ships(db).filter("tonnage", "gte", "5000")), ids(1, 2)),
    ("not", lambda db: last(ships(db).not_.eq("state", "sailing")), ids(2, 3, 5)),
    ("or", lambda db: last(ships(db).or_("name.eq.Cutty,tonnage.gt.5000")), ids(2, 3)),
    ("or, with and", lambda db: last(ships(db).or_("id.eq.3,and(state.eq.sailing,tonnage.lt.1000)")), ids(3, 4)),
    ("not or", lambda db: last(ships(db).not_.or_("id.lt.3,id.gt.4")), ids(3, 4)),
    ("a path in JSON", lambda db: last(ships(db).eq("papers->owner->>name", "Sagar")), ids(2)),
    ("isdistinct", lambda db: last(ships(db).filter("tonnage", "isdistinct", "800")), ids(1, 2, 3, 5)),
    ("a regular expression", lambda db: last(ships(db).filter("name", "imatch", "UTT|PA$")), ids(3, 4)),
]


@pytest.mark.parametrize(("_", "call", "expected"), CASES, ids=names(CASES))
def test_a_filter(python_client: SyncPostgrestClient, _: str, call: Call, expected: Any) -> None:
    assert outcome(python_client, call, expected) == expected

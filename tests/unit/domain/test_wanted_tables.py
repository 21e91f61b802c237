"""Tables are found by the names that an operator writes, whatever characters are in them."""

import pytest

from tenantry.domain.content import ContentTable
from tenantry.domain.errors import BadRequest, NotFound
from tenantry.domain.restore import WantedTable, find_wanted, wanted_tables

PLACES = [("a", "b.c"), ("a.b", "c"), ("a", "*"), ("a", "T"), ('q"', "t"), ("a.b", "*"), ("a", "b.*")]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a.T", WantedTable("a", "T")),
        ("a.t", None),
        ('a."T"', WantedTable("a", "T")),
        ("a.*", WantedTable("a")),
        ('"a".*', WantedTable("a")),
        ('a."*"', WantedTable("a", "*")),
        ('q".t', WantedTable('q"', "t")),
        ('"q""".t', WantedTable('q"', "t")),
        ('"a"."b.c"', WantedTable("a", "b.c")),
        ('"a.b"."c"', WantedTable("a.b", "c")),
        ('"a.b".*', WantedTable("a.b")),
        ("a", None),
        ("b.*", None),
    ],
)
def test_a_name_is_one_table_or_a_schema(pattern: str, found: WantedTable | None) -> None:
    assert find_wanted(PLACES, pattern) == found


@pytest.mark.parametrize("pattern", ["a.b.c", "a.b.*"])
def test_a_name_of_several_is_refused(pattern: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        find_wanted(PLACES, pattern)
    assert (refusal.value.code, refusal.value.details) == ("table_ambiguous", pattern)


def test_a_partitioned_table_is_found_by_its_partitions() -> None:
    root, sub = ("a", "root"), ("b", "sub")
    tables = {
        "leaf": ContentTable("a", "leaf", (), (sub, root)),
        "other": ContentTable("c", "other", (), (root,)),
        "plain": ContentTable("a", "plain", ()),
    }
    assert wanted_tables(tables, ["a.root"]) == ["leaf", "other"]
    assert wanted_tables(tables, ["b.sub"]) == wanted_tables(tables, ["b.*"]) == ["leaf"]
    assert wanted_tables(tables, ["c.other", "a.plain", "a.plain"]) == ["other", "plain"]
    assert wanted_tables(tables, ["a.*"]) == ["leaf", "other", "plain"]
    with pytest.raises(NotFound) as refusal:
        wanted_tables(tables, ["a.plain", "a.view"])
    assert (refusal.value.code, refusal.value.details) == ("table_unknown", "a.view")

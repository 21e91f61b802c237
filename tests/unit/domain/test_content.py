"""Keys tell all tables and sequences of a home apart, whatever their names."""

from dataclasses import replace
from itertools import product

from tenantry.domain.content import Content, TableContent, content_key

PIECES = ["s", "t", ".", '"', "large objects", "A"]


def test_no_two_tables_have_one_key() -> None:
    names = ["".join(some) for count in (1, 2, 3) for some in product(PIECES, repeat=count)]
    names += ['"s".t', '"s"."t"', '""s""', '"s"".t"']
    places = {(schema, name) for schema in ["", *names[:60], '"s"'] for name in names}
    assert len({content_key(*place) for place in places}) == len(places)


def test_plain_names_keep_the_keys_that_stored_manifests_have() -> None:
    assert content_key("", "Large Objects.t") == "Large Objects.t"
    assert content_key("s", "t") == '"s".t'


def test_a_table_is_not_taken_for_the_large_objects() -> None:
    table, objects = TableContent(1, "x"), TableContent(2, "y")
    content = Content({"large objects": table}, {}, objects)
    swapped = Content({"large objects": objects}, {}, table)
    without = replace(content, large_objects=None)
    assert (content.rows, without.rows) == (3, 1)
    assert content.differences(content) == []
    assert content.differences(swapped) == ["large objects", "large objects"]
    assert content.differences(without) == without.differences(content) == ["large objects"]
    assert len({found.mark() for found in (content, swapped, without)}) == 3

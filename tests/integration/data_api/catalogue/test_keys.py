"""Keys in the catalogue, as the relationships that they make."""

from collections.abc import Iterator

import pytest

from tenantry.postgrest.catalogue.model import Cardinality, Catalogue, Junction, Name, Relationship
from tests.integration.data_api.catalogue.conftest import Read, Server, read_by_a_login

SCHEMA = """
CREATE SCHEMA other; CREATE SCHEMA hidden;
CREATE TABLE orders (b int, a int, PRIMARY KEY (b, a), UNIQUE (a, b));
CREATE TABLE lines (
    id int PRIMARY KEY, x int, y int,
    CONSTRAINT lines_order FOREIGN KEY (x, y) REFERENCES orders (a, b)
);
CREATE TABLE details (
    id int PRIMARY KEY CONSTRAINT details_line REFERENCES lines,
    b int, a int, UNIQUE (a, b), CONSTRAINT details_order FOREIGN KEY (b, a) REFERENCES orders (b, a)
);
CREATE TABLE tags (id int PRIMARY KEY, twice int);
CREATE UNIQUE INDEX ON tags (twice);
CREATE TABLE tagged (
    line int CONSTRAINT tagged_line REFERENCES lines, tag int CONSTRAINT tagged_tag REFERENCES tags,
    author int CONSTRAINT tagged_author REFERENCES tags, PRIMARY KEY (line, tag)
);
CREATE TABLE other.notes (id int PRIMARY KEY, line int CONSTRAINT notes_line REFERENCES public.lines);
CREATE TABLE hidden.notes (id int PRIMARY KEY, line int CONSTRAINT notes_line REFERENCES public.lines);
CREATE TABLE hidden.tagged (
    line int REFERENCES lines, tag int REFERENCES tags, PRIMARY KEY (line, tag)
);
CREATE TABLE days (day int PRIMARY KEY, line int CONSTRAINT days_line REFERENCES lines) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (9);
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (9) TO (99);
ALTER TABLE days_2 ADD CONSTRAINT own_key FOREIGN KEY (line) REFERENCES tags;
CREATE TABLE hours (day int CONSTRAINT hours_day REFERENCES days);
CREATE TABLE "the ""odd"" one" ("a, b" int CONSTRAINT "key, of {all}" REFERENCES tags);
"""
MANY, ONE, INVERSE = Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_ONE, Cardinality.ONE_TO_MANY


def public(name: str) -> Name:
    return Name("public", name)


LINES, TAGS = public("lines"), public("tags")
TAGGED = Junction(public("tagged"), "tagged_line", "tagged_tag", (("id", "line"),), (("id", "tag"),))
OF_LINES = {
    Relationship(LINES, public("orders"), MANY, "lines_order", (("x", "a"), ("y", "b"))),
    Relationship(LINES, public("details"), ONE, "details_line", (("id", "id"),)),
    Relationship(LINES, public("tagged"), INVERSE, "tagged_line", (("id", "line"),)),
    Relationship(LINES, TAGS, Cardinality.MANY_TO_MANY, junction=TAGGED),
    Relationship(LINES, Name("other", "notes"), INVERSE, "notes_line", (("id", "line"),)),
    Relationship(LINES, public("days"), INVERSE, "days_line", (("id", "line"),)),
}


@pytest.fixture(scope="module")
def read(server: Server) -> Iterator[Read]:
    with read_by_a_login(server, SCHEMA) as read:
        yield read


@pytest.fixture(scope="module")
def catalogue(read: Read) -> Catalogue:
    return read("public", "other")


def test_all_ways_from_a_table_are_found(catalogue: Catalogue) -> None:
    found = catalogue.relationships[LINES]
    assert len(found) == len(OF_LINES)
    assert set(found) == OF_LINES


def test_a_key_that_is_unique_is_one_to_one(catalogue: Catalogue) -> None:
    assert set(catalogue.relationships[public("details")]) == {
        Relationship(public("details"), LINES, ONE, "details_line", (("id", "id"),)),
        # Its columns are those of a unique key, in another order.
        Relationship(public("details"), public("orders"), ONE, "details_order", (("b", "b"), ("a", "a"))),
    }


def test_a_partition_has_no_keys_of_its_own(catalogue: Catalogue) -> None:
    days = public("days")
    assert set(catalogue.relationships[days]) == {
        Relationship(days, LINES, MANY, "days_line", (("line", "id"),)),
        Relationship(days, public("hours"), INVERSE, "hours_day", (("day", "day"),)),
    }
    assert not {public("days_1"), public("days_2")} & catalogue.relationships.keys()


def test_names_are_raw(catalogue: Catalogue) -> None:
    odd = public('the "odd" one')
    assert catalogue.relationships[odd] == (Relationship(odd, TAGS, MANY, "key, of {all}", (("a, b", "id"),)),)


def test_what_is_not_exposed_is_not_reached(read: Read) -> None:
    assert {each.target.schema for found in read("public").relationships.values() for each in found} == {"public"}
    junctions = {each.junction.table for each in read("public", "hidden").relationships[LINES] if each.junction}
    assert junctions == {public("tagged"), Name("hidden", "tagged")}


def test_the_order_is_the_same_each_time(read: Read) -> None:
    first, second = read("public", "other"), read("other", "public")
    assert list(first.relationships.items()) == list(second.relationships.items())

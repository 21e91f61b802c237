"""Relationships, derived from keys and view columns."""

from itertools import permutations

import pytest

from tenantry.postgrest.catalogue.model import Cardinality, Junction, Name, Relationship
from tenantry.postgrest.catalogue.relationships import Computed, Key, ViewColumn, primary_keys, relationships

MANY, ONE = Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_ONE
INVERSE, OVER = Cardinality.ONE_TO_MANY, Cardinality.MANY_TO_MANY


def name(text: str) -> Name:
    schema, _, table = text.rpartition(".")
    return Name(schema or "public", table)


BOOKS, AUTHORS, TAGS, BOOKS_TAGS = map(name, ("books", "authors", "tags", "books_tags"))


def primary(table: str, *columns: str) -> Key:
    return Key("p", f"{table}_pkey", name(table), columns)


def unique(table: str, *columns: str) -> Key:
    return Key("u", f"{table}_key", name(table), columns)


def foreign(table: str, columns: str, target: str, to: str = "id", constraint: str = "") -> Key:
    pointing, pointed = columns.split(), to.split()
    label = constraint or f"{name(table).name}_{'_'.join(pointing)}"
    return Key("f", label, name(table), tuple(pointing), name(target), tuple(pointed))


def shows(view: str, table: str, **columns: str) -> list[ViewColumn]:
    """Build view columns: the view's column names, each with the table's column that it shows."""
    return [ViewColumn(name(view), column, name(table), base) for column, base in columns.items()]


def found(
    *keys: Key,
    views: list[ViewColumn] | None = None,
    computed: list[Computed] | None = None,
    schemas: str = "public",
) -> dict[Name, tuple[Relationship, ...]]:
    return relationships(keys, views or [], computed or [], set(schemas.split()))


BOOK_KEY = foreign("books", "author_id", "authors")
TAG_KEYS = (foreign("books_tags", "book_id", "books"), foreign("books_tags", "tag_id", "tags"))


def test_a_key_leads_both_ways() -> None:
    assert found(BOOK_KEY) == {
        BOOKS: (Relationship(BOOKS, AUTHORS, MANY, "books_author_id", (("author_id", "id"),)),),
        AUTHORS: (Relationship(AUTHORS, BOOKS, INVERSE, "books_author_id", (("id", "author_id"),)),),
    }


def test_the_columns_of_a_key_stay_in_its_order() -> None:
    ways = found(foreign("books", "b a", "authors", "y x"))
    assert ways[BOOKS][0].columns == (("b", "y"), ("a", "x"))
    assert ways[AUTHORS][0].columns == (("y", "b"), ("x", "a"))


@pytest.mark.parametrize(
    ("constraint", "cardinality"),
    [
        (primary("books", "author_id"), ONE),
        (unique("books", "author_id"), ONE),
        (primary("books", "author_id", "id"), MANY),
        (unique("authors", "author_id"), MANY),
    ],
)
def test_a_key_whose_columns_are_unique_is_one_to_one_both_ways(constraint: Key, cardinality: Cardinality) -> None:
    ways = found(BOOK_KEY, constraint)
    inverse = ONE if cardinality is ONE else INVERSE
    assert (ways[BOOKS][0].cardinality, ways[AUTHORS][0].cardinality) == (cardinality, inverse)


def test_a_key_of_several_columns_is_unique_in_any_order() -> None:
    assert found(foreign("books", "a b", "authors", "x y"), unique("books", "b", "a"))[BOOKS][0].cardinality is ONE


def test_a_table_can_lead_to_itself() -> None:
    ways = found(foreign("books", "part_of", "books"))[BOOKS]
    assert [(each.cardinality, each.columns) for each in ways] == [
        (INVERSE, (("id", "part_of"),)),
        (MANY, (("part_of", "id"),)),
    ]
    assert all(each.is_self for each in ways)


def test_two_keys_of_a_primary_key_make_a_junction() -> None:
    ways = found(*TAG_KEYS, primary("books_tags", "tag_id", "book_id"))
    to_tags = Junction(BOOKS_TAGS, "books_tags_book_id", "books_tags_tag_id", (("id", "book_id"),), (("id", "tag_id"),))
    assert [each for each in ways[BOOKS] if each.junction] == [Relationship(BOOKS, TAGS, OVER, junction=to_tags)]
    (back,) = (each for each in ways[TAGS] if each.junction)
    assert (back.target, back.junction) == (
        BOOKS,
        Junction(BOOKS_TAGS, "books_tags_tag_id", "books_tags_book_id", (("id", "tag_id"),), (("id", "book_id"),)),
    )


@pytest.mark.parametrize(
    "others",
    [
        (),
        (primary("books_tags", "book_id"),),
        (unique("books_tags", "book_id", "tag_id"),),
        (primary("books_tags", "book_id", "tag_id"), unique("books_tags", "tag_id")),
    ],
)
def test_nothing_else_is_a_junction(others: tuple[Key, ...]) -> None:
    assert not [each for ways in found(*TAG_KEYS, *others).values() for each in ways if each.junction]


def test_a_junction_may_lead_back_to_its_origin() -> None:
    ways = found(
        foreign("friends", "one", "people"), foreign("friends", "other", "people"), primary("friends", "one", "other")
    )
    junctions = [each.junction for each in ways[name("people")] if each.junction]
    assert {(each.origin_constraint, each.target_constraint) for each in junctions} == {
        ("friends_one", "friends_other"),
        ("friends_other", "friends_one"),
    }


def test_a_junction_counts_where_it_is_exposed() -> None:
    keys = (
        foreign("hidden.books_tags", "book_id", "books"),
        foreign("hidden.books_tags", "tag_id", "tags"),
        primary("hidden.books_tags", "book_id", "tag_id"),
    )
    assert found(*keys) == {}
    assert OVER in {each.cardinality for each in found(*keys, schemas="public hidden")[BOOKS]}


def test_tables_that_are_not_exposed_are_no_ends() -> None:
    assert found(foreign("books", "author_id", "hidden.authors"), foreign("hidden.books", "author_id", "authors")) == {}


def test_views_lead_to_tables_tables_to_views_and_views_to_views() -> None:
    views = shows("books_view", "books", writer="author_id") + shows("authors_view", "authors", number="id")
    ways = found(BOOK_KEY, views=views)
    ends = {
        (each.origin.name, each.target.name, each.columns, each.origin_is_view, each.target_is_view)
        for each in (*ways[BOOKS], *ways[name("books_view")])
    }
    assert ends == {
        ("books", "authors", (("author_id", "id"),), False, False),
        ("books", "authors_view", (("author_id", "number"),), False, True),
        ("books_view", "authors", (("writer", "id"),), True, False),
        ("books_view", "authors_view", (("writer", "number"),), True, True),
    }
    back = [(each.target.name, each.origin_is_view, each.target_is_view) for each in ways[name("authors_view")]]
    assert back == [("books", True, False), ("books_view", True, True)]


def test_a_view_that_shows_a_part_of_a_key_has_none() -> None:
    key = foreign("books", "a b", "authors", "x y")
    assert found(key, views=shows("hidden.v", "books", a="a") + shows("v", "authors", x="x")) == found(key)


def test_a_view_that_shows_a_column_twice_leads_by_each() -> None:
    ways = found(BOOK_KEY, views=shows("v", "books", first="author_id", second="author_id"))
    assert [each.columns for each in ways[name("v")]] == [(("first", "id"),), (("second", "id"),)]


def test_a_view_that_shows_a_key_in_very_many_ways_leads_by_some() -> None:
    columns = {f"{column}{place}": column for column in "abc" for place in range(40)}
    key = foreign("books", "a b c", "authors", "x y z")
    assert 1 < len(found(key, views=shows("v", "books", **columns))[name("v")]) < 50


def test_a_view_of_a_junction_is_one_where_it_shows_the_whole_key() -> None:
    keys = (*TAG_KEYS, primary("books_tags", "book_id", "tag_id"))
    whole = found(*keys, views=shows("v", "books_tags", b="book_id", t="tag_id"))[BOOKS]
    assert {each.junction.table.name for each in whole if each.junction} == {"books_tags", "v"}
    part = found(*keys, views=shows("v", "books_tags", b="book_id"))[BOOKS]
    assert {each.junction.table.name for each in part if each.junction} == {"books_tags"}


def test_a_junction_leads_to_views_and_not_from_a_table_to_its_own_view() -> None:
    keys = (*TAG_KEYS, primary("books_tags", "book_id", "tag_id"))
    ways = found(*keys, views=shows("tags_view", "tags", id="id"))
    over = {(each.origin.name, each.target.name) for found in ways.values() for each in found if each.junction}
    assert over == {("books", "tags"), ("tags", "books"), ("books", "tags_view"), ("tags_view", "books")}


def test_keys_of_one_name_but_two_tables_make_a_junction_of_a_view() -> None:
    keys = (
        foreign("hidden.a", "book_id", "books", constraint="same"),
        foreign("hidden.b", "tag_id", "tags", constraint="same"),
        primary("hidden.a", "book_id", "more"),
        primary("hidden.b", "tag_id", "more"),
    )
    views = shows("v", "hidden.a", book_id="book_id", x="more") + shows("v", "hidden.b", tag_id="tag_id", y="more")
    assert OVER in {each.cardinality for each in found(*keys, views=views)[BOOKS]}


def test_a_function_is_a_way_and_takes_the_place_of_a_table_of_its_name() -> None:
    ways = found(
        BOOK_KEY,
        foreign("books", "editor_id", "authors"),
        foreign("books", "tag_id", "tags"),
        computed=[
            Computed(name("authors"), BOOKS, AUTHORS, to_one=False),
            Computed(name("tag_of"), BOOKS, TAGS, to_one=True),
            Computed(name("other.tags"), BOOKS, TAGS, to_one=True),
        ],
        schemas="public other",
    )
    assert set(ways[BOOKS]) == {
        Relationship(BOOKS, AUTHORS, INVERSE, function=name("authors")),
        Relationship(BOOKS, TAGS, MANY, function=name("tag_of")),
        Relationship(BOOKS, TAGS, MANY, function=name("other.tags")),
        Relationship(BOOKS, TAGS, MANY, "books_tag_id", (("tag_id", "id"),)),
    }
    assert len(ways[AUTHORS]) == 2


@pytest.mark.parametrize(
    ("function", "origin", "target"),
    [("hidden.f", "books", "authors"), ("f", "hidden.books", "authors"), ("f", "books", "hidden.authors")],
)
def test_a_function_that_is_not_exposed_whole_is_no_way(function: str, origin: str, target: str) -> None:
    assert found(computed=[Computed(name(function), name(origin), name(target), to_one=True)]) == {}


def test_the_order_does_not_depend_on_what_is_read_first() -> None:
    keys = (BOOK_KEY, *TAG_KEYS, foreign("books", "editor_id", "authors"), primary("books_tags", "book_id", "tag_id"))
    views = shows("v", "books", author_id="author_id", id="id")
    expected = list(found(*keys, views=views).items())
    assert all(list(found(*mixed, views=views).items()) == expected for mixed in permutations(keys))


def test_a_table_has_its_key_by_name_and_a_view_in_the_keys_order() -> None:
    keys = [primary("books", "z", "a"), unique("books", "b")]
    views = shows("v", "books", first="a", second="z", third="z") + shows("w", "books", only="a")
    assert primary_keys(keys, views) == {BOOKS: ("a", "z"), name("v"): ("second", "first")}


def test_a_view_over_two_tables_has_both_their_keys() -> None:
    views = shows("v", "books", book="id") + shows("v", "tags", tag="id")
    assert primary_keys([primary("books", "id"), primary("tags", "id")], views)[name("v")] == ("book", "tag")

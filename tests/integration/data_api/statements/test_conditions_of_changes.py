"""Changes of rows that have rows of other tables: `!inner`, filters below the root, and filters for none."""

from typing import Any

import psycopg2
import pytest

from tenantry.domain.errors import BadRequest
from tests.integration.data_api.statements.conftest import Tables

SCHEMA = """
CREATE TABLE lands (id int PRIMARY KEY, land text);
CREATE TABLE authors (id int PRIMARY KEY, name text, land_id int REFERENCES lands);
CREATE TABLE books (id int PRIMARY KEY, n int DEFAULT 0, author_id int REFERENCES authors);
CREATE TABLE tags (id int PRIMARY KEY, tag text);
CREATE TABLE books_tags (book_id int REFERENCES books, tag_id int REFERENCES tags, PRIMARY KEY (book_id, tag_id));
CREATE FUNCTION writer(books) RETURNS SETOF authors ROWS 1 LANGUAGE sql STABLE
    AS 'SELECT * FROM authors WHERE id = $1.author_id';
INSERT INTO lands VALUES (1, 'Goa'), (2, 'Assam');
INSERT INTO authors VALUES (1, 'Lake', 1), (2, 'Hill', 2);
INSERT INTO books (id, author_id) VALUES (1, 1), (2, 1), (3, 2), (4, NULL);
INSERT INTO tags VALUES (1, 'new'), (2, 'old');
INSERT INTO books_tags VALUES (1, 1), (3, 1), (3, 2);
"""


@pytest.fixture
def books(tables: Tables) -> Tables:
    tables.cursor.execute(SCHEMA)
    return tables


def changed(books: Tables) -> list[int]:
    books.cursor.execute("SELECT id FROM books WHERE n = 1 ORDER BY id")
    return [row[0] for row in books.cursor.fetchall()]


def asked(query: dict[str, str]) -> dict[str, list[str]]:
    return {key: [text] for key, text in query.items()}


CONDITIONS: list[tuple[dict[str, str], list[int]]] = [
    ({"n": "eq.0", "authors.name": "eq.Lake", "select": "id,authors!inner(name)"}, [1, 2]),
    ({"n": "eq.0", "who.name": "eq.Lake", "select": "id,who:authors!inner(name)"}, [1, 2]),
    ({"n": "eq.0", "authors.name": "eq.Lake", "select": "id,...authors!inner(name)"}, [1, 2]),
    ({"authors.name": "eq.Hill", "select": "authors!inner()"}, [3]),
    ({"n": "eq.0", "select": "id,authors!inner(name)"}, [1, 2, 3]),
    ({"authors.or": "(name.eq.Hill,name.eq.Lake)", "id": "gt.1", "select": "id,authors!inner()"}, [2, 3]),
    ({"authors.not.and": "(name.eq.Hill,id.gt.0)", "select": "id,authors!inner()"}, [1, 2]),
    ({"authors.lands.land": "eq.Assam", "select": "id,authors!inner(lands!inner(land))"}, [3]),
    ({"tags.tag": "eq.new", "select": "id,tags!inner(tag)"}, [1, 3]),
    ({"books_tags.tag_id": "eq.2", "select": "id,books_tags!inner(tag_id)"}, [3]),
    ({"writer.name": "eq.Hill", "select": "id,writer!inner(name)"}, [3]),
    ({"authors": "is.null", "select": "id,authors()"}, [4]),
    ({"authors": "not.is.null", "authors.name": "eq.Lake", "select": "id,authors()"}, [1, 2]),
    ({"tags": "is.null", "tags.tag": "eq.old", "select": "id,tags()"}, [1, 2, 4]),
    ({"or": "(authors.is.null,id.eq.1)", "select": "id,authors()"}, [1, 4]),
    ({"not.or": "(authors.is.null,tags.is.null)", "select": "id,authors(),tags()"}, [1, 3]),
]


@pytest.mark.parametrize("prefer", ["return=representation", "return=minimal"])
@pytest.mark.parametrize(("query", "ids"), CONDITIONS)
def test_only_rows_that_meet_every_condition_change(
    books: Tables, query: dict[str, str], ids: list[int], prefer: str
) -> None:
    number, rows = books.call("PATCH", "books", asked(query), {"n": 1}, prefer)
    assert (number, changed(books)) == (len(ids), ids)
    if rows is not None and "id" in query["select"]:
        assert sorted(row["id"] for row in rows) == ids


@pytest.mark.parametrize(("query", "ids"), CONDITIONS)
def test_only_rows_that_meet_every_condition_go(books: Tables, query: dict[str, str], ids: list[int]) -> None:
    books.cursor.execute(
        "ALTER TABLE books_tags DROP CONSTRAINT books_tags_book_id_fkey, "
        "ADD FOREIGN KEY (book_id) REFERENCES books ON DELETE CASCADE"
    )
    number, _ = books.call("DELETE", "books", asked(query))
    books.cursor.execute("SELECT id FROM books ORDER BY id")
    assert number == len(ids)
    assert [row[0] for row in books.cursor.fetchall()] == [each for each in (1, 2, 3, 4) if each not in ids]


def test_a_changed_row_that_meets_the_condition_no_more_is_shown(books: Tables) -> None:
    query = {"authors.name": "eq.Lake", "select": "id,authors!inner(name)", "order": "id", "authors.order": "name"}
    number, rows = books.call("PATCH", "books", asked(query), {"author_id": 2})
    assert (number, rows) == (2, [{"id": 1, "authors": None}, {"id": 2, "authors": None}])


TWO_WRITERS = """
CREATE FUNCTION either(books) RETURNS SETOF authors ROWS 1 LANGUAGE sql STABLE AS 'SELECT * FROM authors ORDER BY id';
"""


@pytest.mark.parametrize("select", ["id,either(name)", "id,either!inner(name)", "id,...either(name)"])
@pytest.mark.parametrize("more", [{}, {"either.limit": "5"}, {"order": "either(name),id"}])
def test_a_function_that_breaks_its_word_repeats_no_row(books: Tables, select: str, more: dict[str, str]) -> None:
    """It was declared to return one row, and returns two."""
    books.cursor.execute(TWO_WRITERS)
    query = asked({"select": select, "order": "id", **more})
    number, rows = books.call("GET", "books", query)
    assert (number, [row["id"] for row in rows]) == (4, [1, 2, 3, 4])
    assert {row.get("name") or row["either"]["name"] for row in rows} == {"Lake"}
    assert books.call("PATCH", "books", query | asked({"id": "lt.3", "limit": "2"}), {"n": 1})[0] == 2


def test_what_is_shown_counts_all_that_changed(books: Tables) -> None:
    query = {"n": "eq.0", "limit": "1", "select": "id,authors!inner(name)", "authors.name": "eq.Lake"}
    with pytest.raises(psycopg2.errors.ArraySubscriptError):
        books.call("PATCH", "books", asked(query), {"author_id": 2})


def test_a_filter_of_what_is_only_shown_bounds_nothing_else(books: Tables) -> None:
    query = {"id": "lt.4", "authors.name": "eq.Lake", "select": "id,authors(name)", "order": "id"}
    _, rows = books.call("PATCH", "books", asked(query), {"n": 1})
    assert changed(books) == [1, 2, 3]
    assert [row["authors"] for row in rows] == [{"name": "Lake"}, {"name": "Lake"}, None]


def test_a_filter_of_what_is_shown_below_a_table_that_is_not_bounds_what_is_shown(books: Tables) -> None:
    query = {"id": "lt.4", "select": "id,authors(lands!inner(land))", "authors.lands.land": "eq.Goa", "order": "id"}
    _, rows = books.call("PATCH", "books", asked(query), {"n": 1})
    assert changed(books) == [1, 2, 3]
    assert [row["authors"] for row in rows] == [{"lands": {"land": "Goa"}}] * 2 + [None]


@pytest.mark.parametrize(("limit", "number"), [("1", None), ("2", 2)])
def test_a_limit_on_what_is_added_is_kept(books: Tables, limit: str, number: int | None) -> None:
    rows = [{"id": 8}, {"id": 9}]
    if number is None:
        with pytest.raises(psycopg2.errors.ArraySubscriptError):
            books.call("POST", "books", asked({"limit": limit}), rows)
    else:
        assert books.call("POST", "books", asked({"limit": limit, "select": "id"}), rows) == (number, rows)


def test_rows_that_are_made_are_shown_without_those_of_others(books: Tables) -> None:
    rows = [{"id": 8, "author_id": None}, {"id": 9, "author_id": 1}]
    query = {"select": "id,authors!inner(name)", "order": "id"}
    assert books.call("POST", "books", asked(query), rows) == (
        2,
        [{"id": 8, "authors": None}, {"id": 9, "authors": {"name": "Lake"}}],
    )


@pytest.mark.parametrize(
    ("method", "query", "prefer", "code"),
    [
        ("PATCH", {"n": "eq.0", "authors.name": "eq.Lake", "select": "id,authors(name)"}, "", "PGRST100"),
        ("DELETE", {"n": "eq.0", "authors.lands.id": "eq.1", "select": "id,authors(lands!inner())"}, "", "PGRST100"),
        ("PATCH", {"id": "eq.1", "authors.lands.id": "eq.1", "select": "authors!inner(lands())"}, "", "PGRST100"),
        ("DELETE", {"authors": "is.null", "authors.lands.id": "eq.1", "select": "authors(lands())"}, "", "PGRST100"),
        (
            "PATCH",
            {"n": "eq.0", "authors.lands.or": "(id.eq.1,id.eq.3)", "select": "...authors!inner(lands(id))"},
            "",
            "PGRST100",
        ),
        ("PATCH", {"n": "eq.0", "authors.id": "eq.1", "select": "id,authors()"}, "return=representation", "PGRST100"),
        (
            "DELETE",
            {"n": "eq.0", "authors.lands.id": "eq.1", "select": "id,authors(name,lands())"},
            "return=representation",
            "PGRST100",
        ),
        ("POST", {"authors.id": "eq.1", "select": "id,authors()"}, "return=representation", "PGRST100"),
        ("PATCH", {"n": "eq.0", "authors.name": "eq.Lake"}, "return=representation", "PGRST108"),
        ("DELETE", {"select": "id,authors!inner(name)"}, "return=representation", "21000"),
        ("POST", {"authors.name": "eq.Lake", "select": "authors!inner()"}, "return=representation", "PGRST100"),
        (
            "PUT",
            {"id": "eq.1", "authors.name": "eq.x", "select": "authors!inner()"},
            "return=representation",
            "PGRST100",
        ),
    ],
)
def test_a_condition_without_an_effect_is_refused(
    books: Tables, method: str, query: dict[str, str], prefer: str, code: str
) -> None:
    body: Any = None if method == "DELETE" else {"id": 1, "n": 1, "author_id": 1}
    with pytest.raises(BadRequest) as refused:
        books.call(method, "books", asked(query), body, prefer)
    assert refused.value.code == code
    assert changed(books) == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    "query",
    [
        {"id": "gt.0", "select": "id,tags!inner(id)", "tags.offset": "1"},
        {"id": "gt.0", "select": "id,tags!inner(id)", "tags.limit": "0"},
        {"tags": "is.null", "select": "id,tags(id)", "tags.limit": "0"},
        {"tags": "not.is.null", "select": "id,tags(count)", "tags.tag": "eq.old"},
        {"id": "gt.0", "select": "id,authors!inner(lands!inner(id))", "authors.lands.offset": "1"},
    ],
)
def test_windows_and_aggregates_bound_no_change(books: Tables, method: str, query: dict[str, str]) -> None:
    """A read with them shows other rows than those that would change."""
    with pytest.raises(BadRequest) as refusal:
        books.call(method, "books", asked(query), {"n": 1} if method == "PATCH" else None)
    assert "bounds what is changed" in f"{refusal.value.details} {refusal.value}"


def test_a_limit_that_leaves_rows_does(books: Tables) -> None:
    query = {"tags.tag": "eq.new", "select": "id,tags!inner(tag)", "tags.limit": "1"}
    books.call("PATCH", "books", asked(query), {"n": 1})
    assert changed(books) == [1, 3]


@pytest.mark.parametrize("prefer", ["handling=strict,max-affected={},return=representation", "return=representation"])
def test_what_bounds_the_number_of_rows_counts_no_aggregates(books: Tables, prefer: str) -> None:
    """One row is shown of several that would change."""

    def change(most: int) -> tuple[int, Any]:
        query = {"id": "gt.0", "select": "...authors(count)", **({} if "max" in prefer else {"limit": str(most)})}
        return books.call("PATCH", "books", asked(query), {"n": 1}, prefer.format(most))

    assert change(4) == (1, [{"count": 3}])
    with pytest.raises(psycopg2.errors.ArraySubscriptError):
        change(3)


def test_windows_and_aggregates_of_what_is_added_are_answered(books: Tables) -> None:
    """Nothing bounds what is added."""
    query = {"select": "id,authors!inner(count)"}
    number, rows = books.call("POST", "books", asked(query), {"id": 9, "author_id": 1}, "return=representation")
    assert (number, rows) == (1, [{"id": 9, "authors": {"count": 1}}])

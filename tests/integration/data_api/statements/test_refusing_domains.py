"""Columns of domains that refuse NULL, where a body does not have them: only what a body names is made."""

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from tests.integration.data_api.statements.conftest import Connection, Tables

SCHEMA = """
CREATE DOMAIN full_text AS text NOT NULL;
CREATE DOMAIN checked AS int CHECK (VALUE IS NOT NULL);
CREATE DOMAIN fuller AS full_text CHECK (VALUE <> '');
CREATE TYPE pair AS (a full_text, b int);
CREATE DOMAIN full_pair AS pair CHECK ((VALUE).b IS NOT NULL);
CREATE TABLE things (
    id int PRIMARY KEY, gone int, note varchar(5), many full_text[], pair pair,
    a full_text DEFAULT 'a', b checked DEFAULT 1, c fuller DEFAULT 'c', d full_pair DEFAULT ROW('d', 1),
    doubled int GENERATED ALWAYS AS (id * 2) STORED
);
ALTER TABLE things DROP gone;
INSERT INTO things (id) VALUES (1), (2);
CREATE VIEW seen AS SELECT * FROM things;
CREATE TABLE needed (id int PRIMARY KEY, a full_text, b checked, note text);
CREATE VIEW seen_needed AS SELECT * FROM needed;
INSERT INTO needed VALUES (1, 'x', 1);
"""
UPSERT = "resolution=merge-duplicates,return=representation"
DEFAULTS = "missing=default,return=representation"


@pytest.fixture(scope="module")
def schema(database: Connection) -> Iterator[None]:
    database.cursor().execute(SCHEMA)
    yield
    database.cursor().execute("DROP TABLE things, needed CASCADE; DROP TYPE pair CASCADE; DROP DOMAIN checked, fuller")
    database.cursor().execute("DROP DOMAIN full_text")


@pytest.fixture
def things(schema: None, tables: Tables) -> Tables:
    return tables


def call(
    things: Tables, method: str, table: str, body: Any, prefer: str = "return=representation", **query: str
) -> list[Any]:
    asked = {key: [text] for key, text in {"select": "id,note,a,b", **query}.items()}
    return list(things.call(method, table, asked, body, prefer)[1])


@pytest.mark.parametrize("table", ["things", "seen"])
def test_a_body_need_not_have_them(things: Tables, table: str) -> None:
    added = {"id": 3, "note": "n", "a": "a", "b": 1}
    assert call(things, "POST", table, {"id": 3, "note": "n"}) == [added]
    assert call(things, "POST", table, [{"id": 4}, {"id": 5}], select="id") == [{"id": 4}, {"id": 5}]
    assert call(things, "POST", table, {"id": 3, "note": "m"}, UPSERT, on_conflict="id") == [added | {"note": "m"}]
    assert call(things, "PATCH", table, {"note": "p"}, id="eq.3") == [added | {"note": "p"}]
    assert call(things, "PUT", table, {"id": 3, "note": "q"}, id="eq.3") == [added | {"note": "q"}]
    assert call(things, "PUT", table, {"id": 6}, id="eq.6", select="id,doubled") == [{"id": 6, "doubled": 12}]


def test_nor_do_rows_that_some_have(things: Tables) -> None:
    rows = [{"id": 3, "note": "x"}, {"id": 4}]
    shown = [{"id": 3, "note": "x"}, {"id": 4, "note": None}]
    empty = {"id": 3, "note": None}
    assert call(things, "POST", "things", rows, columns="id,note", select="id,note") == shown
    assert call(things, "PATCH", "things", {}, columns="note", id="eq.3", select="id,note") == [empty]


def test_what_is_left_out_gets_its_default(things: Tables) -> None:
    rows = [{"id": 3, "a": "x"}, {"id": 4, "b": 7}]
    columns = "id,a,b,c,d"
    given = call(things, "POST", "things", rows, DEFAULTS, columns=columns, select="id,a,b,c,d")
    others = {"c": "c", "d": {"a": "d", "b": 1}}
    assert given == [{"id": 3, "a": "x", "b": 1, **others}, {"id": 4, "a": "a", "b": 7, **others}]
    changed = call(things, "PATCH", "things", {"b": 9}, DEFAULTS, columns="a,b", id="eq.3")
    assert changed == [{"id": 3, "note": None, "a": "a", "b": 9}]
    (replaced,) = call(things, "POST", "things", {"id": 4}, f"{DEFAULTS},{UPSERT}", columns="id,b", on_conflict="id")
    assert replaced["b"] == 1


def test_so_do_more_columns_than_a_function_has_arguments(things: Tables) -> None:
    names = [f"c{number}" for number in range(120)]
    things.cursor.execute(f"CREATE TABLE wide (id int, {', '.join(f'{name} int DEFAULT 5' for name in names)})")
    rows = [{"id": 1, **dict.fromkeys(names, 7)}, {"id": 2}]
    given = call(things, "POST", "wide", rows, DEFAULTS, columns=",".join(["id", *names]), select="*")
    assert given == [rows[0], {"id": 2, **dict.fromkeys(names, 5)}]


def test_other_columns_of_such_types_are_what_the_body_says(things: Tables) -> None:
    body = {"id": 3, "many": ["x", "y"], "pair": {"a": "z"}, "d": {"a": "d", "b": 2}}
    assert call(things, "POST", "things", body, select="id,many,pair,d") == [body | {"pair": {"a": "z", "b": None}}]


@pytest.mark.parametrize("table", ["needed", "seen_needed"])
@pytest.mark.parametrize(
    ("method", "body", "query", "code"),
    [
        ("POST", {"id": 3, "a": None, "b": 1}, {}, "23502"),
        ("POST", {"id": 3, "a": "x", "b": None}, {}, "23514"),
        ("POST", [{"id": 3, "a": "x", "b": 1}, {"id": 4, "a": "x"}], {"columns": "id,a,b"}, "23514"),
        ("POST", [{"id": 3, "b": 1}, {"id": 4, "b": 1}], {"columns": "id,a,b"}, "23502"),
        ("POST", [{"id": 3, "b": 1}, {"id": 4, "a": "x"}], {"columns": "id,a,b", "prefer": DEFAULTS}, "23502"),
        ("POST", {"id": 3, "b": 1}, {}, "23502"),
        ("POST", {"id": 1, "b": 1}, {"on_conflict": "id", "columns": "id,a,b", "prefer": UPSERT}, "23502"),
        ("PATCH", {"a": None}, {"id": "eq.1"}, "23502"),
        ("PATCH", {}, {"id": "eq.1", "columns": "b"}, "23514"),
        ("PATCH", {"note": "x"}, {"id": "eq.1", "columns": "a,note"}, "23502"),
        ("PUT", {"id": 1, "a": "y", "b": None}, {"id": "eq.1"}, "23514"),
        ("PUT", {"id": 1, "a": "y"}, {"id": "eq.1", "columns": "id,a,b"}, "23514"),
    ],
)
def test_what_a_domain_refuses_is_not_stored(
    things: Tables, table: str, method: str, body: Any, query: dict[str, str], code: str
) -> None:
    """Also where the body says nothing of it and `columns` does."""
    with pytest.raises(psycopg2.Error) as refused:
        call(things, method, table, body, **query)
    assert refused.value.pgcode == code


def test_a_part_of_a_composite_is_not_left_out(things: Tables) -> None:
    with pytest.raises(psycopg2.errors.NotNullViolation):
        call(things, "POST", "things", {"id": 3, "pair": {"b": 1}})

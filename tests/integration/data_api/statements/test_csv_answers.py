"""Answers that are CSV: what RFC 4180 wants in quotes and nothing else, and the same again when it is sent back."""

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantry.postgrest import Request, plan
from tests.integration.data_api.statements.conftest import Tables

SCHEMA = r"""
CREATE TYPE pair AS (a text, b int);
CREATE TABLE texts (
    id int, "first, name" text, "say ""hi"" now" text, words text[], pair pair, bytes bytea, truth boolean
);
CREATE TABLE again (LIKE texts);
"""
COLUMNS = '(id, "first, name", "say ""hi"" now", words, pair, bytes, truth)'
CHARACTERS = st.sampled_from("\\\",()\r\n\t {}'NULaé😀.") | st.characters(codec="utf-8", exclude_characters="\0")
TEXTS = st.sampled_from(
    ["", "NULL", "null", '"', "\\", ",", "C:\\new", '","', "a,NULL,b", '""', ',"b c",', "\n"]
) | st.text(CHARACTERS, max_size=12)
ROWS = st.lists(
    st.tuples(
        TEXTS,
        TEXTS,
        st.lists(st.none() | TEXTS, max_size=3),
        st.tuples(st.none() | TEXTS, st.integers(-5, 5)),
        st.binary(max_size=6),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def fetch(tables: Tables, query: dict[str, str], table: str = "texts") -> str:
    asked = {key: [text] for key, text in query.items()}
    planned = plan(Request("GET", table, asked, accept="text/csv"))
    assert not planned.values
    tables.cursor.execute(planned.text)
    [(_, _, text, *_)] = tables.cursor.fetchall()
    return str(text)


def send(tables: Tables, text: str) -> None:
    planned = plan(Request("POST", "again", {}, content_type="text/csv", body=text.encode()))
    tables.cursor.execute("PREPARE sent AS " + planned.text)
    tables.cursor.execute(f"EXECUTE sent({', '.join(['%s'] * len(planned.values))})", planned.values)
    tables.cursor.execute("DEALLOCATE sent")


@pytest.fixture
def texts(tables: Tables) -> Tables:
    tables.cursor.execute(SCHEMA)
    return tables


def put(texts: Tables, rows: list[tuple[Any, ...]]) -> None:
    texts.cursor.execute("TRUNCATE texts, again")
    for number, row in enumerate(rows):
        texts.cursor.execute(f"INSERT INTO texts {COLUMNS} VALUES (%s, %s, %s, %s, %s::pair, %s, %s)", (number, *row))


@given(ROWS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_read_can_be_sent_back(texts: Tables, rows: list[tuple[Any, ...]]) -> None:
    put(texts, rows)
    text = fetch(texts, {"order": "id"})
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header[:3] == ["id", "first, name", 'say "hi" now']
    assert [line[1:3] for line in lines] == [list(row[:2]) for row in rows]
    send(texts, text)
    texts.cursor.execute("TABLE texts EXCEPT ALL TABLE again")
    assert texts.cursor.fetchall() == []
    texts.cursor.execute("SELECT count(*) FROM again")
    assert texts.cursor.fetchall() == [(len(rows),)]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("two words (here)", "two words (here)"),
        ("C:\\new", "C:\\new"),
        ("\\\\", "\\\\"),
        (" ", " "),
        (None, ""),
        ("", '""'),
        ("NULL", '"NULL"'),
        ("NULLS", "NULLS"),
        ("a,b", '"a,b"'),
        ('say "x"', '"say ""x"""'),
        ("a\nb", '"a\nb"'),
        ("a\rb", '"a\rb"'),
        ("x, NULL ,y", '"x, NULL ,y"'),
        (",NULL,", '",NULL,"'),
    ],
)
def test_a_value_is_in_quotes_where_it_has_to_be(texts: Tables, value: str | None, written: str) -> None:
    put(texts, [(value, "z z", None, None, None, None)])
    select = '"first, name",id,"say \\"hi\\" now",bytes'
    text = fetch(texts, {"select": select})
    assert text == f'"first, name",id,"say ""hi"" now",bytes\n{written},0,z z,'


def test_values_of_other_types_are_as_postgresql_writes_them(texts: Tables) -> None:
    put(texts, [("a", "b", ["x", None, 'y"z'], ("two words", 2), b"\x00\\", True)])
    assert fetch(texts, {"select": "words,pair,bytes,truth"}).split("\n")[1] == (
        '"{x,NULL,""y\\""z""}","(""two words"",2)",\\x005c,t'
    )


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([None], "NULL"),
        ([None, "", "NULL", "x"], 'NULL\n""\n"NULL"\nx'),
        (["x", None, None], "x\nNULL\nNULL"),
        (["", ""], '""\n""'),
    ],
)
def test_a_row_of_one_field_is_no_empty_line(texts: Tables, values: list[str | None], written: str) -> None:
    """It would be gone when it is sent back, or read by a spreadsheet."""
    put(texts, [(value, "", None, None, None, None) for value in values])
    text = fetch(texts, {"select": '"first, name"', "order": "id"})
    assert text == f'"first, name"\n{written}'
    send(texts, text)
    texts.cursor.execute('SELECT "first, name" FROM again')
    assert [row[0] for row in texts.cursor.fetchall()] == values


def test_without_rows_there_are_no_names(texts: Tables) -> None:
    assert fetch(texts, {}) == "\n"

"""Statements with their values named, for psycopg2 to write out."""

import pytest

from tenantry.database.plain_statements import PlainStatements


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("SELECT $1, $2::int", "SELECT %(1)s, %(2)s::int"),
        ("SELECT $1 || $1", "SELECT %(1)s || %(1)s"),
        ("SELECT $12", "SELECT %(12)s"),
        ('SELECT "$1", "a""$2" = $1', 'SELECT "$1", "a""$2" = %(1)s'),
        ("SELECT '$1', 'it''s $2', $1", "SELECT '$1', 'it''s $2', %(1)s"),
        ("SELECT 5 % 2, '%s' LIKE $1", "SELECT 5 %% 2, '%%s' LIKE %(1)s"),
        ("SELECT 1 -- it's $2\n, $1", "SELECT 1 -- it's $2\n, %(1)s"),
    ],
)
def test_a_placeholder_is_one_only_where_it_is_not_quoted(text: str, written: str) -> None:
    statements = PlainStatements()
    assert [statements.execution(text, 1) for _ in range(2)] == [(written, False)] * 2


def test_it_may_be_explained() -> None:
    execution = PlainStatements().execution("SELECT $1", 1, ("FORMAT JSON", "ANALYZE"))
    assert execution == ("EXPLAIN (FORMAT JSON, ANALYZE) SELECT %(1)s", False)


def test_values_are_named_by_their_places() -> None:
    assert PlainStatements().arguments(("a", None)) == {"1": "a", "2": None}


def test_few_texts_are_kept_and_no_long_ones() -> None:
    statements = PlainStatements()
    for number in range(200):
        statements.execution(f"SELECT {number}", 0)
    statements.execution("SELECT 1" + " " * 100_000, 0)
    assert len(statements._templates) == 64
    assert max(map(len, statements._templates)) < 100

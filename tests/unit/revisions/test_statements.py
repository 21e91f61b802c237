"""The linter's own reading of SQL: where statements end, and which tables they are about."""

import pytest

from tenantry.revisions.lint.statements import split


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("-- nothing\n;;", []),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';' ; SELECT ';''x'", ["SELECT ';'", "SELECT ';''x'"]),
        (r"SELECT E'\';' ; SELECT 2", [r"SELECT E'\';'", "SELECT 2"]),
        ('DROP TABLE "a;b" ; SELECT 2', ['DROP TABLE "a;b"', "SELECT 2"]),
        ("SELECT $$;$$, $x$;$$;$x$; SELECT 2", ["SELECT $$;$$, $x$;$$;$x$", "SELECT 2"]),
        ("SELECT 1 -- ;\n; /* ; */ SELECT 2", ["SELECT 1 -- ;", "/* ; */ SELECT 2"]),
        (
            "CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2); SELECT 3",
            ["CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2)", "SELECT 3"],
        ),
    ],
)
def test_statements_end_at_their_semicolons(text: str, statements: list[str]) -> None:
    assert [statement.text for statement in split(text)] == statements


def test_the_body_of_a_function_is_not_split() -> None:
    text = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END"
    assert [statement.text for statement in split(text)] == [text]


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("ALTER TABLE t ADD COLUMN a text", ("t",)),
        ("alter table if exists only Public.T add a text", ("public.t",)),
        ('ALTER TABLE "Odd "" name" ADD a text', ('Odd " name',)),
        ("ALTER /* x */ TABLE\n t RENAME TO u", ("t",)),
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t (a)", ("t",)),
        ("CREATE INDEX ON t (a)", ("t",)),
        ('CREATE INDEX "on" ON t (a)', ("t",)),
        ("DROP TABLE IF EXISTS a, b.c CASCADE", ("a", "b.c")),
        ("TRUNCATE ONLY a, ONLY b", ("a", "b")),
        ("UPDATE t SET a = 1", ("t",)),
        ("DELETE FROM ONLY t", ("t",)),
        ("INSERT INTO t (a) SELECT 1", ("t",)),
        ("REINDEX (VERBOSE) TABLE CONCURRENTLY t", ("t",)),
        ("VACUUM (FULL, ANALYZE) t", ("t",)),
        ("REFRESH MATERIALIZED VIEW m", ("m",)),
        ("DROP INDEX i", ()),
        ("SELECT 'DROP TABLE t'", ()),
    ],
)
def test_the_tables_that_a_statement_begins_with(statement: str, tables: tuple[str, ...]) -> None:
    assert [one.tables for one in split(statement)] == [tables]


@pytest.mark.parametrize(
    ("statement", "made"),
    [
        ("CREATE TABLE t (a text)", "t"),
        ('CREATE UNLOGGED TABLE public."T" (a text)', "public.T"),
        ("CREATE TABLE t (a text CHECK (a IN ('AS')), b text)", "t"),
        ("CREATE TABLE IF NOT EXISTS t (a text)", ""),
        ("CREATE TABLE t AS SELECT 1", ""),
        ("CREATE TABLE t (a) AS SELECT 1", ""),
        ("CREATE TABLE t PARTITION OF u DEFAULT", ""),
        ("CREATE INDEX i ON t (a)", ""),
    ],
)
def test_a_table_is_known_to_be_empty_where_it_is_made_so(statement: str, made: str) -> None:
    assert [one.made_table for one in split(statement)] == [made]

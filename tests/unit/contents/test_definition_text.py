"""Definitions are equal when PostgreSQL has read and written them once more, and under another schema's name."""

import pytest

from tenantry.contents.definition_text import Neutraliser

ONE, OTHER = Neutraliser(["acme", "public"]), Neutraliser(['"o-ther"', "public"])
# As it is written first, and once it was read.
ONCE_MORE = [
    (
        "CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
        "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
    ),
    ("(((x >= 1) AND (x <= 2)) AND y)", "((x >= 1) AND (x <= 2) AND y)"),
    ("(ARRAY['a'::bpchar])::character(3)[]", "ARRAY[('a'::bpchar)::character(3)]"),
    ("FROM acme.f((1), ')') q(a, \"b (\")", "FROM acme.f((1), ')') q(a, \"b (\", c)"),
    ("(f(1) f(x, b) JOIN u USING (x)) j(x, y)", "(f(1) f(x, b, c) JOIN u USING (x)) j(x, y)"),
    ("ROW(1, 'x'::text, NULL)::acme.t", "ROW(1, 'x'::text, NULL::integer)::acme.t"),
]
DIFFERENT = [
    ("(a > 1)", "(a > 2)"),
    ("'(a)'::text", "'a'::text"),
    ("(a)::timestamp(3) with time zone", "(a)::timestamp(3) without time zone"),
    ("(a)::interval day to second(3)", "(a)::interval"),
    ("(a)::acme.t", "(a)::elsewhere.t"),
    ("a AND b OR c", "a AND b AND c"),
    ('"A b"', '"A c"'),
    ("ROWS FROM(f(), g()) q(a, b)", "ROWS FROM(f(), g()) q(a, b, c)"),
    ("UNNEST(x, y) q(a, b)", "UNNEST(x, y) q(a, b, c)"),
    ("f() WITH ORDINALITY q(a, b)", "f() WITH ORDINALITY q(a, c, b)"),
    ("(f() JOIN u) j(a)", "(f() JOIN u) j(b)"),
    ("(1 + f(a, b))", "(1 + f(a, c))"),
]
# In a schema of one name, and in one of another.
RENAMED = [
    ("acme.f(acme.t, integer)", '"o-ther".f("o-ther".t, integer)'),
    ("nextval('acme.\"s q\"'::regclass)", 'nextval(\'"o-ther"."s q"\'::regclass)'),
    ("SELECT public.id FROM acme.public", 'SELECT public.id FROM "o-ther".public'),
    ("(x)::acme.money[]", '(x)::"o-ther".money[]'),
    ('"acme.x".y', '"acme.x".y'),
    ("'acme.x'::text", "'acme.x'::text"),
    ("t.acme.x", "t.acme.x"),
]


@pytest.mark.parametrize(("first", "then"), ONCE_MORE)
def test_what_was_read_and_written_once_more_is_equal(first: str, then: str) -> None:
    assert ONE.written(first) == ONE.written(then)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_is_different_stays_different(one: str, other: str) -> None:
    assert ONE.written(one) != ONE.written(other)


@pytest.mark.parametrize(("here", "there"), RENAMED)
def test_the_main_schema_has_no_name(here: str, there: str) -> None:
    assert ONE.written(here) == OTHER.written(there)


@pytest.mark.parametrize(("here", "there"), [(a, b) for a, b in RENAMED if "'" not in a])
def test_nor_has_it_in_names(here: str, there: str) -> None:
    assert ONE.names(here) == OTHER.names(there)
    assert (ONE.names("acme"), ONE.names("acmes.t"), ONE.names("acme.t")) == ("@", "acmes.t", "@.t")

import pytest

from tenantry.domain.errors import BadRequest, GrammarError
from tenantry.postgrest.grammar.filters import parse_filter
from tenantry.postgrest.grammar.syntax import Field, Filter, JsonArrow


@pytest.mark.parametrize(
    ("text", "comparison", "value"),
    [
        ("eq.5", "= %s", "5"),
        ("eq.", "= %s", ""),
        ("eq.a.b,c(d)", "= %s", "a.b,c(d)"),
        ("eq.50%*", "= %s", "50%*"),
        ("neq.x", "<> %s", "x"),
        ("gt.1", "> %s", "1"),
        ("gte.1", ">= %s", "1"),
        ("lt.1", "< %s", "1"),
        ("lte.1", "<= %s", "1"),
        ("like.A*", "LIKE %s", "A%"),
        ("ilike.*a_%", "ILIKE %s", "%a_%"),
        ("is.null", "IS NULL", None),
        ("is.NULL", "IS NULL", None),
        ("is.not_null", "IS NOT NULL", None),
        ("is.true", "IS TRUE", None),
        ("is.False", "IS FALSE", None),
        ("is.unknown", "IS UNKNOWN", None),
        ("match.^a", "~ %s", "^a"),
        ("imatch.*", "~* %s", "*"),
        ("isdistinct.1", "IS DISTINCT FROM %s", "1"),
        ("cs.{a}", "@> %s", "{a}"),
        ("cd.{a}", "<@ %s", "{a}"),
        ("ov.[1,2)", "&& %s", "[1,2)"),
        ("sl.[1,2)", "<< %s", "[1,2)"),
        ("sr.[1,2)", ">> %s", "[1,2)"),
        ("nxr.[1,2)", "&< %s", "[1,2)"),
        ("nxl.[1,2)", "&> %s", "[1,2)"),
        ("adj.[1,2)", "-|- %s", "[1,2)"),
        ("eq(any).{1,2}", "= ANY(%s)", "{1,2}"),
        ("like(all).{a*,*b}", "LIKE ALL(%s)", "{a%,%b}"),
    ],
)
@pytest.mark.parametrize("negated", [False, True])
def test_parses_comparisons(text: str, comparison: str, value: str | None, negated: bool) -> None:
    parsed = parse_filter("age", "not." + text if negated else text, 10)

    assert parsed == ((), Filter(Field("age"), comparison, value, negated))


@pytest.mark.parametrize(
    ("text", "array"),
    [
        ("in.(1,2)", '{"1","2"}'),
        ("in. (1,2) ", '{"1","2"}'),
        ('in.(a,"b,c",d)', '{"a","b,c","d"}'),
        (r'in.("say \"hi\"","back\\slash")', r'{"say \"hi\"","back\\slash"}'),
        (r"in.(raw\slash)", r'{"raw\\slash"}'),
        ('in.("a"b,c)', r'{"\"a\"b","c"}'),
        ("in.(,)", '{"",""}'),
        ("in.()", "{}"),
        ('in.("")', '{""}'),
        ("in.({a},NULL)", '{"{a}","NULL"}'),
    ],
)
def test_a_list_becomes_one_array_literal(text: str, array: str) -> None:
    assert parse_filter("x", text, 10)[1] == Filter(Field("x"), "= ANY(%s)", array)


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("age", "age"),
        ('"a.b"', "a.b"),
        ("first name", "first name"),
        ("e-mail", "e-mail"),
        ("größe", "größe"),
        ("clients.projects.name", "name"),
    ],
)
def test_reads_the_column(key: str, column: str) -> None:
    assert parse_filter(key, "eq.1", 10)[1].field == Field(column)


def test_reads_what_a_filter_leads_through() -> None:
    relations, found = parse_filter("clients.e-mail->a->>0", "eq.1", 10)

    assert relations == ("clients",)
    assert found.field == Field("e-mail", (JsonArrow("a", False), JsonArrow(0, True)))


@pytest.mark.parametrize(("mark", "language"), [("", None), ("(english)", "english")])
def test_a_search_knows_its_language(mark: str, language: str | None) -> None:
    _, found = parse_filter("x", f"not.wfts{mark}.fat cat", 10)

    assert found == Filter(Field("x"), "websearch_to_tsquery", "fat cat", True, True, language)


@pytest.mark.parametrize(
    ("text", "position", "details"),
    [
        ("", 1, 'unexpected end of input expecting "not" or operator (eq, gt, ...)'),
        ("5", 1, 'unexpected "5" expecting "not" or operator (eq, gt, ...)'),
        ("noop.0", 1, 'unexpected "n" expecting "not" or operator (eq, gt, ...)'),
        ("EQ.0", 1, 'unexpected "E" expecting "not" or operator (eq, gt, ...)'),
        ("not.noop.0", 5, 'unexpected "n" expecting "not" or operator (eq, gt, ...)'),
        ("not.not.eq.0", 5, 'unexpected "n" expecting "not" or operator (eq, gt, ...)'),
        ("eq", 3, "unexpected end of input expecting delimiter (.)"),
        ("not", 4, "unexpected end of input expecting delimiter (.)"),
        ("not.in", 7, "unexpected end of input expecting delimiter (.)"),
        ("is.nil", 4, 'unexpected "n" expecting isVal: (null, not_null, true, false, unknown)'),
        ("is.", 4, "unexpected end of input expecting isVal: (null, not_null, true, false, unknown)"),
        ("in.1,2", 4, 'unexpected "1" expecting "("'),
        ("in.", 4, 'unexpected end of input expecting "("'),
        ("in.(1,2", 8, 'unexpected end of input expecting "," or ")"'),
        ("in.(1)2", 7, 'unexpected "2" expecting end of input'),
    ],
)
def test_says_where_a_filter_stopped(text: str, position: int, details: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse_filter("age", text, 10)

    assert refused.value.code == "PGRST100"
    assert refused.value.message == f'"failed to parse filter ({text})" (line 1, column {position})'
    assert refused.value.details == details


@pytest.mark.parametrize("key", ["", "a;b", "a'b", 'a"b', '"a', "a:b", "a(b)", "(a)", "a.", ".a", "a\n"])
def test_refuses_keys_that_are_no_column(key: str) -> None:
    with pytest.raises(GrammarError):
        parse_filter(key, "eq.1", 10)


@pytest.mark.parametrize("text", ["eq.a\0b", "like.\0", "in.(a,\0)", "eq.\ud800"])
def test_refuses_values_that_postgresql_cannot_store(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_filter("x", text, 10)


def test_limits_the_length_of_a_list() -> None:
    parse_filter("x", "in.(1,2,3)", 3)
    with pytest.raises(GrammarError, match="at most 2"):
        parse_filter("x", "in.(1,2,3)", 2)


def test_a_long_text_is_echoed_in_part_only() -> None:
    with pytest.raises(GrammarError) as refused:
        parse_filter("x", "z" * 10_000, 10)

    assert len(refused.value.message) < 300

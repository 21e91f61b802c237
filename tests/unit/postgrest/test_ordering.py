import pytest

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.ordering import parse_order
from tenantry.postgrest.syntax import OrderTerm


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("name", (OrderTerm("name", ""),)),
        ("name.asc", (OrderTerm("name", " ASC"),)),
        ("name.desc.nullsfirst", (OrderTerm("name", " DESC NULLS FIRST"),)),
        ("name.nullslast", (OrderTerm("name", " NULLS LAST"),)),
        ("a.desc, b.asc.nullslast", (OrderTerm("a", " DESC"), OrderTerm("b", " ASC NULLS LAST"))),
        ('"a.b".desc', (OrderTerm("a.b", " DESC"),)),
    ],
)
def test_parses_order(text: str, terms: tuple[OrderTerm, ...]) -> None:
    assert parse_order(text, 10) == terms


@pytest.mark.parametrize(
    ("text", "column", "details"),
    [
        ("", 1, "unexpected end of input expecting field name (* or [a..z0..9_$])"),
        ("id,", 4, "unexpected end of input expecting field name (* or [a..z0..9_$])"),
        ("id.ac", 4, 'unexpected "a" expecting "asc", "desc", "nullsfirst" or "nullslast"'),
        ("id.asc.nlsfst", 8, 'unexpected "n" expecting "nullsfirst" or "nullslast"'),
        ("id;", 3, 'unexpected ";" expecting delimiter (.), "," or end of input'),
        ("id.desc;drop", 4, 'unexpected "d" expecting "asc", "desc", "nullsfirst" or "nullslast"'),
    ],
)
def test_says_where_order_stopped(text: str, column: int, details: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse_order(text, 10)

    assert refused.value.message == f'"failed to parse order ({text})" (line 1, column {column})'
    assert refused.value.details == details


@pytest.mark.parametrize("text", ["data->a.desc", "clients(name).desc"])
def test_names_what_is_to_come(text: str) -> None:
    with pytest.raises(GrammarError, match="not supported yet"):
        parse_order(text, 10)


def test_limits_the_number_of_terms() -> None:
    with pytest.raises(GrammarError, match="at most 2"):
        parse_order("a,b,c", 2)

import pytest

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.fields import FIELD_NAME
from tenantry.postgrest.grammar.ordering import parse_order
from tenantry.postgrest.grammar.syntax import Field, JsonArrow, OrderTerm


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("name", (OrderTerm(Field("name"), ""),)),
        ("name.asc", (OrderTerm(Field("name"), " ASC"),)),
        ("name.desc.nullsfirst", (OrderTerm(Field("name"), " DESC NULLS FIRST"),)),
        ("name.nullslast", (OrderTerm(Field("name"), " NULLS LAST"),)),
        ("a.desc, b.asc.nullslast", (OrderTerm(Field("a"), " DESC"), OrderTerm(Field("b"), " ASC NULLS LAST"))),
        ("data->a->>0.desc", (OrderTerm(Field("data", (JsonArrow("a", False), JsonArrow(0, True))), " DESC"),)),
        ("clients(name).desc,id", (OrderTerm(Field("name"), " DESC", "clients"), OrderTerm(Field("id"), ""))),
        ('"a.b".desc', (OrderTerm(Field("a.b"), " DESC"),)),
    ],
)
def test_parses_order(text: str, terms: tuple[OrderTerm, ...]) -> None:
    assert parse_order(text, 10) == terms


@pytest.mark.parametrize(
    ("text", "column", "details"),
    [
        ("", 1, f"unexpected end of input expecting {FIELD_NAME}"),
        ("id,", 4, f"unexpected end of input expecting {FIELD_NAME}"),
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


def test_limits_the_number_of_terms() -> None:
    with pytest.raises(GrammarError, match="at most 2"):
        parse_order("a,b,c", 2)

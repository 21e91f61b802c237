import pytest

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.selection import EVERYTHING, parse_columns, parse_select
from tenantry.postgrest.syntax import SelectItem


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", EVERYTHING),
        ("*", EVERYTHING),
        ("id", (SelectItem("id"),)),
        ("id,name", (SelectItem("id"), SelectItem("name"))),
        (" id , name ", (SelectItem("id"), SelectItem("name"))),
        ("\tid\t,*", (SelectItem("id"), SelectItem(None))),
        ("full:name", (SelectItem("name", "full"),)),
        ("id::text", (SelectItem("id", None, '"text"'),)),
        ("n:id::text", (SelectItem("id", "n", '"text"'),)),
        ("id::numeric(10,2),name", (SelectItem("id", None, '"numeric"(10,2)'), SelectItem("name"))),
        ('"a b","c,d"', (SelectItem("a b"), SelectItem("c,d"))),
        (r'"x \"y\"":"a:b"::text', (SelectItem("a:b", 'x "y"', '"text"'),)),
        ("first name,e-mail", (SelectItem("first name"), SelectItem("e-mail"))),
        ("größe,$x,123", (SelectItem("größe"), SelectItem("$x"), SelectItem("123"))),
        ('"*"', (SelectItem("*"),)),
    ],
)
def test_parses_select(text: str, items: tuple[SelectItem, ...]) -> None:
    assert parse_select(text, 10) == items


@pytest.mark.parametrize(
    ("text", "column", "unexpected"),
    [
        (",", 1, '","'),
        ("id,", 4, "end of input"),
        ("id,,name", 4, '","'),
        ("id;drop", 3, '";"'),
        ("a:", 3, "end of input"),
        ("a:*", 3, '"*"'),
        ("id::", 3, '":"'),
        ("id::int;", 8, '";"'),
        (":x", 1, '":"'),
        ('"open', 1, '"""'),
        ("'x'", 1, '"\'"'),
        ("**", 1, '"*"'),
    ],
)
def test_says_where_select_stopped(text: str, column: int, unexpected: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse_select(text, 10)

    assert refused.value.code == "PGRST100"
    assert refused.value.message == f'"failed to parse select parameter ({text})" (line 1, column {column})'
    assert (refused.value.details or "").startswith(f"unexpected {unexpected} expecting ")


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("id,clients(*)", "embedding"),
        ("clients!inner(id)", "embedding"),
        ("c:clients(id)", "embedding"),
        ("...clients(id)", "spreading"),
        ("data->a", "JSON path"),
        ("x:data->>a", "JSON path"),
        ("age.sum()", "aggregate"),
        ("count()", "aggregate"),
        ("n:count()", "aggregate"),
        ("age::int.avg()", "aggregate"),
    ],
)
def test_names_what_is_to_come(text: str, feature: str) -> None:
    with pytest.raises(GrammarError, match="not supported yet") as refused:
        parse_select(text, 10)

    assert feature in refused.value.message


def test_limits_the_number_of_items() -> None:
    assert len(parse_select("a,b,c", 3)) == 3
    with pytest.raises(GrammarError, match="at most 2"):
        parse_select("a,b,c", 2)


def test_columns_are_distinct_names_in_a_fixed_order() -> None:
    assert parse_columns('name, "a b",id,name', 10) == ("a b", "id", "name")


@pytest.mark.parametrize("text", ["", ",", "a,", "a:b", "*", "a::text", "a,b,c,d"])
def test_refuses_columns_that_are_no_names(text: str) -> None:
    with pytest.raises(GrammarError):
        parse_columns(text, 3)

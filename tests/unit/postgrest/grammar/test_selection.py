import pytest

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.selection import EVERYTHING, Items, parse_names
from tenantry.postgrest.grammar.selection import parse_select as parse_nested
from tenantry.postgrest.grammar.syntax import STAR, Embed, Field, JsonArrow, SelectItem


def column(name: str, alias: str | None = None, cast: str | None = None) -> SelectItem:
    return SelectItem(Field(name), alias, cast)


def parse_select(text: str, max_items: int) -> Items:
    return parse_nested(text, max_items, 3)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", EVERYTHING),
        ("*", EVERYTHING),
        ("id", (column("id"),)),
        ("id,name", (column("id"), column("name"))),
        (" id , name ", (column("id"), column("name"))),
        ("\tid\t,*", (column("id"), SelectItem(STAR))),
        ("full:name", (column("name", "full"),)),
        ("id::text", (column("id", None, '"pg_catalog"."text"'),)),
        ("n:id::text", (column("id", "n", '"pg_catalog"."text"'),)),
        ("id::numeric(10,2),name", (column("id", None, '"pg_catalog"."numeric"(10,2)'), column("name"))),
        ('"a b","c,d"', (column("a b"), column("c,d"))),
        (r'"x \"y\"":"a:b"::text', (column("a:b", 'x "y"', '"pg_catalog"."text"'),)),
        ("first name,e-mail", (column("first name"), column("e-mail"))),
        ("größe,$x,123", (column("größe"), column("$x"), column("123"))),
        ("data->a->>0", (SelectItem(Field("data", (JsonArrow("a", False), JsonArrow(0, True)))),)),
        ("x:data->>-1::int", (SelectItem(Field("data", (JsonArrow(-1, True),)), "x", '"pg_catalog"."int4"'),)),
        ('data->"a.b"->>c-d', (SelectItem(Field("data", (JsonArrow("a.b", False), JsonArrow("c-d", True)))),)),
        ("count()", (SelectItem(STAR, aggregate="count"),)),
        ("n:count()::text", (SelectItem(STAR, "n", aggregate="count", aggregate_cast='"pg_catalog"."text"'),)),
        ("age.sum()", (SelectItem(Field("age"), aggregate="sum"),)),
        (
            "a:age::int.avg()::text",
            (SelectItem(Field("age"), "a", '"pg_catalog"."int4"', "avg", '"pg_catalog"."text"'),),
        ),
        ("clients()", (Embed("clients"),)),
        ("id,clients(*)", (column("id"), Embed("clients", items=EVERYTHING))),
        ("c:clients!inner(id,name)", (Embed("clients", "c", inner=True, items=(column("id"), column("name"))),)),
        ("clients!key!inner( id )", (Embed("clients", hint="key", inner=True, items=(column("id"),)),)),
        ("clients!left!key(id)", (Embed("clients", hint="key", items=(column("id"),)),)),
        ("...clients(id)", (Embed("clients", spread=True, items=(column("id"),)),)),
        ("a(b(c(d)))", (Embed("a", items=(Embed("b", items=(Embed("c", items=(column("d"),)),)),)),)),
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
        ("a:", 2, '":"'),
        ("a:*", 2, '":"'),
        ("id::", 3, '":"'),
        ("id::int;", 8, '";"'),
        (":x", 1, '":"'),
        ('"open', 1, '"""'),
        ("'x'", 1, '"\'"'),
        ("**", 1, '"*"'),
        ("a(b", 4, "end of input"),
        ("a(b))", 5, '")"'),
        ("a(,b)", 3, '","'),
        ("a.median()", 2, '"."'),
        ("data->", 5, '"-"'),
    ],
)
def test_says_where_select_stopped(text: str, column: int, unexpected: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse_select(text, 10)

    assert refused.value.code == "PGRST100"
    assert refused.value.message == f'"failed to parse select parameter ({text})" (line 1, column {column})'
    assert str(refused.value.details).startswith(f"unexpected {unexpected} expecting ")


def test_limits_the_depth() -> None:
    assert parse_nested("a(b(c))", 10, 2)
    with pytest.raises(GrammarError, match="at most 1"):
        parse_nested("a(b(c))", 10, 1)


def test_limits_the_number_of_items() -> None:
    assert len(parse_select("a,b,c", 3)) == 3
    with pytest.raises(GrammarError, match="at most 2"):
        parse_select("a,b,c", 2)


def test_columns_are_distinct_names_in_a_fixed_order() -> None:
    assert parse_names("columns", 'name, "a b",id,name', 10) == ("a b", "id", "name")


@pytest.mark.parametrize("text", ["", ",", "a,", "a:b", "*", "a::text", "a,b,c,d"])
def test_refuses_columns_that_are_no_names(text: str) -> None:
    with pytest.raises(GrammarError):
        parse_names("columns", text, 3)

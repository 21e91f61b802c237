import pytest

from tenantry.domain.errors import BadRequest, GrammarError
from tenantry.postgrest.names import check_value, quote, read_name


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("name", "name"),
        (" leading and trailing ", "leading and trailing"),
        ("with-dash", "with-dash"),
        ("a - b", "a-b"),
        ('" kept "', " kept "),
        ('"a.b"', "a.b"),
        (r'"say \"hi\" \\"', 'say "hi" \\'),
        ('""', ""),
    ],
)
def test_reads_a_name_as_postgrest_does(token: str, name: str) -> None:
    assert read_name(token) == name


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("name", '"name"'),
        ("Name", '"Name"'),
        ('a"b', '"a""b"'),
        ('"; DROP TABLE x; --', '"""; DROP TABLE x; --"'),
        ("naïve", '"naïve"'),
        ("$1", '"$1"'),
        ("x" * 63, '"' + "x" * 63 + '"'),
        ("ü" * 31, '"' + "ü" * 31 + '"'),
    ],
)
def test_quotes_every_name(name: str, sql: str) -> None:
    assert quote(name) == sql


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 64, "ü" * 32])
def test_refuses_what_postgresql_has_no_name_for(name: str) -> None:
    with pytest.raises(GrammarError):
        quote(name)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_refuses_values_that_postgresql_cannot_store(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_value(text)

    assert refused.value.code == "22021"


def test_refuses_a_name_with_a_lone_surrogate() -> None:
    with pytest.raises(BadRequest):
        quote("a\udfff")

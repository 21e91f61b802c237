"""CSV as RFC 4180 has it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.csv_records import read_records

fields = st.just("NULL") | st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from('",\r\n '), max_size=8
)
records = st.lists(st.lists(fields, min_size=2, max_size=4), max_size=4)


@given(records, st.sampled_from(["\r\n", "\n", "\r"]), st.booleans())
def test_what_is_written_is_read_again(written: list[list[str]], end: str, quoted: bool) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(written)
    expected = written if quoted else [[None if field == "NULL" else field for field in record] for record in written]
    assert read_records(text.getvalue()) == expected
    assert read_records(text.getvalue().removesuffix(end)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\r\n\n\r", []),
        ("a", [["a"]]),
        ("a\n\nb\n", [["a"], ["b"]]),
        ('a\n""\n', [["a"], [""]]),
        (",\n", [["", ""]]),
        ("a,", [["a", ""]]),
        ("a,\n", [["a", ""]]),
        (" a , b ", [[" a ", " b "]]),
        ('"a\r\nb,""c""",\'d\'\r\n', [['a\r\nb,"c"', "'d'"]]),
        ('"' + "x" * 200_000 + '"', [["x" * 200_000]]),
        ('NULL,"NULL",null, NULL\n,""', [[None, "NULL", "null", " NULL"], ["", ""]]),
    ],
)
def test_reads(text: str, expected: list[list[str | None]]) -> None:
    assert read_records(text) == expected


@pytest.mark.parametrize(
    "text", ['"x"y', 'x"y', '"x" ', ' "x"', '"x', '"', 'a,"b\n', 'a,b"', '"a"b"', '""x', 'a\n1,"x"y,2\n', '"a" ,b']
)
def test_refuses_a_quote_that_stands_where_it_may_not(text: str) -> None:
    with pytest.raises(GrammarError) as refused:
        read_records(text)
    assert refused.value.code == "PGRST102"


def test_what_is_no_csv_costs_little() -> None:
    for text in ('"' + '""' * 500_000, '"' + "x" * 1_000_000, "x" * 1_000_000 + '"', '""' * 500_001 + "x"):
        with pytest.raises(GrammarError):
            read_records(text)

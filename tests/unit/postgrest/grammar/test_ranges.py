import pytest

from tenantry.domain.errors import BadRequest, GrammarError
from tenantry.postgrest.grammar.ranges import parse_count


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("20", 20), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_parses_a_number_of_rows(text: str, count: int) -> None:
    assert parse_count("limit", text) == count


@pytest.mark.parametrize("text", ["", "x", "1.5", "1e3", " 1", "+1", "9" * 19, "9" * 5000, "٣", "1;2", "1\n"])
def test_refuses_what_is_no_number_of_rows(text: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse_count("offset", text)

    assert refused.value.code == "PGRST100"
    assert "offset parameter" in refused.value.message


def test_a_negative_number_is_a_range_that_cannot_be_satisfied() -> None:
    with pytest.raises(BadRequest) as refused:
        parse_count("limit", "-1")

    assert refused.value.code == "PGRST103"

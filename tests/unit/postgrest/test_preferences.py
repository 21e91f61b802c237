import pytest

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.preferences import NONE, Preferences, parse_preferences


@pytest.mark.parametrize(
    ("header", "expected", "applied"),
    [
        ("", NONE, ""),
        ("return=representation", Preferences(returning="representation"), "return=representation"),
        ("return=minimal, return=representation", Preferences(returning="minimal"), "return=minimal"),
        ("return=nonsense,return=headers-only", Preferences(returning="headers-only"), "return=headers-only"),
        ("something-else, respond-async", NONE, ""),
        ("count=exact,tx=rollback", Preferences(count="exact", tx="rollback"), "count=exact, tx=rollback"),
        ("max-affected=5", Preferences(max_affected=5), ""),
        (
            "max-affected=5,handling=strict",
            Preferences(handling="strict", max_affected=5),
            "handling=strict, max-affected=5",
        ),
        (
            "timezone=Asia/Kolkata, missing=default, resolution=merge-duplicates",
            Preferences("merge-duplicates", "default", timezone="Asia/Kolkata"),
            "resolution=merge-duplicates, missing=default, timezone=Asia/Kolkata",
        ),
    ],
)
def test_parses_what_is_preferred(header: str, expected: Preferences, applied: str) -> None:
    assert parse_preferences(header) == expected
    assert expected.applied() == applied


def test_what_has_no_meaning_for_a_request_is_not_told_as_applied() -> None:
    assert parse_preferences("return=minimal,count=exact").applied("return") == "count=exact"


@pytest.mark.parametrize("odd", ["odd", "return=everything", "max-affected=-1", "timezone=", "tx=maybe"])
def test_strict_handling_refuses_what_is_not_known(odd: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_preferences(f"handling=strict,{odd}")
    assert (refused.value.code, refused.value.details) == ("PGRST122", f"Invalid preferences: {odd}")
    assert parse_preferences(f"handling=lenient,{odd}") == Preferences(handling="lenient")

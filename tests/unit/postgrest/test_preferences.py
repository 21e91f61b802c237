import pytest

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.preferences import Preferences, parse_preferences


@pytest.mark.parametrize(
    ("header", "returning", "applied"),
    [
        ("", "minimal", ()),
        ("return=representation", "representation", ("return=representation",)),
        ("return=minimal", "minimal", ("return=minimal",)),
        ("return=headers-only", "headers-only", ("return=headers-only",)),
        ("return=minimal, return=representation", "minimal", ("return=minimal",)),
        ("return=nonsense,return=representation", "representation", ("return=representation",)),
        ("something-else, respond-async", "minimal", ()),
        (
            "handling=strict,return=representation,missing=null",
            "representation",
            ("missing=null", "return=representation", "handling=strict"),
        ),
        ("handling=lenient,max-affected=1,odd", "minimal", ()),
        ("tx=commit", "minimal", ()),
    ],
)
def test_parses_what_a_write_prefers(header: str, returning: str, applied: tuple[str, ...]) -> None:
    assert parse_preferences(header, writes=True) == Preferences(returning, applied)


def test_return_does_not_apply_to_a_read() -> None:
    assert parse_preferences("return=representation", writes=False) == Preferences()


@pytest.mark.parametrize(
    "header",
    [
        "resolution=merge-duplicates",
        "missing=default",
        "count=exact",
        "tx=rollback",
        "timezone=UTC",
        "handling=strict,max-affected=1",
    ],
)
def test_refuses_what_must_not_be_ignored(header: str) -> None:
    with pytest.raises(GrammarError, match="not supported yet") as refused:
        parse_preferences(header, writes=True)

    assert refused.value.code == "PGRST122"


def test_strict_handling_refuses_unknown_preferences() -> None:
    with pytest.raises(GrammarError) as refused:
        parse_preferences("handling=strict, odd, return=nonsense", writes=True)

    assert refused.value.code == "PGRST122"
    assert refused.value.details == "Invalid preferences: odd, return=nonsense"

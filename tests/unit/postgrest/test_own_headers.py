"""The headers and the status that a function sets."""

import pytest

from tenantry.domain.errors import TenantryError
from tenantry.postgrest.own_headers import profile_header, read_headers, read_status


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("[]", {}),
        ('[{"Set-Cookie": "a=1"}, {"Set-Cookie": "b=2"}]', {"Set-Cookie": ["a=1", "b=2"]}),
        (
            '[{"set-cookie":"a=1"},{"X-Tea":"green"},{"SET-COOKIE":"b=2"}]',
            {"Set-Cookie": ["a=1", "b=2"], "X-Tea": "green"},
        ),
        (' [ {"cache-control" : "no-cache"} ]\n', {"Cache-Control": "no-cache"}),
        ('[{"Link": "<\\/a>; rel=\\"next\\" \\u00e9 नमस्ते"}]', {"Link": '</a>; rel="next" é नमस्ते'}),
        ('[{"Access-Control-Allow-Origin": "*"}, {"Content-Length": "0"}, {"X-A": ""}]', {"X-A": ""}),
    ],
)
def test_they_are_read(text: str, headers: object) -> None:
    assert read_headers(text) == headers


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "{}",
        "[1]",
        '[{"X-A": 1}]',
        '[{"X-A": "1", "X-B": "2"}]',
        '[{"X A": "1"}]',
        '[{"": "1"}]',
        '[{"X-A": "a\\nb"}]',
        '[{"X-A": "a\nb"}]',
        '[{"X-A": "\\u000d"}]',
        '[{"X-A": "\\ud83d"}]',
        '[{"X-A": "a"},]',
        '[{"X-A": "a"} {"X-B": "b"}]',
        "[" * 9_000,
        '[{"X-A": "' + "x" * 9_000 + '"}]',
    ],
)
def test_what_can_not_be_sent_is_refused(text: str) -> None:
    with pytest.raises(TenantryError) as refused:
        read_headers(text)
    assert refused.value.code == "PGRST111"


@pytest.mark.parametrize("text", ["99", "600", "two", "200\n", "२००"])
def test_a_status_has_three_digits(text: str) -> None:
    assert read_status("418") == 418
    with pytest.raises(TenantryError) as refused:
        read_status(text)
    assert refused.value.code == "PGRST112"


def test_a_schemas_name_can_stand_in_a_header() -> None:
    assert profile_header('a b"c') == {"Content-Profile": 'a b"c'}
    assert profile_header("two\nlines") == {"Content-Profile": "two%0Alines"}
    assert profile_header("東") == {"Content-Profile": "%E6%9D%B1"}


@pytest.mark.parametrize("status", ["100", "199", "600", "20"])
def test_a_status_is_that_of_a_last_answer(status: str) -> None:
    with pytest.raises(TenantryError) as refusal:
        read_status(status)
    assert refusal.value.code == "PGRST112"

"""What others chose does nothing to a terminal, and two texts that differ are seen to."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.domain.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("candidates", "candidates"),
        ('x"; \\! id > f  #', 'x"; \\\\! id > f  #'),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\r\nb\tc", r"a\x0d\x0ab\x09c"),
        ("\u202egpj", r"\u202egpj"),
        ("\U000e0041", r"\U000e0041"),
        ("naïve Straße 表", "naïve Straße 表"),
        ("a\u00a0b", r"a\xa0b"),
        ("e\u0301", r"e\u0301"),
        ("\ud800", r"\ud800"),
    ],
)
def test_it_is_shown_and_not_done(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_it_takes_no_more_room_than_it_should() -> None:
    assert printable("a" * 501) == "a" * 500 + "..."
    assert printable("a" * 500) == "a" * 500


@given(st.text(max_size=99), st.text(max_size=99))
def test_two_that_differ_look_different(one: str, other: str) -> None:
    assert (printable(one) == printable(other)) is (one == other)
    assert all(unicodedata.category(character)[0] not in "CZ" or character == " " for character in printable(one))

"""The name that a caller probably meant."""

import pytest

from tenantry.postgrest.catalogue.likeness import CLOSE, LOOSE, most_alike

NAMES = ("companies", "harbours", "moorings", "voyages")


@pytest.mark.parametrize(
    ("word", "least", "meant"),
    [
        ("harbour", CLOSE, "harbours"),
        ("HARBOURS", CLOSE, "harbours"),
        ("nothing", LOOSE, "moorings"),
        ("nothing", CLOSE, None),
        ("xyz", LOOSE, None),
        ("", LOOSE, None),
    ],
)
def test_the_name_that_is_most_like_a_word_is_found(word: str, least: float, meant: str | None) -> None:
    assert most_alike(word, NAMES, least) == meant


def test_a_signature_is_found_by_some_of_its_arguments() -> None:
    assert most_alike("(a)", ["(a, b)", "(radius)"], LOOSE) == "(a, b)"


def test_of_equally_alike_names_it_is_always_the_same() -> None:
    found = {most_alike("tab", names, LOOSE) for names in (["tab1", "tab2"], ["tab2", "tab1"])}
    assert len(found) == 1

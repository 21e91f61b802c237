"""A name in a function's text counts wherever it stands, and however it is written."""

import pytest

from tenantry.restores.speaking import _says_any_of

NAMES = {"rates", "Odd Name", "execute"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT max(r) FROM rates",
        "SELECT 1 FROM public.RATES",
        'SELECT 1 FROM "rates"',
        'SELECT 1 FROM public."Odd Name"',
        "PERFORM set_config('x', 'rates', true)",
        'plpy.execute("SELECT 1 FROM rates")',
        "EXECUTE format('SELECT 1 FROM %I', 'ra' || 'tes')",
    ],
)
def test_it_is_found(text: str) -> None:
    assert _says_any_of(text, NAMES)


@pytest.mark.parametrize("text", ["SELECT n + 1", "SELECT rates_of_none(1)", 'SELECT 1 FROM "odd name"', ""])
def test_other_words_are_other_names(text: str) -> None:
    assert not _says_any_of(text, NAMES)

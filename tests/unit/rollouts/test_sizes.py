"""Tables as a linter names them, and as the catalogue does."""

import pytest

from tenantry.rollouts.sizes import bare_name


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ("candidates", "candidates"),
        ("public.candidates", "candidates"),
        ('"Candidates"', "Candidates"),
        ('public."Candi.dates"', "Candi.dates"),
        ('"pub.lic"."Candidates"', "Candidates"),
        ('"a""b"', 'a"b'),
    ],
)
def test_a_tables_name_is_found_whatever_stands_before_it(named: str, name: str) -> None:
    assert bare_name(named) == name

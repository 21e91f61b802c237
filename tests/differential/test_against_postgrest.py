"""PostgREST and the data API answer each request of a large set alike, except for the listed differences."""

from collections import Counter
from typing import Any

import pytest

from tests.differential.cases import Case
from tests.differential.comparison import differing
from tests.differential.corpus.all_cases import CASES
from tests.differential.differences import ANY, DIFFERENCES, expected_of
from tests.differential.sides import Sides

GROUPS = tuple(dict.fromkeys(case.group for case in CASES))


def _complaints(case: Case, sides: Sides) -> list[str]:
    """List where the two answers differ but should not, or agree but should differ."""
    judge, ours = sides.ask(case)
    found, expected = differing(case, judge, ours), expected_of(case.id)
    lines = [f"    {aspect}: differs no more, but is in differences.py" for aspect in expected if aspect not in found]
    for aspect, (left, right) in found.items():
        wanted: Any = expected.get(aspect, left)
        if wanted is not ANY and right != wanted:
            lines += [f"    {aspect}: PostgREST {left!r}", f"    {' ' * len(aspect)}  ours      {right!r}"]
    return [f"{case.id}: {case.method} /{case.path}?{case.query}", *lines] if lines else []


@pytest.mark.parametrize("group", GROUPS)
def test_both_answer_alike(group: str, sides: Sides) -> None:
    lines = [line for case in CASES if case.group == group for line in _complaints(case, sides)]
    assert not lines, "\n".join(["", *lines])


def test_nothing_remains_of_what_was_taken_back(sides: Sides) -> None:
    assert sides.rows() == sides.rows_at_first


def test_each_case_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(case.id for case in CASES).items() if count > 1] == []


def test_each_listed_difference_is_about_a_case() -> None:
    for difference in DIFFERENCES:
        for pattern in difference.ids:
            assert any(difference.covers(case.id) for case in CASES), pattern


def test_the_corpus_is_large() -> None:
    assert len(CASES) > 2000

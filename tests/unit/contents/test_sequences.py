"""What a sequence gives next, and which of two of its states is further, at its bounds and in both directions."""

import pytest

from tenantry.contents.sequences import NumberSource, State

LEAST, MOST = -(2**63), 2**63 - 1


def source(step: int, lowest: int, highest: int, *, cycles: bool = False) -> NumberSource:
    return NumberSource(("s", "q"), step, lowest, highest, cycles, [])


@pytest.mark.parametrize(
    ("numbers", "state", "following"),
    [
        (source(1, 1, MOST), State(1, called=False), 1),
        (source(1, 1, MOST), State(1, called=True), 2),
        (source(1, 1, MOST), State(MOST, called=True), None),
        (source(-1, LEAST, -1), State(LEAST, called=True), None),
        (source(-3, -9, 9), State(-8, called=True), None),
        (source(-3, -9, 9, cycles=True), State(-8, called=True), 9),
        (source(2, -5, 5, cycles=True), State(4, called=True), -5),
    ],
)
def test_what_comes_next(numbers: NumberSource, state: State, following: int | None) -> None:
    assert numbers.following(state) == following


def test_which_state_is_further() -> None:
    up, down = source(1, 1, 99), source(-1, -99, -1)
    for numbers, near, far in ((up, 1, 5), (down, -1, -5)):
        assert numbers.is_ahead(State(far, called=False), State(near, called=True))
        assert not numbers.is_ahead(State(near, called=True), State(far, called=False))
        assert numbers.is_ahead(State(near, called=True), State(near, called=False))
        assert not numbers.is_ahead(State(near, called=True), State(near, called=True))
    assert (up.has(State(99, called=True)), up.has(State(100, called=True)), down.has(State(0, called=True))) == (
        True,
        False,
        False,
    )

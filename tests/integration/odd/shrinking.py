"""Finds the fewest blocks of an odd database with which its way still ends as it did."""

import time
from collections.abc import Callable

from tests.integration.odd.generator import Odd


def shrink(odd: Odd, fails: Callable[[Odd], bool], seconds: float) -> Odd:
    """Leave out blocks, first many at once and in the end one by one, for as long as the rest still fails.

    :param seconds: after this time what was found so far is returned.
    """
    end, size = time.monotonic() + seconds, max(1, len(odd.chosen) // 2)
    while time.monotonic() < end:
        smaller = _without_some(odd, fails, size, end)
        if smaller is None and size == 1:
            break
        size = max(1, size // 2) if smaller is None else min(size, max(1, len(smaller.chosen) // 2))
        odd = smaller or odd
    return odd


def _without_some(odd: Odd, fails: Callable[[Odd], bool], size: int, end: float) -> Odd | None:
    """Return the first smaller one that fails without `size` blocks next to each other, if any does."""
    for start in range(0, len(odd.chosen), size):
        rest = odd.chosen[:start] + odd.chosen[start + size :]
        if rest and time.monotonic() < end and fails(odd.with_only(rest)):
            return odd.with_only(rest)
    return None

"""Timing two things beside each other, in turns, so that what else the machine does meets both alike."""

from collections.abc import Callable
from time import perf_counter

type Block = Callable[[], list[float]]


def time_calls(call: Callable[[], object], calls: int) -> list[float]:
    """Return the seconds of each of `calls` calls."""
    seconds = []
    for _ in range(calls):
        started = perf_counter()
        call()
        seconds.append(perf_counter() - started)
    return seconds


def take_turns(first: Block, second: Block, rounds: int) -> tuple[list[float], list[float]]:
    """Run a block of each, `rounds` times, and return all seconds of the first and all of the second."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(rounds):
        # Every other round the other way about: neither is always the one that runs second.
        if number % 2:
            theirs += second()
            ours += first()
        else:
            ours += first()
            theirs += second()
    return ours, theirs

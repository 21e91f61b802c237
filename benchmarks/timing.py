"""Times two things in turns, so that the machine's other load affects both equally."""

from collections.abc import Callable
from time import perf_counter

type Block = Callable[[], list[float]]


def time_calls(call: Callable[[], object], calls: int) -> list[float]:
    """Make `calls` calls; returns the seconds of each."""
    seconds = []
    for _ in range(calls):
        started = perf_counter()
        call()
        seconds.append(perf_counter() - started)
    return seconds


def take_turns(first: Block, second: Block, rounds: int) -> tuple[list[float], list[float]]:
    """Run one block of each, `rounds` times; returns all seconds of the first and all of the second."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(rounds):
        # Swap the order in every other round, so that neither always runs second.
        if number % 2:
            theirs += second()
            ours += first()
        else:
            ours += first()
            theirs += second()
    return ours, theirs

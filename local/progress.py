"""Prints progress lines: what is being done, and how long it took."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

type Say = Callable[[str], None]


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def keep_silent(_line: str) -> None:
    """Discard the line: for tests, whose output it would disturb."""


@contextmanager
def step(what: str, tell: Say) -> Iterator[None]:
    """Print `what` when the block ends, with its seconds; on a terminal, print it at the start too."""
    started = time.monotonic()
    if tell is say and sys.stdout.isatty():
        print(f"  {what} …", end="\r", flush=True)
    yield
    tell(f"  {what:<58} {time.monotonic() - started:5.1f} s")

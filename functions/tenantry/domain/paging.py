"""Pages of long lists: what is asked for, and what is answered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# How many items a page may have, and how many are read for one.
MOST: Final = 1_000
USUAL: Final = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: at most `limit` items after the one with the sort key `after`; empty begins at the beginning."""

    limit: int = USUAL
    after: str = ""


@dataclass(frozen=True, slots=True)
class Page[Item]:
    """One page. `after` is where the next one begins; empty means that there is none.

    A page that is filtered may have fewer items than were asked for, or none, and others follow all the same.
    """

    items: tuple[Item, ...]
    after: str = ""

    def map[Other](self, make: Callable[[Item], Other]) -> "Page[Other]":
        """Return the page with what `make` makes of each item."""
        return Page(tuple(map(make, self.items)), self.after)


def cut[Item](page: Page[Item], request: PageRequest, key: Callable[[Item], str]) -> Page[Item]:
    """Leave as much of a page as was asked for; `key` tells an item's sort key."""
    if len(page.items) <= request.limit:
        return page
    kept = page.items[: request.limit]
    return Page(kept, key(kept[-1]))

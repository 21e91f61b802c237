"""Chooses what is tried for real of what the server's catalogues rule out already: of few everything, of many some."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

# So many in all, and of each kind at least so many by each tenant: the work grows with the tenants, not with the pairs.
_IN_ALL, _EACH = 10_000, 8


@dataclass(frozen=True, slots=True)
class Sample:
    """How many things of a kind each tenant tries, and the seed that chooses them: the same one chooses the same."""

    seed: str
    each: int

    def of(self, tenant: str, kind: str, names: Sequence[str]) -> list[str]:
        """Choose for a tenant what it tries of a kind of thing, all where there are no more."""
        if len(names) <= self.each:
            return list(names)
        return random.Random(f"{self.seed}/{tenant}/{kind}").sample(names, self.each)  # noqa: S311 - guards nothing


def sample_for(tenants: int, seed: str) -> Sample:
    """Make the sample of a fleet with so many tenants."""
    return Sample(seed, max(_EACH, _IN_ALL // max(tenants, 1)))

"""Finds the name most like a word, with PostgREST's measure: first by shared letter groups, then by edit distance."""

from collections import Counter
from collections.abc import Iterable
from math import sqrt

# The least likeness that counts as alike, from 0 (nothing in common) to 1 (the same).
LOOSE, CLOSE = 0.33, 0.75
# The edit distance is worked out for so many names only: those that share the most letter groups with the word.
_COMPARED = 50


def most_alike(word: str, names: Iterable[str], least: float) -> str | None:
    """Return the name most like the word, ignoring case; None if none reaches the likeness `least`."""
    key = word.lower()
    candidates = {name.lower(): name for name in sorted(set(names), reverse=True)}
    if key in candidates:
        return candidates[key]
    for length in (3, 2):
        shared = _by_shared_parts(key, candidates, length)[:_COMPARED]
        scored = [(_likeness(key, name), name) for name in shared]
        best = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
        if best[0] >= least:
            return candidates[best[1]]
    return None


def _by_shared_parts(word: str, names: Iterable[str], length: int) -> list[str]:
    """List the names that share a group of `length` letters with the word, those that share most first."""
    wanted = _parts(word, length)
    scores = {}
    for name in names:
        parts = _parts(name, length)
        if shared := sum(count * parts[part] for part, count in wanted.items()):
            scores[name] = shared / _magnitude(parts)
    return sorted(scores, key=lambda name: -scores[name])


def _parts(text: str, length: int) -> Counter[str]:
    plain = "".join(character for character in text if character.isalnum() or character in ", ")
    marked = f"-{plain}-"
    return Counter(marked[start : start + length] for start in range(len(marked) - length + 1))


def _magnitude(parts: Counter[str]) -> float:
    return sqrt(sum(count * count for count in parts.values()))


def _likeness(first: str, second: str) -> float:
    """Return the share of letters, 0 to 1, that need no edit to turn one text into the other."""
    row = list(range(len(second) + 1))
    for position, letter in enumerate(first, 1):
        above, row[0] = row[0], position
        for column, other in enumerate(second, 1):
            above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (letter != other))
    longest = max(len(first), len(second))
    return 1 - row[-1] / longest if longest else 1.0

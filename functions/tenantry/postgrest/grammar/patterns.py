"""Limits regular expressions: PostgreSQL expands repetitions, and would use 160 MB before it gives up."""

import re
from dataclasses import dataclass
from itertools import pairwise

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.refusals import beyond

# The limits after expansion. An atom takes some 300 bytes; optional parts are all connected to each other.
_MAX_REPEATED, _MAX_OPTIONAL = 2_000, 600
# PostgreSQL's own limit for one quantifier.
_MAX_BOUND = 255

# Options that select another dialect, in which braces and brackets have another meaning than `_token` expects.
_other_dialect = re.compile(r"(?:\*\*\*:)?\(\?[a-z]*[bex][a-z]*\)").match
_token = re.compile(
    r"\(\?#[^)]*\)?"  # a comment is nothing, not even between an atom and its quantifier
    r"|(?P<open>\((?:\?(?:[:=!]|<[=!]))?)"
    r"|(?P<close>\))"
    r"|(?P<bar>\|)"
    r"|(?P<many>[*?]|\+|\{[0-9]{1,5}(?:,[0-9]{0,5})?\})\??"
    r"|(?P<atom>\\[\s\S]|\[\^?\]?(?:\[[:.=][^\]]*\]|\\[\s\S]|[^\]\\])*\]|[\s\S])"
).finditer


@dataclass(slots=True)
class _Weight:
    atoms: int = 0
    optional: int = 0

    def add(self, other: "_Weight") -> None:
        self.atoms += other.atoms
        self.optional += other.optional

    def repeated(self, quantifier: str) -> "_Weight":
        if quantifier in "*?":
            return _Weight(self.atoms, self.optional + 1)
        least, most = 1, 2
        if quantifier != "+":
            first, comma, last = quantifier[1:-1].partition(",")
            least = int(first)
            most = int(last or least + 1) if comma else least
            if max(least, most) > _MAX_BOUND:
                raise beyond("repetitions in a pattern", _MAX_BOUND)
        return _Weight(self.atoms * max(most, 1), self.optional * max(most, 1) + max(most - least, 0))


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that expands to too much. An invalid pattern is left for PostgreSQL to refuse.

    :raises GrammarError: with the limit that the pattern exceeds, or for an unsupported option.
    """
    if _other_dialect(pattern):
        raise GrammarError("a pattern's options b, e and x are not supported", hint="Write it as usual.")
    weight = _weigh(pattern)
    if weight.atoms - len(pattern) > _MAX_REPEATED:
        raise beyond("repetitions in a pattern, written out,", _MAX_REPEATED)
    if weight.optional > _MAX_OPTIONAL:
        raise beyond("parts of a pattern that may be left out, written out,", _MAX_OPTIONAL)


def check_patterns(listed: str) -> None:
    """Check each pattern of an array that is written in PostgreSQL's text form. Raises as `check_pattern` does."""
    cuts, quoted = [0], False
    text: list[str] = []
    for found in re.finditer(r'\\([\s\S])|(")|([{},])|([^\\"{},]+)', listed):
        escaped, quote, mark, plain = found.groups()
        if quote:
            quoted = not quoted
        elif mark and not quoted:
            cuts.append(len(text))
        else:
            text.append(escaped or mark or plain)
    for start, end in pairwise([*cuts, len(text)]):
        check_pattern("".join(text[start:end]))


def _weigh(pattern: str) -> _Weight:
    """Add up what a pattern expands to; unbalanced parentheses are tolerated."""
    whole, last = [_Weight()], _Weight()
    for found in _token(pattern):
        match found.lastgroup:
            case "open":
                whole[-1].add(last)
                whole.append(_Weight())
                last = _Weight(0, 1 if pattern.startswith("|", found.end()) else 0)
            case "close" if len(whole) > 1:
                last = _closed(whole.pop(), last)
            case "bar":
                whole[-1].add(last)
                # An alternative may be empty, and so be left out.
                last = _Weight(1, 0 if pattern[found.end() : found.end() + 1] not in ("", "|", ")") else 1)
            case "many":
                last = last.repeated(found["many"])
            case "atom" | "close":
                whole[-1].add(last)
                last = _Weight(1)
    for weight in reversed(whole[1:]):
        last = _closed(weight, last)
    return _closed(whole[0], last)


def _closed(group: _Weight, last: _Weight) -> _Weight:
    group.add(last)
    return group

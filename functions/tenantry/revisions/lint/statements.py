"""Reads SQL as far as the linter needs it: where a statement ends, and which tables it names first."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<literal>[eE]'(?:[^'\\]|\\.|'')*'|(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    |(?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\d[\w.]*)
    |(?P<other>\S)
    """,
    re.VERBOSE | re.DOTALL,
)
PART: Final = r'(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)'
NAME: Final = rf"{PART}(?: \. {PART})*"
# What stands between the first words of a statement and the tables that it changes.
_BEFORE_TABLES: Final = (
    r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?",
    rf"CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(?:{NAME} )?ON (?:ONLY )?",
    r"DROP TABLE (?:IF EXISTS )?",
    r"TRUNCATE (?:TABLE )?(?:ONLY )?",
    r"(?:UPDATE|DELETE FROM|INSERT INTO|MERGE INTO) (?:ONLY )?",
    r"REINDEX (?:\( [^)]* \) )?TABLE (?:CONCURRENTLY )?",
    r"REFRESH MATERIALIZED VIEW (?:CONCURRENTLY )?",
    r"VACUUM (?:\( [^)]* \) |FULL |FREEZE |VERBOSE |ANALYZE )*",
    r"CLUSTER (?:VERBOSE )?",
)
_TABLES: Final = [
    re.compile(rf"{before}(?P<names>{NAME}(?: , (?:ONLY )?{NAME})*)", re.IGNORECASE) for before in _BEFORE_TABLES
]
# Of a query it is not known that it is empty, and IF NOT EXISTS may have found an old one.
_MADE: Final = re.compile(
    rf"CREATE (?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED) )*TABLE (?!IF NOT EXISTS )(?P<name>{NAME})"
    r"(?! (?:PARTITION OF|AS) )(?! \(.*\) AS )",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Statement:
    """One statement, without the semicolon at its end.

    `plain` is its text with one blank between any two words or signs, without comments and values; `outer` is that
    without what stands in parentheses.
    """

    text: str
    plain: str
    outer: str

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The tables that it changes or locks, as far as it begins with them: not what it drops an index of."""
        for pattern in _TABLES:
            if found := pattern.match(self.plain):
                return tuple(unquoted(name) for name in re.findall(NAME, found["names"]) if name.upper() != "ONLY")
        return ()

    @property
    def made_table(self) -> str:
        """The table that it makes, empty; or nothing."""
        found = _MADE.match(self.plain)
        return unquoted(found["name"]) if found else ""

    def begins(self, pattern: str) -> bool:
        """Tell whether its first words, without what stands in parentheses, fit a regular expression."""
        return re.match(pattern, self._unnamed, re.IGNORECASE) is not None

    def has(self, pattern: str) -> bool:
        """Tell whether any of its words, without what stands in parentheses, fit a regular expression."""
        return re.search(pattern, self._unnamed, re.IGNORECASE) is not None

    @cached_property
    def _unnamed(self) -> str:
        """The words outside of parentheses; a quoted name may hold any, so it is left out."""
        return re.sub(r'"(?:[^"]|"")*"', '""', self.outer)


def split(text: str) -> list[Statement]:
    """Split SQL at its semicolons; what follows the body of a function in standard SQL stays with it."""
    pieces, piece = [], _Piece()
    for token in _TOKEN.finditer(text):
        if token["other"] == ";" and piece.depth == 0 and not piece.has_body:
            pieces.append(piece)
            piece = _Piece()
        else:
            piece.add(token)
    pieces.append(piece)
    return [one.statement(text) for one in pieces if one.plain]


class _Piece:
    """A statement that is being read."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.outer: list[str] = []
        self.depth = 0
        self._span: list[int] = []

    @property
    def has_body(self) -> bool:
        return ("BEGIN", "ATOMIC") in pairwise(map(str.upper, self.plain))

    def add(self, token: re.Match[str]) -> None:
        self._span += token.span()
        if token["comment"]:
            return
        self.depth -= token["other"] == ")" and self.depth > 0
        word = "''" if token["literal"] else token[0]
        self.plain.append(word)
        if self.depth == 0:
            self.outer.append(word)
        self.depth += token["other"] == "("

    def statement(self, text: str) -> Statement:
        whole = text[self._span[0] : self._span[-1]]
        return Statement(whole, " ".join(self.plain), " ".join(self.outer))


def unquoted(name: str) -> str:
    """Return a name as the catalogue has it, with dots between its parts."""
    parts = re.findall(PART, name)
    return ".".join(one[1:-1].replace('""', '"') if one.startswith('"') else one.lower() for one in parts)

"""Writes definitions so that those of a copy are equal to the original's, whatever the schema of either is called.

A definition that PostgreSQL writes and reads again is not always written in the same way once more. A cast of an array
becomes a cast of each element (`(ARRAY['a'::varchar])::text[]`), and an AND within an AND is merged with it. Such texts
are compared without parentheses and with one list of the types that anything is cast to. A row older than a column
of its type has a NULL there without a type, and with one once it was read again.
"""

import re
from collections.abc import Callable, Collection
from functools import lru_cache

from tenantry.contents.function_aliases import without_function_aliases
from tenantry.domain.fingerprint import MAIN

_QUOTED = r'"(?:[^"]|"")*"'
_WORD = r"[^\W\d][\w$]*"
_TYPE = (
    r"(?:character varying|bit varying|double precision|time(?:stamp)?(?:\(\d\))? with(?:out)? time zone"
    r"|interval(?: (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?)?"
    rf"|(?:{_QUOTED}|{_WORD})(?:\.(?:{_QUOTED}|{_WORD}))?)(?:\(\d+(?:,-?\d+)?\))?"
)
# The schema's part of a name, or a name; in what only consists of names.
_NAMES = re.compile(rf"(?:{_QUOTED}|{_WORD})\.?")
# A text that names an object, such as a sequence, is followed by a cast to a type such as `regclass`.
_TOKENS = re.compile(
    rf"(?P<named>'(?:[^']|'')*'(?=::reg))|(?P<text>'(?:[^']|'')*')"
    rf"|(?P<null>\bNULL\b)(?:::{_TYPE}(?:\[\])*)?|::(?P<type>{_TYPE})(?:\[\])*"
    rf"|(?P<name>(?:{_QUOTED}|{_WORD})\.?)|(?P<rest>[^\s()\w\"':]+|[\d:]+)"
)


_SHORT = 200
_REMEMBERED = 2_000


class Neutraliser:
    """Writes the main schema as `@` in what PostgreSQL has written with only pg_catalog in its search path.

    `names` neutralises a text that consists of qualified names. `written` brings an expression or a statement into a
    form in which a copy's is equal.
    """

    def __init__(self, schemas: Collection[str]) -> None:
        """Take the schemas' names, quoted: the home's own, and that of the home that it is compared with."""
        self._before = tuple(f"{schema}." for schema in schemas)
        self._schemas = frozenset(schemas)
        # Types and defaults are few, and columns that have them many.
        self.names = _remember_short(self._write_names)
        self.written = _remember_short(self._write_anew)

    def _write_names(self, text: str) -> str:
        if text in self._schemas:
            return MAIN
        found = sum(text.count(schema) for schema in self._before)
        if not found:
            return text
        if found == 1 and text.startswith(self._before) and '"' not in text:
            # Most names are like this, and are written at once.
            return f"{MAIN}.{text.partition('.')[2]}"
        return _NAMES.sub(self._neutral, text)

    def _write_anew(self, text: str) -> str:
        words: list[str] = []
        types: set[str] = set()
        for token in _TOKENS.finditer(without_function_aliases(text)):
            match token.lastgroup:
                case "named":
                    words.append(f"'{self.names(token[0][1:-1])}'")
                case "type":
                    types.add(self.names(token["type"]))
                case "null":
                    words.append("NULL")
                case "name":
                    words.append(self._neutral(token))
                case _:
                    words.append(token[0])
        return " ".join([*words, *sorted(types)])

    def _neutral(self, token: re.Match[str]) -> str:
        is_first = token.start() == 0 or token.string[token.start() - 1] != "."
        return f"{MAIN}." if is_first and token[0] in self._before else token[0]


def _remember_short(write: Callable[[str], str]) -> Callable[[str], str]:
    remembered = lru_cache(_REMEMBERED)(write)
    return lambda text: remembered(text) if len(text) < _SHORT else write(text)

"""Leaves out the column names that PostgreSQL writes after a function in FROM, as in `f(1) q(a, b)`.

A function that returns rows of a table or type has as many names there as that had columns when the text was read. With
a column more, the same text is written with one name more once it was read again, and means the same.

It would mean something else where more columns follow: of several functions, of WITH ORDINALITY, of a join that names
its columns. Those lists stay. `contents/sql/omissions.sql` finds what such a column was added to.
"""

import re
from collections.abc import Iterator

_NAME = r'(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)'
_LIST = re.compile(rf" ({_NAME})\({_NAME}(?:, {_NAME})*\)")
# What may hold a parenthesis that is none, and parentheses.
_PARTS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]""")
# A call of several functions: PostgreSQL writes these words in capitals, and a function of such a name in quotes.
_SEVERAL = re.compile(r"(?<!\w)(?:UNNEST|FROM)\Z")
_LONGEST = len(" UNNEST")


def without_function_aliases(text: str) -> str:
    """Leave out the lists of a statement or an expression that PostgreSQL has written."""
    kept, end = [], 0
    for place in _ends_of_calls(text):
        if place >= end and (found := _LIST.match(text, place)):
            kept.append(text[end : found.end(1)])
            end = found.end()
    return "".join([*kept, text[end:]]) if end else text


def _ends_of_calls(text: str) -> Iterator[int]:
    """Yield where a call of one function ends."""
    opened: list[int] = []
    for part in _PARTS.finditer(text):
        if part[0] == "(":
            opened.append(part.start())
        elif part[0] == ")" and opened and _is_call(text, opened.pop()):
            yield part.end()


def _is_call(text: str, parenthesis: int) -> bool:
    before = text[max(parenthesis - _LONGEST, 0) : parenthesis]
    ends_a_name = before[-1:].isalnum() or before.endswith(('"', "_", "$"))
    return ends_a_name and not _SEVERAL.search(before)

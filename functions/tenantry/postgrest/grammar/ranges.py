"""Selects the rows by `limit`, `offset` and the Range header; given together, a row has to be in both."""

import re

from tenantry.domain.errors import BadRequest
from tenantry.postgrest.grammar.syntax import Window
from tenantry.postgrest.refusals import range_refused, stopped

_count = re.compile(r"[0-9]{1,18}", re.ASCII).fullmatch  # 18 digits always fit a bigint
_negative = re.compile(r"-[0-9]+", re.ASCII).fullmatch
_range = re.compile(r"(?:items=)?([0-9]{1,18})-([0-9]{0,18})", re.ASCII).fullmatch


def parse_count(parameter: str, text: str) -> int:
    """Parse a number of rows. Raises GrammarError, or RequestRefused with PGRST103 for a negative number."""
    if _count(text):
        return int(text)
    if _negative(text):
        word = "Limit" if parameter.endswith("limit") else "Offset"
        raise range_refused(f"{word} should be greater than or equal to zero.")
    raise stopped(f"{parameter} parameter", text, 0, "a number of at most 18 digits")


def narrow(window: Window, header: str) -> Window:
    """Narrow a window to the part that a Range header asks for; a header in another format is ignored.

    :raises BadRequest: with PGRST103, the range ends before its start.
    """
    found = _range(header.strip()) if header else None
    if found is None:
        return window
    first, last = int(found[1]), int(found[2]) if found[2] else None
    if last is not None and last < first:
        raise _upside_down()
    end = last + 1 if last is not None else None
    if window.limit is not None:
        asked = window.offset + window.limit
        end = asked if end is None else min(asked, end)
    offset = max(window.offset, first)
    if end is not None and end <= offset and window.limit != 0:
        raise _upside_down()
    return Window(None if end is None else max(end - offset, 0), offset)


def _upside_down() -> BadRequest:
    return range_refused("The lower boundary must be lower than or equal to the upper boundary in the Range header.")

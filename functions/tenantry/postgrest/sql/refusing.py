"""Lets our statements stop with PostgreSQL's error for an index out of range, with one of our numbers as the index.

A tenant's database has no functions of ours, so the statement has to provoke an error. The number in the error's text
tells which refusal it is; a tenant's own statement gets this error with other numbers.
"""

from enum import IntEnum
from functools import cache
from typing import Final

REFUSAL_SQLSTATE: Final = "2202E"


class Refusal(IntEnum):
    """The reasons. Real indexes never reach these numbers; guards use numbers of rows, which are not negative."""

    BUSY = -7_460_001
    """As many statements of the tenant's are running as its plan allows."""
    STALE = -7_460_002
    """A column or function has another type than the statement was prepared for."""
    TOO_LARGE = -7_460_003
    """The answer has more bytes than one may have."""
    WIDE = -7_460_004
    """A row is so large that the answer's size has to be added up row by row."""
    HIDDEN_TYPE = -7_460_005
    """A cast leads, by way of a domain, to a type that is not to be cast to."""
    HEADERS = -7_460_006
    """A function has set headers that are none, or that are too long to be sent."""
    STATUS = -7_460_007
    """A function has set a status that is none."""
    LOCATION = -7_460_008
    """The key of the row that was made is too long for a header."""


@cache
def refuse(refusal: Refusal) -> str:
    """Write the integer expression that raises the refusal; the planner can't evaluate it in advance."""
    return f"get_byte(''::bytea, {refusal:d} - 0 * pg_backend_pid())"

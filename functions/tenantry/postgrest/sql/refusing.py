"""How a statement of ours refuses to go on: by PostgreSQL's own error for an index out of range, with a number of ours.

No function of ours is in a tenant's database, so an error has to be provoked. The number in its text says which refusal
it is; a tenant's own statement gets this error with other numbers.
"""

from enum import IntEnum
from functools import cache
from typing import Final

REFUSAL_SQLSTATE: Final = "2202E"


class Refusal(IntEnum):
    """Why. The numbers are out of any real index's reach, and below zero: a guard's number of rows is not."""

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


@cache
def refuse(refusal: Refusal) -> str:
    """Write the integer expression that raises it; the planner can't work it out beforehand."""
    return f"get_byte(''::bytea, {refusal:d} - 0 * pg_backend_pid())"

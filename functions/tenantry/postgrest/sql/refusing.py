"""Lets our statements stop with PostgreSQL's error for an index out of range, with one of our numbers as the index.

A tenant's database has no functions of ours, so the statement has to provoke an error. The number in the error's text
tells which refusal it is. Each process (with SnapStart, each deployment) has numbers of its own, so that nothing in a
database meets them by accident; what looks a number up in the statement that runs, to raise it again, deceives its own
caller.
"""

import secrets
from enum import IntEnum
from functools import cache
from typing import Final

from tenantry.postgrest.request import Guard

REFUSAL_SQLSTATE: Final = "2202E"
# Each guard has so many numbers for its numbers of rows, and above the last guard's are the refusals.
_MOST_ROWS: Final = 2**32


class Refusal(IntEnum):
    """The reasons, but for those of guards."""

    BUSY = 1
    """As many statements of the tenant's are running as its plan allows."""
    STALE = 2
    """A column or function has another type than the statement was prepared for."""
    TOO_LARGE = 3
    """The answer has more bytes than one may have."""
    WIDE = 4
    """A row is so large that the answer's size has to be added up row by row."""
    HIDDEN_TYPE = 5
    """A cast leads, by way of a domain, to a type that is not to be cast to."""
    HEADERS = 6
    """A function has set headers that are none, or that are too long to be sent."""
    STATUS = 7
    """A function has set a status that is none."""
    LOCATION = 8
    """The key of the row that was made is too long for a header."""
    ANOTHERS = 9
    """A pooler's session is in a database that is not the tenant's."""


@cache
def _of_guards() -> dict[Guard, int]:
    """Draw the numbers: by the first statement and not before, or all copies of a snapshot (SnapStart) shared them."""
    # Beyond any real index.
    first = (2**27 + secrets.randbelow(2**27)) << 34
    return {guard: first + place * _MOST_ROWS for place, guard in enumerate(Guard)}


@cache
def _of_refusals() -> int:
    return max(_of_guards().values()) + _MOST_ROWS


@cache
def refuse(refusal: Refusal) -> str:
    """Write the integer expression that raises the refusal; the planner can't evaluate it in advance."""
    return f"get_bit(''::bytea, {_of_refusals() + refusal:d} - 0 * pg_backend_pid())"


def refuse_rows(guard: Guard, rows: str) -> str:
    """Write the text expression by which a guard refuses; `rows` is SQL for the number of rows, a bigint."""
    return f"get_bit(''::bytea, {_of_guards()[guard]:d} + {rows})::text"


def refusal_in(number: int) -> Refusal | None:
    """Say which refusal has this number."""
    return next((refusal for refusal in Refusal if _of_refusals() + refusal == number), None)


def guard_in(number: int) -> tuple[Guard, int] | None:
    """Say which guard has refused by this number, and how many rows; None if none has."""
    return next(
        ((guard, number - first) for guard, first in _of_guards().items() if 0 <= number - first < _MOST_ROWS), None
    )

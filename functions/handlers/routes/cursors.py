"""Cursors: where the next page of a list begins. A cursor fits the list and the filters that it was made for.

It names a position and no partition: which partition is read follows from the call itself, so a made-up cursor begins
somewhere else in the same list and shows nothing that the call would not show.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Final

from tenantry.domain.errors import BadRequest

_MARK_BYTES: Final = 9
_LONGEST: Final = 600


def write_cursor(path: str, filters: Mapping[str, str], position: str) -> str:
    """Make the cursor for what follows a position in a list."""
    return base64.urlsafe_b64encode(_mark(path, filters) + position.encode()).rstrip(b"=").decode()


def read_cursor(path: str, filters: Mapping[str, str], cursor: str) -> str:
    """Return the position that a cursor was made for.

    :raises BadRequest: it is none, or one of another list or other filters.
    """
    try:
        made = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = made[_MARK_BYTES:].decode()
    except (binascii.Error, ValueError):
        raise invalid_cursor() from None
    if len(cursor) > _LONGEST or made[:_MARK_BYTES] != _mark(path, filters):
        raise invalid_cursor()
    if not position or not position.isprintable():
        raise invalid_cursor()
    return position


def invalid_cursor() -> BadRequest:
    """Make the error for a cursor that begins no page of this list."""
    return BadRequest(
        "That cursor is none of this list.",
        code="invalid_cursor",
        hint="Send `next` of the page before, with the same path and filters; leave it out to begin anew.",
    )


def _mark(path: str, filters: Mapping[str, str]) -> bytes:
    return hashlib.sha256(json.dumps([path, sorted(filters.items())]).encode()).digest()[:_MARK_BYTES]

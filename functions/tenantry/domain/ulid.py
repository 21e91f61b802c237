"""ULIDs (github.com/ulid/spec): 26 characters that sort by time."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_BITS, _RANDOM_BITS = 48, 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH, _TIME_LENGTH = 26, 10


def new_ulid(at: datetime, seed: str | None = None) -> str:
    """Make an id for an event at the time `at`.

    :param seed: the same seed makes the same id, so that a repeated delivery names the same thing.
    """
    milliseconds = int(at.timestamp() * 1000) % (1 << _TIME_BITS)
    if seed is None:
        random = secrets.randbits(_RANDOM_BITS)
    else:
        random = int.from_bytes(hashlib.sha256(seed.encode()).digest()[: _RANDOM_BITS // 8])
    number = milliseconds << _RANDOM_BITS | random
    return _written(number)


def first_ulid(at: datetime) -> str:
    """Return the id that sorts before all that are made at that time or later; a time before 1970 is that of 1970."""
    milliseconds = min(max(int(at.timestamp() * 1000), 0), (1 << _TIME_BITS) - 1)
    return _written(milliseconds << _RANDOM_BITS)


def last_ulid(at: datetime) -> str:
    """Return the id that sorts behind all that are made in that millisecond."""
    return first_ulid(at)[:_TIME_LENGTH] + ALPHABET[-1] * (_LENGTH - _TIME_LENGTH)


def is_ulid(text: str) -> bool:
    """Tell whether a text is an id."""
    return len(text) == _LENGTH and set(text) <= set(ALPHABET) and text[0] <= "7"


def ulid_time(ulid: str) -> datetime:
    """Return the time in an id, in UTC; a time after the calendar's end is clamped to the latest datetime."""
    number = 0
    for character in ulid[:_TIME_LENGTH]:
        number = number << 5 | ALPHABET.index(character)
    try:
        return _EPOCH + timedelta(milliseconds=number)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _written(number: int) -> str:
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))

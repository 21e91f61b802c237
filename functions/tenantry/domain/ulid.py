"""ULIDs (github.com/ulid/spec): 26 characters that sort by time."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_BITS, _RANDOM_BITS = 48, 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def ulid_time(ulid: str) -> datetime:
    """Return the time in an id, in UTC; a time after the calendar's end is clamped to the latest datetime."""
    number = 0
    for character in ulid[:10]:
        number = number << 5 | ALPHABET.index(character)
    try:
        return _EPOCH + timedelta(milliseconds=number)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)

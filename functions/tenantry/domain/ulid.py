"""ULIDs (github.com/ulid/spec): 26 characters that sort by time."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_BITS, _RANDOM_BITS = 48, 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_ulid(at: datetime, seed: str | None = None) -> str:
    """Make an id for something that happens `at`.

    :param seed: with one, the same id comes out again: an event that is delivered twice names one thing.
    """
    milliseconds = int(at.timestamp() * 1000) % (1 << _TIME_BITS)
    if seed is None:
        random = secrets.randbits(_RANDOM_BITS)
    else:
        random = int.from_bytes(hashlib.sha256(seed.encode()).digest()[: _RANDOM_BITS // 8])
    number = milliseconds << _RANDOM_BITS | random
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def ulid_time(ulid: str) -> datetime:
    """Return the moment that an id names, in UTC; one that no calendar reaches is the last that it has."""
    number = 0
    for character in ulid[:10]:
        number = number << 5 | ALPHABET.index(character)
    try:
        return _EPOCH + timedelta(milliseconds=number)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)

"""The buckets in which errors are counted: five minutes each, in UTC, named by when they begin."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

BUCKET: Final = timedelta(minutes=5)
# For how long counts are kept. The longest soak time is 30 days, and what was before its wave is looked at after it.
KEPT: Final = timedelta(days=40)


def bucket_of(moment: datetime) -> datetime:
    """Return when the bucket of a moment begins; `moment` is in UTC."""
    return moment - timedelta(
        minutes=moment.minute % (BUCKET.seconds // 60), seconds=moment.second, microseconds=moment.microsecond
    )


def end_of_bucket(moment: datetime) -> datetime:
    """Return when the bucket of a moment is over; a moment between two buckets is the end of the first."""
    begin = bucket_of(moment)
    return begin if begin == moment else begin + BUCKET


def whole_buckets(span: timedelta) -> int:
    """Return how many buckets a span fills, rounded up."""
    return -(-span // BUCKET)


def buckets_until(end: datetime, number: int) -> Iterator[datetime]:
    """Yield the last buckets that are over at a moment, from the first to the last."""
    last = bucket_of(end)
    return (last - BUCKET * back for back in range(number, 0, -1))


def name_of(bucket: datetime) -> str:
    """Write a bucket as the key that the table of the counts has."""
    return bucket.strftime("%Y-%m-%dT%H:%MZ")

"""Buckets of five minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from tenantry.domain.error_buckets import bucket_of, buckets_until, end_of_bucket, name_of, whole_buckets


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-10-01T{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "begin", "end"),
    [
        ("12:00:00", "12:00:00", "12:00:00"),
        ("12:00:00.000001", "12:00:00", "12:05:00"),
        ("12:04:59.999999", "12:00:00", "12:05:00"),
        ("23:57:00", "23:55:00", "23:59:59"),
    ],
)
def test_when_a_bucket_begins_and_ends(moment: str, begin: str, end: str) -> None:
    assert bucket_of(at(moment)) == at(begin)
    assert end_of_bucket(at(moment)) == at(end) + timedelta(seconds=end.endswith("59"))


def test_the_buckets_until_a_moment_are_over_by_then() -> None:
    assert [name_of(bucket) for bucket in buckets_until(at("12:09:59"), 2)] == [
        "2026-10-01T11:55Z",
        "2026-10-01T12:00Z",
    ]
    assert [name_of(bucket) for bucket in buckets_until(at("00:05:00"), 2)] == [
        "2026-09-30T23:55Z",
        "2026-10-01T00:00Z",
    ]


def test_a_span_takes_up_whole_buckets() -> None:
    assert [whole_buckets(timedelta(minutes=minutes)) for minutes in (5, 6, 10, 60)] == [1, 2, 2, 12]

"""Counts a tenant's errors for rollouts, in memory first: a tenant that errs without end costs a write now and then.

It is imported and made by the first error that counts: an execution environment that sees none pays for nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import ClientError

from tenantry.aws.clients import aws_client
from tenantry.domain.error_buckets import KEPT, bucket_of, name_of
from tenantry.domain.tenant import TenantId
from tenantry.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Tenants and buckets that one execution environment remembers; of more, the oldest are forgotten.
MOST_REMEMBERED: Final = 1_000
# How often a tenant's count is written, by the requests that err.
_PAUSE: Final = timedelta(seconds=10)
# Whoever errs all the time pays for its writes itself: only what it has left behind is written by requests of others.
_LEFT_BEHIND: Final = 2 * _PAUSE
_PAUSE_OF_OTHERS: Final = timedelta(seconds=1)
# How long nothing is written, or said, after a write that failed: it may have taken two seconds.
_PAUSE_AFTER_FAILURE: Final = timedelta(minutes=1)
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


def quick_dynamodb(region: str) -> "DynamoDBClient":
    """Make a client that gives up after a second to connect and one to be answered: a request waits for it."""
    client: DynamoDBClient = aws_client(
        "dynamodb", region, config=Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
    )
    return client


@dataclass(slots=True)
class _Count:
    """What one tenant has erred in a bucket: how much is not written yet, and when it was written last."""

    waiting: int = 0
    written_at: datetime = _LONG_AGO


class ErrorCounter:
    """Counts the errors of tenants in buckets, and writes the counts to their table."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], datetime] | None = None) -> None:
        """Take the counts' table, and a clock in UTC."""
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock or _utc_now
        # The one that has erred last comes last.
        self._counts: dict[tuple[datetime, TenantId], _Count] = {}
        self._waiting = 0
        self._not_before = self._not_by_others_before = _LONG_AGO

    def count(self, tenant_id: TenantId) -> None:
        """Count an error, and write the tenant's count unless that was done just now."""
        now = self._clock()
        key = (bucket_of(now), tenant_id)
        found = self._counts.pop(key, None) or _Count()
        self._counts[key] = found
        found.waiting += 1
        self._waiting += 1
        if len(self._counts) > MOST_REMEMBERED:
            self._waiting -= self._counts.pop(next(iter(self._counts))).waiting
        if now - found.written_at >= _PAUSE and now >= self._not_before:
            self._write(key, found, now)

    def write_left_behind(self) -> None:
        """Write one count whose tenant has not erred since, if there is any: what a request of anybody's may cost."""
        if not self._waiting:
            return
        now = self._clock()
        if now < self._not_before or now < self._not_by_others_before:
            return
        self._not_by_others_before = now + _PAUSE_OF_OTHERS
        for key, count in self._counts.items():
            if count.waiting and now - count.written_at >= _LEFT_BEHIND:
                self._write(key, count, now)
                return

    def _write(self, key: tuple[datetime, TenantId], count: _Count, now: datetime) -> None:
        """Add a count to its item; what failed waits for another try, so a write without an answer may count twice."""
        bucket, tenant_id = key
        expires_at = int((bucket + KEPT).timestamp())
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"bucket": {"S": name_of(bucket)}, "tenant_id": {"S": tenant_id.value}},
                UpdateExpression="ADD #errors :more SET #expires_at = :expires_at",
                ExpressionAttributeNames={"#errors": "errors", "#expires_at": "expires_at"},
                ExpressionAttributeValues={":more": {"N": str(count.waiting)}, ":expires_at": {"N": str(expires_at)}},
            )
        except Exception as exc:  # noqa: BLE001 - whatever it is, the answer that somebody waits for is given
            self._not_before = now + _PAUSE_AFTER_FAILURE
            logger().warning("errors could not be counted", extra={"code": _code_of(exc)})
            return
        self._waiting -= count.waiting
        count.waiting, count.written_at = 0, now


def _code_of(exc: Exception) -> Any:
    """Name what went wrong; the text may have a host."""
    return exc.response["Error"]["Code"] if isinstance(exc, ClientError) else type(exc).__name__


def _utc_now() -> datetime:
    return datetime.now(UTC)

"""Counting errors: what is written and when, by a table of moto's."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from moto import mock_aws

from tenantry.data_api.error_counter import MOST_REMEMBERED, ErrorCounter, quick_dynamodb
from tenantry.domain.tenant import TenantId
from tenantry.rollouts.error_counts import ErrorCounts

REGION, TABLE = "ap-south-1", "errors"
A, B = TenantId("company-a"), TenantId("company-b")
BEGIN = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Table:
    """Counts what is written to a table, or refuses it."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.written: list[tuple[str, int]] = []
        self.refuses: Exception | None = None

    def update_item(self, **arguments: Any) -> None:
        if self.refuses:
            raise self.refuses
        more = int(arguments["ExpressionAttributeValues"][":more"]["N"])
        self.written.append((arguments["Key"]["tenant_id"]["S"], more))
        self._dynamodb.update_item(**arguments)


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        yield quick_dynamodb(REGION)


@pytest.fixture
def table(dynamodb: Any) -> Iterator[Table]:
    keys = (("bucket", "HASH"), ("tenant_id", "RANGE"))
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )
    yield Table(dynamodb)
    dynamodb.delete_table(TableName=TABLE)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counter(table: Any, clock: Clock) -> ErrorCounter:
    return ErrorCounter(table, TABLE, clock)


def read(dynamodb: Any, *buckets: datetime) -> Counter[str]:
    return ErrorCounts(dynamodb, TABLE).of(buckets or (BEGIN,))


def test_the_first_error_is_written_at_once_and_the_others_together(
    counter: ErrorCounter, table: Table, clock: Clock, dynamodb: Any
) -> None:
    for _ in range(1000):
        counter.count(A)
        clock.pass_seconds(0.0099)
    assert table.written == [("company-a", 1)]
    clock.pass_seconds(0.2)
    counter.count(A)
    assert table.written == [("company-a", 1), ("company-a", 1000)]
    assert read(dynamodb) == {"company-a": 1001}


def test_each_bucket_and_tenant_has_an_item_which_goes_after_a_while(
    counter: ErrorCounter, table: Table, clock: Clock, dynamodb: Any
) -> None:
    counter.count(A)
    counter.count(B)
    clock.pass_seconds(300)
    counter.count(A)
    assert read(dynamodb) == {"company-a": 1, "company-b": 1}
    assert read(dynamodb, BEGIN + timedelta(minutes=5)) == {"company-a": 1}
    assert read(dynamodb, BEGIN, BEGIN + timedelta(minutes=5)) == {"company-a": 2, "company-b": 1}
    items = dynamodb.scan(TableName=TABLE)["Items"]
    assert len(items) == 3
    assert {item.keys() == {"bucket", "tenant_id", "errors", "expires_at"} for item in items} == {True}
    assert min(int(item["expires_at"]["N"]) for item in items) == int((BEGIN + timedelta(days=40)).timestamp())


def test_what_a_tenant_has_left_behind_is_written_by_others_one_at_a_time(
    counter: ErrorCounter, table: Table, clock: Clock, dynamodb: Any
) -> None:
    for tenant_id in (A, A, A, B, B):
        counter.count(tenant_id)
    del table.written[:]
    counter.write_left_behind()
    clock.pass_seconds(19)
    counter.write_left_behind()
    assert table.written == []
    clock.pass_seconds(2)
    for _ in range(5):
        counter.write_left_behind()
    assert table.written == [("company-a", 2)]
    clock.pass_seconds(400)
    for _ in range(5):
        counter.write_left_behind()
        clock.pass_seconds(2)
    assert table.written == [("company-a", 2), ("company-b", 1)]
    # In the bucket where the errors were, whenever it is written.
    assert read(dynamodb) == {"company-a": 3, "company-b": 2}


def test_whoever_errs_all_the_time_writes_itself(counter: ErrorCounter, table: Table, clock: Clock) -> None:
    for second in range(60):
        counter.count(A)
        written = len(table.written)
        counter.write_left_behind()
        assert len(table.written) == written, second
        clock.pass_seconds(1)
    assert len(table.written) == 6


def test_memory_is_bounded(counter: ErrorCounter, table: Table, clock: Clock, dynamodb: Any) -> None:
    table.refuses = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slower"}}, "UpdateItem")
    counter.count(A)
    for number in range(MOST_REMEMBERED):
        counter.count(TenantId(f"tenant-{number}"))
    assert len(counter._counts) == MOST_REMEMBERED
    assert counter._waiting == MOST_REMEMBERED
    table.refuses = None
    clock.pass_seconds(61)
    counter.write_left_behind()
    assert table.written == [("tenant-0", 1)]


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (ConnectTimeoutError(endpoint_url="https://dynamodb.secret-host"), "ConnectTimeoutError"),
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": "secret-host"}}, "UpdateItem"),
            "AccessDen",
        ),
        (OSError("secret-host"), "OSError"),
    ],
    ids=["slow", "refused", "another"],
)
def test_a_write_that_fails_is_tried_again_after_a_minute_and_told_once(
    counter: ErrorCounter,
    table: Table,
    clock: Clock,
    dynamodb: Any,
    capsys: pytest.CaptureFixture[str],
    refusal: Exception,
    code: str,
) -> None:
    table.refuses = refusal
    for _ in range(100):
        counter.count(A)
        counter.count(B)
        clock.pass_seconds(0.5)
        counter.write_left_behind()
    said = capsys.readouterr().out
    assert said.count("errors could not be counted") == 1
    assert code in said
    assert "secret-host" not in said
    table.refuses = None
    clock.pass_seconds(11)
    counter.count(A)
    assert table.written == [("company-a", 101)]


def test_a_request_waits_a_second_for_dynamodb_and_no_longer() -> None:
    config: Any = quick_dynamodb(REGION).meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 1)
    assert config.retries == {"total_max_attempts": 1, "mode": "legacy"}

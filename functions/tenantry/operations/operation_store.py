"""Stores operations in the registry's table: `pk` is `OPERATION`, `sk` the operation's ULID.

DynamoDB deletes an operation that is over some time after `expires_at`. The table's index by target finds the
operations on one thing among those of the whole fleet.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.aws.registry_pages import DIFFERS, HIGHEST, LOWEST, Condition, Span, read_page
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.operation_expiry import LEAD_BACK, expiry, may_be_forgotten
from tenantry.domain.paging import MOST, Page, PageRequest
from tenantry.domain.ulid import first_ulid

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KIND: Final = "OPERATION"
# The index lags behind the table by less time than it takes to begin so many operations.
_NOT_INDEXED_YET: Final = 100
# How long operations are kept that are over.
DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """Which operations: empty fields and None mean any. `since` and `until` are when they were asked for.

    With `unsuccessful`, those that have succeeded are left out.
    """

    target: str = ""
    kind: str = ""
    status: OperationStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    unsuccessful: bool = False

    def is_of(self, operation: Operation) -> bool:
        """Tell whether an operation has this target and kind."""
        return self.target in ("", operation.target) and self.kind in ("", operation.kind)

    @property
    def span(self) -> Span:
        """Say where in the table they are."""
        conditions = tuple(self._conditions())
        low = first_ulid(self.since) if self.since else LOWEST
        high = first_ulid(self.until) if self.until else HIGHEST
        if not self.target:
            return Span(_KIND, low, high, newest_first=True, conditions=conditions)
        # The index has the audit trail, too.
        ours = Condition("pk", _KIND)
        return Span(self.target, low, high, True, (ours, *conditions), table_key=lambda _: _KIND)

    def _conditions(self) -> Iterator[Condition]:
        if self.kind:
            yield Condition("kind", self.kind)
        if self.status:
            yield Condition("status", self.status.value)
        if self.unsuccessful:
            yield Condition("status", OperationStatus.SUCCEEDED.value, DIFFERS)


class OperationStore:
    """Writes operations after each step, and reads them back."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, days: int = DAYS) -> None:
        """Take the registry's table, and how many days an operation is kept after it is over; 0 is for ever."""
        self._dynamodb = dynamodb
        self._table = table
        self._days = days

    def put(self, operation: Operation) -> None:
        """Store an operation's present state.

        :raises DependencyFailed: DynamoDB did not take it.
        """
        self._put(operation, expires=may_be_forgotten(operation))

    def get(self, operation_id: str) -> Operation | None:
        """Look an operation up.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        key = {"pk": {"S": _KIND}, "sk": {"S": operation_id}}
        try:
            item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        return _operation(item) if item else None

    def page(self, wanted: OperationFilter, request: PageRequest) -> Page[Operation]:
        """Read a page of the operations that are wanted, newest first.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return read_page(self._dynamodb, self._table, wanted.span, request).map(_operation)

    def about(self, target: str, kind: str = "") -> Iterator[Operation]:
        """Yield the operations on one thing, newest first, including those that were begun a moment ago.

        What they say is as old as the index: `get` has it as it is now.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        wanted = OperationFilter(target, kind)
        every = Span(_KIND, newest_first=True)
        newest = read_page(self._dynamodb, self._table, every, PageRequest(_NOT_INDEXED_YET), consistent=True)
        seen = set()
        for operation in filter(wanted.is_of, map(_operation, newest.items)):
            seen.add(operation.operation_id)
            yield operation
        yield from (operation for operation in self.walk(wanted) if operation.operation_id not in seen)

    def walk(self, wanted: OperationFilter) -> Iterator[Operation]:
        """Yield all operations that are wanted, newest first, however many there are.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        page = self.page(wanted, PageRequest(MOST))
        yield from page.items
        while page.after:
            page = self.page(wanted, PageRequest(MOST, page.after))
            yield from page.items

    def let_go(self, target: str) -> None:
        """Let the operations expire that were kept because they lead back to a place that is no more.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        for operation in self.about(target):
            if operation.kind in LEAD_BACK and operation.status is OperationStatus.SUCCEEDED:
                self._put(operation, expires=True)

    def _put(self, operation: Operation, *, expires: bool) -> None:
        item: dict[str, Any] = {
            "pk": {"S": _KIND},
            "sk": {"S": operation.operation_id},
            "kind": {"S": operation.kind},
            "target": {"S": operation.target},
            "requested_by": {"S": operation.requested_by},
            "requested_at": {"S": operation.requested_at.isoformat()},
            "status": {"S": operation.status.value},
            "done": {"S": json.dumps(operation.done)},
            "facts": {"S": json.dumps(operation.facts)},
        }
        if operation.error:
            item["error"] = {"S": operation.error}
        if expires and self._days:
            item["expires_at"] = {"N": str(expiry(datetime.now(UTC), self._days))}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc


def _operation(item: Any) -> Operation:
    fields = {name: value["S"] for name, value in item.items() if "S" in value}
    return Operation(
        operation_id=fields["sk"],
        kind=fields["kind"],
        target=fields["target"],
        requested_by=fields["requested_by"],
        requested_at=datetime.fromisoformat(fields["requested_at"]),
        status=OperationStatus(fields["status"]),
        done=tuple(json.loads(fields["done"])),
        error=fields.get("error"),
        facts=json.loads(fields["facts"]),
    )

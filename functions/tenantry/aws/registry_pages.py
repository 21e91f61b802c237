"""Reads one page of a partition of the registry's table, or of its index by target, and 1,000 items of it at most.

DynamoDB filters what it has read. It is asked in a few steps until the page is full, 1,000 items are read or one step
has come to 1 MB, which keeps the answer within what Lambda may send.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.domain.paging import MOST, Page, PageRequest, cut

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The index over the operations and the audit trail: `target` and `sk`. DynamoDB fills it for items of any age, and
# brings it up to date some milliseconds after the table.
BY_TARGET: Final = "by-target"
# Sorts before and behind each key that we give.
LOWEST, HIGHEST = "!", "~"
EQUALS: Final = "{name} = {value}"
DIFFERS: Final = "(attribute_not_exists({name}) OR {name} <> {value})"
CONTAINS: Final = "contains({name}, {value})"
LACKS: Final = "(attribute_not_exists({name}) OR NOT contains({name}, {value}))"
BEGINS: Final = "begins_with({name}, {value})"


class Condition(NamedTuple):
    """What an item's attribute has to be; `form` is DynamoDB's expression, with `{name}` and `{value}`."""

    attribute: str
    value: str
    form: str = EQUALS


@dataclass(frozen=True, slots=True)
class Span:
    """Some of a partition: the items whose sort key lies from `low` to `high`, of which `conditions` are true.

    :ivar table_key: names the table's partition of an item by its sort key; with it, `partition` is a target, and its
        items are read from the index.
    """

    partition: str
    low: str = LOWEST
    high: str = HIGHEST
    newest_first: bool = False
    conditions: tuple[Condition, ...] = ()
    table_key: Callable[[str], str] | None = None

    def has(self, position: str) -> bool:
        """Tell whether a sort key lies in it."""
        return self.low <= position <= self.high


def read_page(
    dynamodb: "DynamoDBClient", table: str, span: Span, request: PageRequest, *, consistent: bool = False
) -> Page[Any]:
    """Read a page of items.

    :param consistent: read what was written last; the index can't be read so.
    :raises DependencyFailed: DynamoDB did not answer.
    """
    items: list[Any] = []
    after, left, step = request.after, MOST, _first_step(span, request)
    while True:
        step = min(step, left)
        try:
            answer = dynamodb.query(TableName=table, Limit=step, ConsistentRead=consistent, **_query(span, after))
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        items += answer["Items"]
        left -= step
        after = answer.get("LastEvaluatedKey", {}).get("sk", {}).get("S", "")
        # Fewer than were asked for, and not the last: that was 1 MB.
        if len(items) > request.limit or not after or not left or answer["ScannedCount"] < step:
            return cut(Page(tuple(items), after), request, lambda item: str(item["sk"]["S"]))
        step *= 2


def _first_step(span: Span, request: PageRequest) -> int:
    """Tell how many items to read at first: one more than the page has tells whether another follows.

    What a filter lets through is not known. To read all that may be read would parse a thousand where most fit.
    """
    return request.limit * (2 if span.conditions else 1) + 1


def _query(span: Span, after: str) -> dict[str, Any]:
    partition = "target" if span.table_key else "pk"
    names = {"#partition": partition}
    values = {":partition": {"S": span.partition}, ":low": {"S": span.low}, ":high": {"S": span.high}}
    filters = []
    for number, condition in enumerate(span.conditions):
        names[f"#name{number}"] = condition.attribute
        values[f":value{number}"] = {"S": condition.value}
        filters.append(condition.form.format(name=f"#name{number}", value=f":value{number}"))
    query: dict[str, Any] = {
        "KeyConditionExpression": "#partition = :partition AND sk BETWEEN :low AND :high",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ScanIndexForward": not span.newest_first,
    }
    if filters:
        query["FilterExpression"] = " AND ".join(filters)
    if span.table_key:
        query["IndexName"] = BY_TARGET
    if after:
        query["ExclusiveStartKey"] = _start_key(span, after)
    return query


def _start_key(span: Span, after: str) -> dict[str, Any]:
    key = {partition: {"S": value} for partition, value in _partitions(span, after).items()}
    return key | {"sk": {"S": after}}


def _partitions(span: Span, after: str) -> dict[str, str]:
    if span.table_key:
        return {"pk": span.table_key(after), "target": span.partition}
    return {"pk": span.partition}

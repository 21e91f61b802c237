"""The ledger of a rollout in the registry's table: `pk` is `ROLLOUT#` and its ULID, `sk` the home."""

import json
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.domain.errors import DependencyFailed, NotFound
from tenantry.rollouts.planned_steps import PlannedStep
from tenantry.rollouts.rollout import Entry, entry_from

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# DynamoDB takes no more at once.
_AT_ONCE: Final = 25
_TRIES: Final = 10
# Before every home in the order of names: no name begins with it.
_STEPS: Final = "!steps"


class Ledger:
    """Reads and writes what is known of each home in a rollout."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the registry's table."""
        self._dynamodb = dynamodb
        self._table = table

    def all(self, rollout_id: str) -> list[Entry]:
        """List all entries, by home. :raises DependencyFailed: DynamoDB did not answer."""
        return list(self._query(rollout_id))

    def page(self, rollout_id: str, after: str, limit: int) -> list[Entry]:
        """List some entries, in the order of their names, from behind one.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return [entry for _, entry in zip(range(limit), self._query(rollout_id, after), strict=False)]

    def get(self, rollout_id: str, unit: str) -> Entry:
        """Look one up.

        :raises NotFound: the rollout has no such home.
        :raises DependencyFailed: DynamoDB did not answer.
        """
        item = self._item(rollout_id, unit)
        if item is None:
            raise NotFound(
                "The rollout has no such tenant.",
                code="not_in_rollout",
                hint="Shared tables are called pool/ and their server; GET …/tenants lists all.",
            )
        return entry_from(json.loads(item["entry"]["S"]))

    def put(self, rollout_id: str, entry: Entry) -> None:
        """Write one. :raises DependencyFailed: DynamoDB did not take it."""
        self._put(rollout_id, entry.unit, entry.to_json())

    def put_all(self, rollout_id: str, entries: Iterable[Entry]) -> None:
        """Write many. :raises DependencyFailed: DynamoDB did not take all."""
        for some in batched(entries, _AT_ONCE, strict=False):
            left: Any = {
                self._table: [{"PutRequest": {"Item": self._made(rollout_id, one.unit, one.to_json())}} for one in some]
            }
            for _ in range(_TRIES):
                if not left:
                    break
                left = self._write(left)
            if left:
                raise DependencyFailed("The ledger could not be written.", code="registry_unavailable")

    def steps(self, rollout_id: str) -> list[PlannedStep]:
        """List the steps that the rollout was planned with. :raises DependencyFailed: DynamoDB did not answer."""
        item = self._item(rollout_id, _STEPS)
        return [PlannedStep(**step) for step in json.loads(item["entry"]["S"])] if item else []

    def put_steps(self, rollout_id: str, steps: Iterable[PlannedStep]) -> None:
        """Write them. :raises DependencyFailed: DynamoDB did not take them."""
        self._put(rollout_id, _STEPS, [step.to_json() for step in steps])

    def _query(self, rollout_id: str, after: str = _STEPS) -> Iterator[Entry]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :rollout AND sk > :after",
            ExpressionAttributeValues={":rollout": {"S": _partition(rollout_id)}, ":after": {"S": after}},
            ConsistentRead=True,
        )
        try:
            for page in pages:
                yield from (entry_from(json.loads(item["entry"]["S"])) for item in page["Items"])
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _item(self, rollout_id: str, name: str) -> Any:
        key = {"pk": {"S": _partition(rollout_id)}, "sk": {"S": name}}
        try:
            return self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _put(self, rollout_id: str, name: str, content: Any) -> None:
        try:
            self._dynamodb.put_item(TableName=self._table, Item=self._made(rollout_id, name, content))
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _made(self, rollout_id: str, name: str, content: Any) -> dict[str, Any]:
        return {"pk": {"S": _partition(rollout_id)}, "sk": {"S": name}, "entry": {"S": json.dumps(content)}}

    def _write(self, requests: Any) -> Any:
        try:
            return self._dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc


def _partition(rollout_id: str) -> str:
    return f"ROLLOUT#{rollout_id}"

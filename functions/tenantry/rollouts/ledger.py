"""The ledger of a rollout in the registry's table: `pk` is `ROLLOUT#` and its ULID, `sk` the home."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.aws.registry_pages import HIGHEST, Span, read_page
from tenantry.domain.errors import DependencyFailed, NotFound
from tenantry.domain.paging import Page, PageRequest
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

    def page(self, rollout_id: str, request: PageRequest) -> Page[Entry]:
        """Read a page of entries, by home. :raises DependencyFailed: DynamoDB did not answer."""
        found = read_page(self._dynamodb, self._table, homes_of(rollout_id), request, consistent=True)
        return found.map(lambda item: entry_from(json.loads(item["entry"]["S"])))

    def get(self, rollout_id: str, unit: str) -> Entry:
        """Look one up.

        :raises NotFound: the rollout has no such home.
        :raises DependencyFailed: DynamoDB did not answer.
        """
        item = self._item(rollout_id, unit) if unit != _STEPS else None
        if item is None:
            raise NotFound(
                "The rollout has no such tenant.",
                code="not_in_rollout",
                hint=f"GET /admin/v1/rollouts/{rollout_id}/tenants has all; the pool of a server is pool/ and its id.",
            )
        return entry_from(json.loads(item["entry"]["S"]))

    def put(self, rollout_id: str, entry: Entry) -> None:
        """Write one, whatever others have written of it. :raises DependencyFailed: DynamoDB did not take it."""
        self._put(self._item_of(rollout_id, _next(entry)))

    def replace(self, rollout_id: str, entry: Entry) -> Entry | None:
        """Write one over what it was read as; returns it as written, or None: another has written it meanwhile.

        :raises DependencyFailed: DynamoDB did not take it.
        """
        written = _next(entry)
        try:
            self._put(
                self._item_of(rollout_id, written),
                ConditionExpression="attribute_not_exists(pk) OR #version = :read",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":read": {"N": str(entry.version)}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        return written

    def replace_all(self, rollout_id: str, entries: Iterable[Entry]) -> None:
        """Write many over what they were read as; what others have written meanwhile stays.

        It looks first and then writes, so what a worker has done is not told by this, but by `put`.

        :raises DependencyFailed: DynamoDB did not take all.
        """
        for some in batched(entries, _AT_ONCE, strict=False):
            versions = self._versions(rollout_id, [entry.unit for entry in some])
            self.put_all(rollout_id, [entry for entry in some if versions.get(entry.unit, 0) == entry.version])

    def put_all(self, rollout_id: str, entries: Iterable[Entry]) -> None:
        """Write many. :raises DependencyFailed: DynamoDB did not take all."""
        for some in batched(entries, _AT_ONCE, strict=False):
            left: Any = {
                self._table: [{"PutRequest": {"Item": self._item_of(rollout_id, _next(entry))}} for entry in some]
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
        self._put(_made(rollout_id, _STEPS, [step.to_json() for step in steps]))

    def _query(self, rollout_id: str) -> Iterator[Entry]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :rollout AND sk > :after",
            ExpressionAttributeValues={":rollout": {"S": _partition(rollout_id)}, ":after": {"S": _STEPS}},
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

    def _versions(self, rollout_id: str, units: Iterable[str]) -> dict[str, int]:
        """Tell how often entries were written; those that are not there are left out."""
        keys = [{"pk": {"S": _partition(rollout_id)}, "sk": {"S": unit}} for unit in units]
        asked: Any = {self._table: {"Keys": keys, "ConsistentRead": True, "ProjectionExpression": "sk, version"}}
        found: dict[str, int] = {}
        for _ in range(_TRIES):
            if not asked:
                return found
            try:
                answer = self._dynamodb.batch_get_item(RequestItems=asked)
            except (ClientError, BotoCoreError) as exc:
                raise registry_unavailable() from exc
            found |= {item["sk"]["S"]: int(item["version"]["N"]) for item in answer["Responses"][self._table]}
            asked = answer["UnprocessedKeys"]
        raise registry_unavailable()

    def _put(self, item: Any, **condition: Any) -> None:
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, **condition)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _item_of(self, rollout_id: str, entry: Entry) -> dict[str, Any]:
        return _made(rollout_id, entry.unit, entry.to_json()) | {"version": {"N": str(entry.version)}}

    def _write(self, requests: Any) -> Any:
        try:
            return self._dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc


def homes_of(rollout_id: str) -> Span:
    """Say where in the registry's table a rollout's homes are."""
    return Span(_partition(rollout_id), low=f"{_STEPS}{HIGHEST}")


def _next(entry: Entry) -> Entry:
    return replace(entry, version=entry.version + 1)


def _made(rollout_id: str, name: str, content: Any) -> dict[str, Any]:
    return {"pk": {"S": _partition(rollout_id)}, "sk": {"S": name}, "entry": {"S": json.dumps(content)}}


def _partition(rollout_id: str) -> str:
    return f"ROLLOUT#{rollout_id}"

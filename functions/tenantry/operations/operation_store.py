"""Stores operations in the registry's table: `pk` is `OPERATION`, `sk` the operation's ULID."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.domain.operation import Operation, OperationStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KIND = "OPERATION"


class OperationStore:
    """Writes operations after each step, and reads them back."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the registry's table."""
        self._dynamodb = dynamodb
        self._table = table

    def put(self, operation: Operation) -> None:
        """Store an operation's present state.

        :raises DependencyFailed: DynamoDB did not take it.
        """
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
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

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

    def newest(self) -> Iterator[Operation]:
        """Yield all operations, newest first.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :kind",
            ExpressionAttributeValues={":kind": {"S": _KIND}},
            ScanIndexForward=False,
        )
        try:
            for page in pages:
                yield from map(_operation, page["Items"])
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc


def _operation(item: Any) -> Operation:
    fields = {name: value["S"] for name, value in item.items()}
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

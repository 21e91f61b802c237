"""Stores the audit trail: one item per action in the registry's table, written once.

`pk` is `AUDIT#` and the month, `sk` a ULID: a month's entries share a partition and sort by time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.operations.audit import AuditEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AuditLog:
    """Appends entries and reads them back, newest first."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the registry's table."""
        self._dynamodb = dynamodb
        self._table = table

    def append(self, entry: AuditEntry) -> None:
        """Write an entry; an existing entry is never overwritten.

        :raises DependencyFailed: DynamoDB did not take it.
        """
        fields = {"actor": entry.actor, "action": entry.action, "target": entry.target, "outcome": entry.outcome}
        item: dict[str, Any] = {"pk": {"S": _month(entry.at)}, "sk": {"S": entry.entry_id}}
        item |= {"at": {"S": entry.at.isoformat()}, **{name: {"S": value} for name, value in fields.items()}}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def read(self, month: datetime, target: str | None = None) -> Iterator[AuditEntry]:
        """Yield a month's entries, newest first; with a `target`, only those about it.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :month",
            ExpressionAttributeValues={":month": {"S": _month(month)}},
            ScanIndexForward=False,
        )
        try:
            for page in pages:
                yield from (_entry(item) for item in page["Items"] if target in {None, item["target"]["S"]})
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc


def _month(at: datetime) -> str:
    return f"AUDIT#{at.astimezone(UTC):%Y-%m}"


def _entry(item: Any) -> AuditEntry:
    fields = {name: value["S"] for name, value in item.items()}
    return AuditEntry(
        entry_id=fields["sk"],
        at=datetime.fromisoformat(fields["at"]),
        actor=fields["actor"],
        action=fields["action"],
        target=fields["target"],
        outcome=fields["outcome"],
    )

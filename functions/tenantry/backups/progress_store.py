"""Stores backups' progress in the registry's table: `pk` is `BACKUPS#` and the tenant's id, `sk` the backup's id.

DynamoDB expires the items after some days. Only the backup itself, in the bucket, lasts.
"""

import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.backups.progress import BackupState, Progress
from tenantry.domain.backup import BackupId
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_SECONDS = 3 * 86_400
# No backup's sort key equals this one: their ids begin with a digit up to 7.
_TURN = "TURN"
_NUMBERS = frozenset({"dump_bytes", "stored_bytes", "tables_done", "tables_total"})


class ProgressStore:
    """Stores the progress that workers report, and when the next backup may be requested."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the registry's table."""
        self._dynamodb = dynamodb
        self._table = table

    def put(self, progress: Progress) -> None:
        """Store a backup's progress.

        :raises DependencyFailed: DynamoDB did not take it.
        """
        fields = asdict(progress) | {"updated_at": progress.updated_at.isoformat(), "state": progress.state.value}
        del fields["tenant_id"], fields["backup_id"]
        item: dict[str, Any] = {
            name: {"N": str(value)} if name in _NUMBERS else {"S": value} for name, value in fields.items()
        }
        item |= {
            "pk": {"S": _partition(progress.tenant_id)},
            "sk": {"S": progress.backup_id},
            "expires_at": {"N": str(int(time.time()) + _KEPT_SECONDS)},
        }
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def get(self, tenant_id: TenantId, backup_id: BackupId) -> Progress | None:
        """Look a backup's progress up.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        key = {"pk": {"S": _partition(tenant_id.value)}, "sk": {"S": backup_id.value}}
        try:
            item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        return _progress(tenant_id, item) if item else None

    def refuse(self, tenant_id: TenantId, backup_id: BackupId, code: str) -> None:
        """Say of a backup that is still queued that its worker could not begin; no other state is written over.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        found = self.get(tenant_id, backup_id)
        if found and found.state is BackupState.QUEUED:
            self.put(replace(found, state=BackupState.FAILED, error=code, updated_at=datetime.now(UTC)))

    def newest(self, tenant_id: TenantId, limit: int = 20) -> list[Progress]:
        """List the progress of a tenant's backups, newest first.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        try:
            answer = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :tenant AND sk < :end",
                ExpressionAttributeValues={":tenant": {"S": _partition(tenant_id.value)}, ":end": {"S": "8"}},
                ScanIndexForward=False,
                Limit=limit,
                ConsistentRead=True,
            )
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        return [_progress(tenant_id, item) for item in answer["Items"]]

    def take_turn(self, tenant_id: TenantId, seconds: int) -> None:
        """Record that a backup was requested.

        :param seconds: how many seconds have to lie between two requests.
        :raises Conflict: the last request was too recent (`backup_too_soon`).
        :raises DependencyFailed: DynamoDB did not answer.
        """
        now = int(time.time())
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": _partition(tenant_id.value)},
                    "sk": {"S": _TURN},
                    "asked_at": {"N": str(now)},
                    "expires_at": {"N": str(now + _KEPT_SECONDS)},
                },
                ConditionExpression="attribute_not_exists(pk) OR asked_at <= :earlier",
                ExpressionAttributeValues={":earlier": {"N": str(now - seconds)}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as exc:
            raise Conflict(
                "A backup of this tenant was asked for only a moment ago.",
                code="backup_too_soon",
                hint=f"Ask again later: there have to be {seconds} seconds between two of them.",
            ) from exc
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc


def _partition(tenant_id: str) -> str:
    return f"BACKUPS#{tenant_id}"


def _progress(tenant_id: TenantId, item: Any) -> Progress:
    numbers = {name: int(item[name]["N"]) for name in _NUMBERS}
    return Progress(
        tenant_id=tenant_id.value,
        backup_id=item["sk"]["S"],
        state=BackupState(item["state"]["S"]),
        trigger=item["trigger"]["S"],
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]).astimezone(UTC),
        error=item["error"]["S"],
        published_as=item["published_as"]["S"],
        **numbers,
    )

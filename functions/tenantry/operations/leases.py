"""Leases in the registry's table: one operation at a time on one thing. A dead worker's lease expires."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.domain.errors import Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Held while a tenant is changed, so that two changes of one tenant never overlap.
TENANT_LEASE = "tenant"
# Held while a rollout migrates the tables that tenants of a server share.
POOL_LEASE = "pool"
# Held while backups are deleted and while a hold is set, so that a deletion sees every hold.
RETENTION_LEASE = "retention"


class Leases:
    """Holds leases for at most as long as a function may run."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, seconds: int = 60) -> None:
        """Take the registry's table; a lease that is not released expires after `seconds`."""
        self._dynamodb = dynamodb
        self._table = table
        self._seconds = seconds

    @contextmanager
    def hold(self, kind: str, name: str) -> Iterator[None]:
        """Hold the lease on one thing within this context, such as the kind `tenant` with a tenant's id.

        :raises Conflict: another worker holds the lease.
        :raises DependencyFailed: DynamoDB did not answer.
        """
        holder = uuid.uuid4().hex
        self._take(f"{kind}#{name}", holder)
        try:
            yield
        finally:
            self._give_back(f"{kind}#{name}", holder)

    def _take(self, name: str, holder: str) -> None:
        now = int(time.time())
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": "LEASE"},
                    "sk": {"S": name},
                    "holder": {"S": holder},
                    "ends_at": {"N": str(now + self._seconds)},
                },
                ConditionExpression="attribute_not_exists(pk) OR ends_at < :now",
                ExpressionAttributeValues={":now": {"N": str(now)}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as exc:
            raise Conflict(
                "Another operation on this is under way.",
                code="operation_in_progress",
                hint="Wait for it to end, then repeat the call.",
            ) from exc
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _give_back(self, name: str, holder: str) -> None:
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key={"pk": {"S": "LEASE"}, "sk": {"S": name}},
                ConditionExpression="holder = :me",
                ExpressionAttributeValues={":me": {"S": holder}},
            )
        except (ClientError, BotoCoreError):
            # The lease expires by itself, and the work under it is done.
            return

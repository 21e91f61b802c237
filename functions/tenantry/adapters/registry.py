"""The registry: tenants and servers in one DynamoDB table.

Items have `pk` = kind (`TENANT`, `SERVER`) and `sk` = id, so that one is a GetItem and all of a kind are a Query.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TENANT, _SERVER = "TENANT", "SERVER"


class Registry:
    """Reads and writes the registry's items."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the table's name."""
        self._dynamodb = dynamodb
        self._table = table

    def tenant(self, tenant_id: TenantId) -> Tenant | None:
        """Look one tenant up.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        key = {"pk": {"S": _TENANT}, "sk": {"S": tenant_id.value}}
        try:
            item = self._dynamodb.get_item(TableName=self._table, Key=key).get("Item")
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc
        return _tenant(item) if item else None

    def tenants(self) -> Iterator[Tenant]:
        """Go through all tenants in the order of their ids.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :kind",
            ExpressionAttributeValues={":kind": {"S": _TENANT}},
        )
        try:
            for page in pages:
                yield from (_tenant(item) for item in page["Items"])
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def put_tenant(self, tenant: Tenant) -> None:
        """Write a tenant's item, over what was there.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        self._put(
            _TENANT,
            tenant.tenant_id.value,
            {
                "status": tenant.status.value,
                "isolation": tenant.isolation.value,
                "server_id": tenant.server_id,
            },
        )

    def put_server(self, server: Server) -> None:
        """Write a server's item, over what was there.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        fields = {
            "region": server.region,
            "host": server.host,
            "port": str(server.port),
            "sslmode": server.sslmode,
        }
        self._put(_SERVER, server.server_id, fields)

    def _put(self, kind: str, name: str, fields: dict[str, str]) -> None:
        item: dict[str, Any] = {"pk": {"S": kind}, "sk": {"S": name}}
        item |= {key: {"S": value} for key, value in fields.items()}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc


def _tenant(item: Any) -> Tenant:
    return Tenant(
        TenantId(item["sk"]["S"]),
        TenantStatus(item["status"]["S"]),
        Isolation(item["isolation"]["S"]),
        item["server_id"]["S"],
    )


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The registry of tenants could not be read or written.", code="registry_unavailable")

"""Stores certificates of erasures in the registry's table: `pk` is `CERTIFICATE`, `sk` the tenant and operation."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.domain.tenant import TenantId
from tenantry.tenants.certificate import ErasureCertificate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class CertificateStore:
    """Stores certificates. An id that was used again, before erased ids were reserved, may have several."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the registry's table."""
        self._dynamodb = dynamodb
        self._table = table

    def put(self, certificate: ErasureCertificate, former_ids: Sequence[str] = ()) -> None:
        """Store a certificate under the tenant's id, and under each of its former ids.

        :raises DependencyFailed: DynamoDB did not take it.
        """
        content = {"S": json.dumps(asdict(certificate))}
        for tenant_id in (*former_ids, certificate.tenant_id):
            name = f"{tenant_id}#{certificate.operation_id}"
            item = {"pk": {"S": "CERTIFICATE"}, "sk": {"S": name}, "content": content}
            try:
                self._dynamodb.put_item(TableName=self._table, Item=item)
            except (ClientError, BotoCoreError) as exc:
                raise registry_unavailable() from exc

    def of(self, tenant_id: TenantId) -> Iterator[dict[str, Any]]:
        """Yield a tenant's certificates, oldest first, as JSON values.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        try:
            answer = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :kind AND begins_with(sk, :tenant)",
                ExpressionAttributeValues={":kind": {"S": "CERTIFICATE"}, ":tenant": {"S": f"{tenant_id.value}#"}},
            )
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        yield from (json.loads(item["content"]["S"]) for item in answer["Items"])

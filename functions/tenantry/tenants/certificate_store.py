"""Stores certificates of erasures in the registry's table: `pk` is `CERTIFICATE`, `sk` the tenant and operation."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.aws.registry_pages import HIGHEST, Span, read_page
from tenantry.domain.paging import MOST, Page, PageRequest
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
        """Yield a tenant's certificates, oldest first, as JSON values; of more than 1,000 the oldest.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        yield from self.page(tenant_id, PageRequest(MOST)).items

    def page(self, tenant_id: TenantId, request: PageRequest) -> Page[dict[str, Any]]:
        """Read a page of a tenant's certificates, oldest first, as JSON values.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        found = read_page(self._dynamodb, self._table, certificates_of(tenant_id), request)
        return found.map(lambda item: json.loads(item["content"]["S"]))


def certificates_of(tenant_id: TenantId) -> Span:
    """Say where in the registry's table a tenant's certificates are."""
    return Span("CERTIFICATE", f"{tenant_id.value}#", f"{tenant_id.value}#{HIGHEST}")

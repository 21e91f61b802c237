"""Stores records of what retention deleted, in the stack's bucket: `records/retention/{tenant_id}/{run}.json`."""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.object_versions import store_unavailable
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class RetentionRecords:
    """Writes records; the bucket keeps overwritten versions."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Take a client that may write below `records/retention/`."""
        self._s3 = s3
        self._bucket = bucket

    def put(self, tenant_id: TenantId, run: str, record: dict[str, Any]) -> str:
        """Store the record of a run, over its earlier version. Returns its key.

        :raises DependencyFailed: S3 did not take it.
        """
        key = f"records/retention/{tenant_id.value}/{run}.json"
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=json.dumps(record).encode(), ContentType="application/json"
            )
        except (ClientError, BotoCoreError) as exc:
            raise store_unavailable() from exc
        return key

"""Stores reports in the stack's bucket, `reports/{kind}/{operation_id}.json`: they are too large for the registry."""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed, NotFound

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ReportStore:
    """Stores and reads reports."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Take a client that may write or read below `reports/`."""
        self._s3 = s3
        self._bucket = bucket

    def put(self, kind: str, operation_id: str, report: dict[str, Any]) -> str:
        """Store a report, over an earlier one of the same operation. Returns its key.

        :raises DependencyFailed: S3 did not take it.
        """
        key = f"reports/{kind}/{operation_id}.json"
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=json.dumps(report).encode(), ContentType="application/json"
            )
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc
        return key

    def get(self, key: str) -> dict[str, Any]:
        """Read a report.

        :raises NotFound: the report was deleted.
        :raises DependencyFailed: S3 did not answer.
        """
        try:
            report: dict[str, Any] = json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        except self._s3.exceptions.NoSuchKey as exc:
            raise NotFound(
                "The report is not there any more.", code="report_unknown", hint="POST makes a new one."
            ) from exc
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc
        return report


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The report could not be read or written.", code="object_store_unavailable")

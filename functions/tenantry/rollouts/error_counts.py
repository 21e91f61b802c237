"""Reads how often the data API has answered with an error: who has erred, by bucket. The data path writes it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.error_buckets import name_of
from tenantry.domain.errors import DependencyFailed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ErrorCounts:
    """Reads the counts' table: `bucket` is five minutes, `tenant_id` who has erred in them."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the counts' table."""
        self._dynamodb = dynamodb
        self._table = table

    def of(self, buckets: Iterable[datetime]) -> Counter[str]:
        """Add up the errors of each tenant in some buckets, with one query for each; who has none is not there.

        :raises DependencyFailed: DynamoDB did not answer, and nobody knows who has erred.
        """
        found: Counter[str] = Counter()
        pages = self._dynamodb.get_paginator("query")
        try:
            for bucket in buckets:
                for page in pages.paginate(
                    TableName=self._table,
                    KeyConditionExpression="#bucket = :bucket",
                    ProjectionExpression="tenant_id, #errors",
                    ExpressionAttributeNames={"#bucket": "bucket", "#errors": "errors"},
                    ExpressionAttributeValues={":bucket": {"S": name_of(bucket)}},
                    ConsistentRead=True,
                ):
                    for item in page["Items"]:
                        found[item["tenant_id"]["S"]] += int(item["errors"]["N"])
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The counts of errors could not be read.", code="error_counts_unavailable") from exc
        return found

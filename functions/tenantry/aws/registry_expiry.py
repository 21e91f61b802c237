"""Gives operations and audit entries of an earlier version a time to live: `python3 -m tenantry.aws.registry_expiry T`.

What is written from now on has one already. Without `--write` the command counts what it would do and changes nothing.
An operation that could still be resumed, or that leads a tenant back to its former place, is left as it is. What is old
enough to go at once goes after a day. The command may be repeated. It runs in a clone with `PYTHONPATH=functions`, with
the AWS CLI's variables (`AWS_REGION`, `AWS_PROFILE`, …). The exit status is 0 if all is well and 2 if AWS refused.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from tenantry.domain.operation import OperationStatus
from tenantry.domain.operation_expiry import LEAD_BACK, expiry, is_over
from tenantry.domain.printable import printable
from tenantry.domain.ulid import ulid_time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

_FAILED: Final = 2
_OPERATION, _AUDIT = "OPERATION", "AUDIT#"
_AT_LEAST: Final = timedelta(days=1)
# How long operations are kept that are over, as the template has it.
_DAYS: Final = 400


def add_expiry(
    dynamodb: "DynamoDBClient", table: str, operation_days: int, audit_days: int, *, write: bool
) -> Mapping[str, int]:
    """Give a time to live to what has none. Returns how many items of which kind got one, and how many were kept.

    :param operation_days: how long after it was asked for an operation is kept; 0 leaves operations as they are.
    :param audit_days: the same of entries of the audit trail.
    :param write: False changes nothing.
    :raises ClientError: DynamoDB refused.
    """
    returning = set(_may_return(dynamodb, table))
    now, found = datetime.now(UTC), Counter[str]()
    for item in _without_expiry(dynamodb, table):
        is_operation = item["pk"]["S"] == _OPERATION
        kind, days = ("operations", operation_days) if is_operation else ("audit entries", audit_days)
        if not days or (is_operation and not _may_go(item, returning)):
            found[f"{kind} kept"] += 1
            continue
        found[kind] += 1
        if write:
            at = max(expiry(ulid_time(item["sk"]["S"]), days), expiry(now, 0) + int(_AT_LEAST.total_seconds()))
            _set(dynamodb, table, item, at)
    return found


def _may_go(item: Item, returning: set[str]) -> bool:
    if not is_over(OperationStatus(item["status"]["S"]), item.get("error", {}).get("S")):
        return False
    return item["kind"]["S"] not in LEAD_BACK or item["target"]["S"] not in returning


def _may_return(dynamodb: "DynamoDBClient", table: str) -> Iterator[str]:
    """Name the tenants that may go back to a former place, as operations name them."""
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :kind",
        FilterExpression="attribute_exists(former_home)",
        ProjectionExpression="sk",
        ExpressionAttributeValues={":kind": {"S": "TENANT"}},
        ConsistentRead=True,
    )
    for page in pages:
        yield from (f"tenant/{item['sk']['S']}" for item in page["Items"])


def _without_expiry(dynamodb: "DynamoDBClient", table: str) -> Iterator[Item]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="attribute_not_exists(expires_at) AND (pk = :operation OR begins_with(pk, :audit))",
        ProjectionExpression="pk, sk, kind, target, #status, #error",
        ExpressionAttributeNames={"#status": "status", "#error": "error"},
        ExpressionAttributeValues={":operation": {"S": _OPERATION}, ":audit": {"S": _AUDIT}},
        ConsistentRead=True,
    )
    for page in pages:
        yield from page["Items"]


def _set(dynamodb: "DynamoDBClient", table: str, item: Item, at: int) -> None:
    names, values = {"#at": "expires_at"}, {":at": {"N": str(at)}}
    condition = "attribute_exists(pk)"
    if "status" in item:
        # What has been resumed meanwhile is left alone.
        names["#status"], values[":status"] = "status", item["status"]
        condition = "#status = :status"
    try:
        dynamodb.update_item(
            TableName=table,
            Key={"pk": item["pk"], "sk": item["sk"]},
            UpdateExpression="SET #at = :at",
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tenantry.aws.registry_expiry", description=__doc__)
    parser.add_argument("table", help="the stack's table: its output RegistryTableName")
    parser.add_argument("--operation-days", type=int, default=_DAYS, help="the parameter OperationRetentionDays")
    parser.add_argument("--audit-days", type=int, default=0, help="the parameter AuditRetentionDays; 0 is for ever")
    parser.add_argument("--write", action="store_true", help="write it; without it nothing is changed")
    options = parser.parse_args(arguments)
    try:
        client: Any = Session().create_client("dynamodb")
        found = add_expiry(client, options.table, options.operation_days, options.audit_days, write=options.write)
    except (ClientError, BotoCoreError) as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return _FAILED
    sys.stdout.writelines(f"{number:8} {kind}\n" for kind, number in sorted(found.items()))
    sys.stdout.write("written\n" if options.write else "nothing is written yet: repeat it with --write\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

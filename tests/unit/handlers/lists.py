"""A registry of many tenants, operations and audit entries, and an operator who lists them over the API."""

import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

import pytest
from moto import mock_aws

from handlers import administer_tenants
from handlers.settings.administration import administration_settings
from handlers.wiring import services as wiring
from tenantry.aws.clients import aws_client
from tenantry.domain.ulid import new_ulid
from tests.quick_moto import own_clients
from tests.registry_table import create_registry_table

REGION, TABLE = "ap-south-1", "registry"
TENANTS = 2_500
ENVIRONMENT = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "STAGE": "test",
    "REGISTRY_TABLE": TABLE,
    "BACKUP_BUCKET": "backups",
    "OPERATION_FUNCTION_ARN": "arn:aws:lambda:ap-south-1:123456789012:function:perform",
    "TIMER_ROLE_ARN": "arn:aws:iam::123456789012:role/timer",
}
# A month that is over, and of whose months before and after there is something too.
MARCH = datetime(2026, 3, 1, tzinfo=UTC)

type Fields = dict[str, str]


class Desk:
    """An operator's desk; `reads` are how many items each query has read."""

    def __init__(self) -> None:
        self.dynamodb: Any = aws_client("dynamodb", REGION)
        self.reads: list[int] = []
        wired = wiring.services()
        for adapter in (wired.lists, wired.operations._store, wired.trail._log):
            events: Any = adapter._dynamodb.meta.events
            events.register("after-call.dynamodb.Query", self._count, unique_id="reads")

    def _count(self, parsed: dict[str, Any], **_: Any) -> None:
        self.reads.append(parsed["ScannedCount"])

    def call(self, path: str, method: str = "GET", **query: str) -> tuple[int, Any]:
        """Call a route as API Gateway does; returns the status and the answer."""
        event = {
            "resource": path,
            "path": f"/admin/v1{path}",
            "httpMethod": method,
            "headers": {},
            "multiValueHeaders": {},
            "queryStringParameters": query or None,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
            "pathParameters": None,
            "requestContext": {"authorizer": {"role": "operator", "userId": "op-1"}},
            "body": None,
            "isBase64Encoded": False,
        }
        answer = administer_tenants.handler(event, None)
        return answer["statusCode"], json.loads(answer["body"])

    def pages(self, path: str, **query: str) -> Iterator[list[Any]]:
        """Read a list page by page, to its end."""
        cursor: str | None = ""
        while cursor is not None:
            status, answer = self.call(path, **query, cursor=cursor)
            assert status == 200, answer
            assert answer.keys() == {"items", "next"}
            yield answer["items"]
            cursor = answer["next"]

    def all(self, path: str, **query: str) -> list[Any]:
        return [item for page in self.pages(path, **query) for item in page]

    def refusal(self, path: str, method: str = "GET", **query: str) -> str:
        status, answer = self.call(path, method, **query)
        assert status == 400, answer
        return str(answer["code"])

    def put(self, items: Iterable[tuple[str, str, Fields]]) -> None:
        for some in batched(items, 25, strict=False):
            written = [{"PutRequest": {"Item": item(*one)}} for one in some]
            left = self.dynamodb.batch_write_item(RequestItems={TABLE: written})["UnprocessedItems"]
            assert not left

    def delete(self, partition: str, name: str) -> None:
        self.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": partition}, "sk": {"S": name}})


def item(partition: str, name: str, fields: Fields) -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"S": name}} | {key: {"S": value} for key, value in fields.items()}


def tenant(number: int) -> tuple[str, str, Fields]:
    """Make the item of a tenant, of which each is a little different."""
    fields = {
        "status": ("active", "active", "active", "suspended")[number % 4],
        "isolation": ("database", "schema", "pooled")[number % 3],
        "server_id": f"s-{number % 7}x",
    }
    if number % 5:
        fields["region"] = ("ap-south-1", "us-east-1")[number % 2]
    # Of early versions: without limits, and with limits that name no plan.
    limits = [{}, {"connections": 9}, {"plan": "free"}, {"plan": "standard"}, {"plan": "premium"}][number % 5]
    if number % 5:
        fields["limits"] = json.dumps(limits)
    return "TENANT", f"{('acme', 'beta')[number % 2]}-{number:05}", fields


def operation(number: int) -> tuple[str, str, Fields]:
    at = MARCH + timedelta(hours=number)
    fields = {
        "kind": ("move_tenant", "report_drift")[number % 2],
        "target": f"tenant/{tenant(number % 10)[1]}",
        "requested_by": "op-1",
        "requested_at": at.isoformat(),
        "status": ("succeeded", "succeeded", "failed")[number % 3],
        "done": "[]",
        "facts": "{}",
    }
    return "OPERATION", ulid(number, at), fields


def entry(number: int) -> tuple[str, str, Fields]:
    """Make an audit entry; every third is about a tenant that operations are about, too."""
    at = MARCH + timedelta(hours=6 * (number - 100))
    fields = {
        "at": at.isoformat(),
        "actor": "op-1",
        "action": f"action-{number}",
        "target": f"tenant/{tenant(0)[1] if number % 3 == 0 else 'other'}",
        "outcome": "succeeded",
    }
    return f"AUDIT#{at:%Y-%m}", ulid(number, at), fields


def ulid(number: int, at: datetime) -> str:
    return new_ulid(at, seed=str(zlib.crc32(str(number).encode())))


@contextmanager
def registry() -> Iterator[Desk]:
    """Fill a registry, and sit down at a desk."""
    with mock_aws(), own_clients(), pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        administration_settings.cache_clear()
        wiring.services.cache_clear()
        create_registry_table(aws_client("dynamodb", REGION), TABLE)
        desk = Desk()
        desk.put(map(tenant, range(TENANTS)))
        desk.put(map(operation, range(300)))
        desk.put(map(entry, range(300)))
        # Neighbours in the table, which no list shows.
        desk.put(("LEASE", f"tenant#{number}", {"holder": "x"}) for number in range(10))
        try:
            yield desk
        finally:
            administration_settings.cache_clear()
            wiring.services.cache_clear()

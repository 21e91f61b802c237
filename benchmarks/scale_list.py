"""Lists ten thousand tenants, and what was done with them in a year, over the operators' API."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import batched
from statistics import median
from time import process_time
from typing import Any, Final
from unittest.mock import patch

from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage, make_registry
from handlers import administer_tenants
from handlers.settings.administration import administration_settings
from handlers.wiring import services as wiring
from tenantry.aws.clients import aws_client
from tenantry.domain.paging import MOST
from tenantry.domain.ulid import new_ulid

_TABLE: Final = "tenantry-bench-scale-list"
_TENANTS = int(os.environ.get("SCALE_LIST_TENANTS", "10000"))
_OPERATED: Final = 4  # every which tenant has an operation, and an entry of the trail
_PAGES: Final = 10
_TARGET_MS: Final = 50.0
_ARN: Final = "arn:aws:lambda:ap-south-1:123456789012:function:none"
_BATCH: Final = 25
# Filters that fit many, few and nobody, and of each list with an index or a range of its own.
_LISTS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("tenants", {"status": "active"}),
    ("tenants", {"status": "suspended", "plan": "premium", "server": "server-007"}),
    ("tenants", {"region": "us-east-1", "isolation": "schema"}),
    ("tenants", {"status": "erasing"}),
    ("tenants", {"prefix": "t-04"}),
    ("operations", {"status": "failed"}),
    ("operations", {"target": "tenant/t-04321"}),
    ("audit", {"since": "2025-12-01", "target": "tenant/t-04321"}),
)


def run(stage: Stage) -> list[Result]:
    """Own processor time of a page of 100 of 10,000 tenants, or of their operations and trail, with a filter: median of
    the slowest of eight lists, without the local AWS's; and the most items that one page has read.
    """
    with _desk(stage) as desk:
        found = {json.dumps(listed): desk.read(*listed) for listed in _LISTS}
    for name, milliseconds in found.items():
        print(f"    {name}: {milliseconds:.1f} ms")
    return [
        Result("scale_list", "ms", max(found.values()), _TARGET_MS, at_most=1.0),
        Result("scale_list.items", "items", max(desk.read_items), MOST, at_most=1.0),
    ]


class _Desk:
    """An operator; `read_items` says of each page how many items DynamoDB has read for it."""

    def __init__(self) -> None:
        self.read_items: list[int] = []
        self._items = 0

    def count(self, parsed: Mapping[str, Any], **_: Any) -> None:
        self._items += parsed.get("ScannedCount", 1)

    def read(self, path: str, filters: dict[str, str]) -> float:
        """Read some pages of a list; returns the median of their own milliseconds."""
        spent, cursor = [], ""
        self._page(path, filters)  # so that everything is loaded
        for _ in range(_PAGES):
            self._items, started = 0, process_time()
            answer = self._page(path, filters | ({"cursor": cursor} if cursor else {}))
            spent.append((process_time() - started) * 1000)
            self.read_items.append(self._items)
            cursor = answer["next"] or ""
        return median(spent)

    def _page(self, path: str, query: dict[str, str]) -> Any:
        event = {
            "path": f"/admin/v1/{path}",
            "httpMethod": "GET",
            "headers": {},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
            "requestContext": {"authorizer": {"role": "operator", "userId": "bench"}},
        }
        answer = administer_tenants.handler(event, None)
        if answer["statusCode"] != 200:
            raise BenchmarkFailed(f"/{path} answered {answer['statusCode']}: {answer['body']}")
        return json.loads(answer["body"])


@contextmanager
def _desk(stage: Stage) -> Iterator[_Desk]:
    dynamodb = stage.aws.client("dynamodb")
    make_registry(dynamodb, _TABLE)
    for some in batched(_items(), _BATCH, strict=False):
        left: Any = {_TABLE: [{"PutRequest": {"Item": item}} for item in some]}
        while left:
            left = dynamodb.batch_write_item(RequestItems=left)["UnprocessedItems"]
    print("    written", flush=True)
    names = {"REGISTRY_TABLE": _TABLE, "OPERATION_FUNCTION_ARN": _ARN, "TIMER_ROLE_ARN": _ARN}
    try:
        with patch.dict(os.environ, names):
            _forget_wiring()
            desk, clients = _Desk(), _clients()
            for client in clients:
                for call in ("Query", "GetItem"):
                    client.meta.events.register(f"after-call.dynamodb.{call}", desk.count)
            yield desk
    finally:
        _forget_wiring()
        dynamodb.delete_table(TableName=_TABLE)


def _clients() -> list[Any]:
    """Wire the services, and return the clients of DynamoDB that they have got."""
    made: list[Any] = []

    def make(service: str, *arguments: Any, **options: Any) -> Any:
        client: Any = aws_client(service, *arguments, **options)
        if service == "dynamodb":
            made.append(client)
        return client

    with patch("handlers.wiring.services.aws_client", make):
        wiring.services()
    return made


def _forget_wiring() -> None:
    administration_settings.cache_clear()
    wiring.services.cache_clear()


def _items() -> Iterator[dict[str, Any]]:
    """Make the registry's items, as the functions write them."""
    for number in range(_TENANTS):
        yield _item("TENANT", f"t-{number:05}", _tenant(number))
        if number % _OPERATED == 1:
            # Over the year that ends now.
            at = datetime.now(UTC) - timedelta(days=365 * number / _TENANTS)
            yield _item("OPERATION", new_ulid(at), _operation(number, at))
            yield _item(f"AUDIT#{at:%Y-%m}", new_ulid(at), _entry(number, at))


def _item(partition: str, name: str, fields: dict[str, str]) -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"S": name}} | {key: {"S": value} for key, value in fields.items()}


def _tenant(number: int) -> dict[str, str]:
    limits = {"connections": 50, "plan": ("free", "standard", "premium")[number % 3], "max_bytes": -1}
    return {
        "status": "suspended" if number % 50 == 7 else "active",
        "isolation": ("database", "schema", "pooled")[number % 3],
        "server_id": f"server-{number % 100:03}",
        "region": ("ap-south-1", "us-east-1")[number % 2],
        "schema_revision": "0004",
        "limits": json.dumps(limits),
        "usage_key": f"key-{number}",
        "backups": "daily",
        "known_since": "2026-01-01T00:00:00+00:00",
    }


def _operation(number: int, at: datetime) -> dict[str, str]:
    return {
        "kind": "move_tenant",
        "target": f"tenant/t-{number:05}",
        "requested_by": "op-1",
        "requested_at": at.isoformat(),
        "status": "failed" if number % 50 == 5 else "succeeded",
        "done": json.dumps(["prepare", "copy", "switch"]),
        "facts": json.dumps({"source": {"server_id": "a"}, "target": {"server_id": "b"}, "note": "x" * 300}),
    }


def _entry(number: int, at: datetime) -> dict[str, str]:
    fields = {"actor": "op-1", "action": "move_tenant", "target": f"tenant/t-{number:05}", "outcome": "succeeded"}
    return {"at": at.isoformat()} | fields

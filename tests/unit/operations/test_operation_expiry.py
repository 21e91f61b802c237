"""Operations that are over expire; what a later call still looks for stays, however old it is."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.domain.operation import UNDONE, Operation, OperationStatus
from tenantry.domain.operation_kinds import CONFIRM, ERASE, MOVE, PROMOTE, RESTORE, UNDO, UNDO_RESTORE
from tenantry.domain.ulid import new_ulid
from tenantry.operations.audit import AuditEntry
from tenantry.operations.audit_log import AuditLog
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationFilter, OperationStore
from tenantry.operations.operations import Operations, Performer, Step
from tests.registry_table import create_registry_table

REGION, TABLE = "ap-south-1", "registry"
NOW = datetime.now(UTC)
TENANT = "tenant/acme"


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        client = aws_client("dynamodb", REGION)
        create_registry_table(client, TABLE)
        yield client


def made(
    kind: str, status: str = "running", error: str | None = None, days: int = 0, target: str = TENANT
) -> Operation:
    at = NOW - timedelta(days=days)
    return Operation(new_ulid(at), kind, target, "op-1", at, OperationStatus(status), error=error)


def days_left(dynamodb: Any, name: str, partition: str = "OPERATION") -> int | None:
    key = {"pk": {"S": partition}, "sk": {"S": name}}
    item = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    return round((int(item["expires_at"]["N"]) - time.time()) / 86_400) if "expires_at" in item else None


@pytest.mark.parametrize(
    ("operation", "days"),
    [
        (made("report_drift", "succeeded"), 400),
        (made(ERASE, "failed", UNDONE), 400),
        (made("report_drift"), None),
        (made("report_drift", "failed", "08006"), None),
        *((made(kind, "succeeded"), None) for kind in (MOVE, PROMOTE, RESTORE, UNDO_RESTORE)),
        (made(UNDO, "succeeded"), 400),
    ],
)
def test_what_is_over_expires(dynamodb: Any, operation: Operation, days: int | None) -> None:
    OperationStore(dynamodb, TABLE).put(operation)
    assert days_left(dynamodb, operation.operation_id) == days
    OperationStore(dynamodb, TABLE, days=0).put(operation)
    assert days_left(dynamodb, operation.operation_id) is None


def test_what_is_resumed_does_not_expire(dynamodb: Any) -> None:
    store = OperationStore(dynamodb, TABLE)
    store.put(made("report_drift", "succeeded"))
    (operation,) = store.walk(OperationFilter())
    store.put(replace(operation, status=OperationStatus.RUNNING))
    assert days_left(dynamodb, operation.operation_id) is None


@pytest.mark.parametrize("kind", [CONFIRM, ERASE])
def test_a_move_expires_when_there_is_nothing_to_go_back_to(dynamodb: Any, kind: str) -> None:
    store = OperationStore(dynamodb, TABLE)
    move, failed = made(MOVE, "succeeded", days=500), made(MOVE, "failed", "08006", days=400)
    neighbour, last = made(MOVE, "succeeded", days=500, target="tenant/acme-two"), made(kind)
    for operation in (move, failed, neighbour, last):
        store.put(operation)
    # More have begun since than are looked through for what the index lacks.
    for number in range(120):
        store.put(made("report_drift", target=f"fleet/{number}"))
    performer = Performer(store, Leases(dynamodb, TABLE), {kind: (Step("drop", lambda _: None),)})
    assert performer.perform(last.operation_id).status is OperationStatus.SUCCEEDED
    assert days_left(dynamodb, move.operation_id) == 400
    assert [days_left(dynamodb, one.operation_id) for one in (failed, neighbour)] == [None, None]


def test_the_same_call_goes_on_with_what_has_failed_however_much_was_done_since(dynamodb: Any) -> None:
    nothing: Any = None
    store = OperationStore(dynamodb, TABLE)
    operations = Operations(store, nothing, nothing)
    old = made("report_drift", "failed", "08006", days=800, target="fleet/drift")
    store.put(old)
    for number in range(120):
        store.put(made("report_drift", "succeeded", target=f"fleet/{number}"))
    assert operations.unfinished("report_drift", "fleet/drift") == old
    assert operations.unfinished("report_cost", "fleet/drift") is None


def test_what_was_begun_a_moment_ago_is_found_before_the_index_has_it(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: Any = None
    store = OperationStore(dynamodb, TABLE)
    begun = made(ERASE)
    store.put(begun)
    monkeypatch.setattr(store, "walk", lambda _: iter(()))
    assert Operations(store, nothing, nothing).unfinished(ERASE, TENANT) == begun


@pytest.mark.parametrize(("days", "left"), [(0, None), (30, 30)])
def test_the_trail_is_kept_for_ever_or_as_long_as_was_said(dynamodb: Any, days: int, left: int | None) -> None:
    entry = AuditEntry(new_ulid(NOW), NOW, "op-1", "x", TENANT, "succeeded")
    AuditLog(dynamodb, TABLE, days).append(entry)
    assert days_left(dynamodb, entry.entry_id, f"AUDIT#{NOW:%Y-%m}") == left

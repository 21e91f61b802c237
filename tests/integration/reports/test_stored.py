"""Stored reports: complete in the bucket, shortened in an answer, and never in the registry's item."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.domain.errors import DependencyFailed, NotFound
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Operations, Performer
from tenantry.reports.report_store import ReportStore
from tenantry.reports.stored_reports import newest_report, stored_step
from tests.integration.conftest import ENVIRONMENT, REGION, TABLE, create_registry

BUCKET, KIND, PATH = "stored", "report_drift", "/admin/v1/reports/drift"
FIRST, SECOND = "01JBXKQ5S00000000000000000", "01JBXKQ5S00000000000000001"


class Stand:
    """A stage in which reports are made; no worker is started."""

    def __init__(self) -> None:
        create_registry()
        dynamodb = aws_client("dynamodb", REGION)
        self.s3: Any = aws_client("s3", REGION)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.store, self.leases = OperationStore(dynamodb, TABLE), Leases(dynamodb, TABLE)
        nothing: Any = None
        self.operations = Operations(self.store, nothing, nothing)

    def perform(self, operation_id: str, report: dict[str, Any], bucket: str = BUCKET) -> Operation:
        self.store.put(Operation(operation_id, KIND, "fleet/drift", "op-1", datetime.now(UTC)))
        step = stored_step("compare", KIND, lambda: report, ReportStore(self.s3, bucket))
        return Performer(self.store, self.leases, {KIND: (step,)}).perform(operation_id)

    def newest(self) -> dict[str, Any]:
        return newest_report(self.operations, ReportStore(self.s3, BUCKET), KIND, "fleet/drift", PATH)


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield Stand()


def report(findings: int = 0) -> dict[str, Any]:
    return {"passed": not findings, "findings": [{"where": "x" * 100}] * findings, "unchecked": []}


def test_the_newest_report_that_has_ended_is_shown(stand: Stand) -> None:
    stand.perform(FIRST, report(1))
    stand.perform(SECOND, report(2))
    running = Operation("01JBXKQ5S00000000000000002", KIND, "fleet/drift", "op-1", datetime.now(UTC))
    stand.store.put(running)
    shown = stand.newest()
    assert (shown["operation_id"], len(shown["findings"])) == (SECOND, 2)
    assert shown["stored_at"] == f"reports/{KIND}/{SECOND}.json"


def test_there_is_none_before_one_was_made(stand: Stand) -> None:
    stand.store.put(Operation(FIRST, "another", "fleet/x", "op-1", datetime.now(UTC), facts={"report_key": "x"}))
    with pytest.raises(NotFound) as refusal:
        stand.newest()
    assert refusal.value.code == "report_unknown"
    assert PATH in str(refusal.value.hint)


def test_a_report_larger_than_an_item_or_an_answer_is_stored_whole_and_shown_in_part(stand: Stand) -> None:
    operation = stand.perform(FIRST, report(60_000))
    assert operation.status is OperationStatus.SUCCEEDED
    assert operation.facts["findings"] == 60_000
    assert len(str(operation.facts)) < 1000
    shown = stand.newest()
    assert shown["left_out"]["findings"] + len(shown["findings"]) == 60_000
    assert len(ReportStore(stand.s3, BUCKET).get(shown["stored_at"])["findings"]) == 60_000


def test_a_report_that_can_not_be_stored_fails_the_operation_which_can_be_repeated(stand: Stand) -> None:
    with pytest.raises(DependencyFailed):
        stand.perform(FIRST, report(), bucket="no-such-bucket")
    failed = stand.operations.get(FIRST)
    assert (failed.status, failed.error) == (OperationStatus.FAILED, "object_store_unavailable")
    stand.store.put(replace(failed, status=OperationStatus.RUNNING, error=None))
    assert stand.perform(FIRST, report()).status is OperationStatus.SUCCEEDED


def test_a_report_that_somebody_deleted_is_told(stand: Stand) -> None:
    stand.perform(FIRST, report())
    stand.s3.delete_object(Bucket=BUCKET, Key=f"reports/{KIND}/{FIRST}.json")
    with pytest.raises(NotFound):
        stand.newest()

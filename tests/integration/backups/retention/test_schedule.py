"""The daily retention of the fleet, played as its state machine does: plan, one worker for each tenant, summary."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from handlers import retain_backups, schedule_retention, summarise_run
from handlers.settings.backups import retention_schedule_settings, retention_settings, run_settings
from tenantry.backups.retention.run import KIND, PLAN_KIND
from tenantry.domain.errors import BadRequest, Conflict, DependencyFailed, TenantUnknown
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tenantry.operations.leases import TENANT_LEASE
from tenantry.operations.operation_store import OperationFilter
from tests.integration.backups.retention.conftest import ACME, ACME_PROD, REGION, TABLE, Stand

ORDER = {"scheduled_at": "2026-11-01T07:00:00Z", "execution_id": "once", "trigger": "schedule"}
CACHED = (
    retention_schedule_settings,
    retention_settings,
    run_settings,
    schedule_retention._adapters,
    retain_backups._wired,
    summarise_run._runs,
)


@dataclass
class Run:
    """One run over a stand's tenants, of which `acme` has a backup to delete."""

    stand: Stand
    plan: dict[str, Any]

    def events(self) -> dict[str, dict[str, str]]:
        lists = [self.json(one["items"]) for one in self.plan["servers"]]
        return {event["tenant_id"]: event for events in lists for event in events}

    def work(self, tenant_id: TenantId = ACME) -> dict[str, Any]:
        return retain_backups.handler(self.events()[tenant_id.value], None)

    def outcome(self, tenant_id: TenantId = ACME) -> tuple[str, str, int]:
        told = self.json(f"{self.plan['run']}outcomes/{tenant_id}.json")
        return told["result"], told["code"], told["bytes"]

    def operations(self) -> list[Operation]:
        return list(self.stand.operations.walk(OperationFilter()))

    def json(self, key: str) -> Any:
        return json.loads(self.stand.s3.get_object(Bucket=self.stand.bucket, Key=key)["Body"].read())


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, stand: Stand) -> Iterator[pytest.MonkeyPatch]:
    policy = "daily=1,weekly=0,monthly=0,unverified_days=1"
    given = {"AWS_REGION": REGION, "STAGE": "test", "REGISTRY_TABLE": TABLE, "BACKUP_BUCKET": stand.bucket}
    given |= {"POWERTOOLS_SERVICE_NAME": "tenantry", "POWERTOOLS_METRICS_NAMESPACE": "Tenantry/test"}
    for name, value in (given | {"RETENTION": policy, "RETENTION_MODE": "ENABLED"}).items():
        monkeypatch.setenv(name, value)
    begin_anew()
    yield monkeypatch
    begin_anew()


def begin_anew() -> None:
    for cached in CACHED:
        cached.cache_clear()


def plan(stand: Stand, **order: Any) -> Run:
    return Run(stand, schedule_retention.handler({"order": ORDER | order, "execution_name": "by-hand"}, None))


def publish(stand: Stand) -> None:
    for day in (5, 1):
        stand.publish(day)


def test_whoever_is_complete_is_planned_and_nothing_is_written_for_anybody(stand: Stand) -> None:
    for name, status in (("new", TenantStatus.PROVISIONING), ("leaving", TenantStatus.ERASING)):
        stand.registry.put_tenant(Tenant(TenantId(name), status, Isolation.DATABASE, "s"))
    stand.registry.put_tenant(Tenant(TenantId("late"), TenantStatus.SUSPENDED, Isolation.DATABASE, "another-server"))
    run = plan(stand)
    # One list for the whole fleet, on whichever servers it lies.
    assert [(one["tenants"], one["at_once"]) for one in run.plan["servers"]] == [(3, 4)]
    assert run.events().keys() == {"acme", "acme-prod", "late"}
    assert {event["kind"] for event in run.events().values()} == {KIND}
    assert run.operations() == []
    assert plan(stand, tenants=["late"]).events().keys() == {"late"}
    assert plan(stand, tenants=["leaving"]).plan["servers"] == []
    with pytest.raises(TenantUnknown, match="no tenant nobody"):
        plan(stand, tenants=["acme", "nobody"])


@pytest.mark.parametrize(
    ("mode", "order", "kinds"),
    [
        ("ENABLED", {}, {KIND}),
        ("ENABLED", {"dry_run": True}, {PLAN_KIND}),
        ("DRY_RUN", {}, {PLAN_KIND}),
        ("DRY_RUN", {"dry_run": False}, {PLAN_KIND}),
        ("DISABLED", {"dry_run": True}, set()),
    ],
)
def test_the_mode_says_whether_anything_is_deleted(
    stand: Stand, settings: pytest.MonkeyPatch, mode: str, order: dict[str, bool], kinds: set[str]
) -> None:
    settings.setenv("RETENTION_MODE", mode)
    begin_anew()
    run = plan(stand, **order)
    assert {event["kind"] for event in run.events().values()} == kinds
    assert run.plan["tenants"] == 2 * len(kinds)


@pytest.mark.parametrize("order", [{"dry_run": "true"}, {"dryRun": True}, {"dry_run": True, "tenants": "acme"}])
def test_a_slip_in_an_order_deletes_nothing(stand: Stand, order: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        plan(stand, **order)
    assert refused.value.code == "invalid_order"
    assert list(stand.s3.list_objects_v2(Bucket=stand.bucket, Prefix="runs/").get("Contents", [])) == []


def test_a_run_deletes_once_however_often_it_is_delivered(stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    publish(stand)
    run, again = plan(stand), plan(stand)
    assert again.plan == run.plan
    assert run.work()["deleted"] == 1
    told = run.outcome()
    assert again.work()["deleted"] == 1
    run.work(ACME_PROD)
    assert [(one.kind, one.requested_by, one.target) for one in run.operations() if one.target == "tenant/acme"] == [
        (KIND, "schedule", "tenant/acme")
    ]
    assert (len(stand.ids()), told[:2], run.outcome()) == (1, ("done", ""), told)
    capsys.readouterr()
    summary = summarise_run.handler({"run": run.plan["run"], "started_at": datetime.now(UTC).isoformat()}, None)
    assert (summary["done"], summary["bytes"], summary["within_tolerance"]) == (2, told[2], True)
    assert told[2] > 0
    assert '"RetentionRunDone":[2.0]' in capsys.readouterr().out


def test_a_dry_run_deletes_nothing_and_counts_no_bytes(stand: Stand) -> None:
    publish(stand)
    run = plan(stand, dry_run=True)
    assert run.work()["planned"]["delete"] == 1
    assert (len(stand.ids()), run.outcome()) == (2, ("done", "", 0))


def test_a_run_deletes_no_more_once_somebody_has_changed_the_mode(stand: Stand, settings: pytest.MonkeyPatch) -> None:
    publish(stand)
    run = plan(stand)
    settings.setenv("RETENTION_MODE", "DRY_RUN")
    begin_anew()
    assert run.work()["kind"] == PLAN_KIND
    assert len(stand.ids()) == 2


def test_who_calls_it_without_a_kind_deletes_nothing(stand: Stand) -> None:
    publish(stand)
    first, second = (retain_backups.handler({"tenant_id": "acme"}, None) for _ in range(2))
    assert first["kind"] == second["kind"] == PLAN_KIND
    assert first["operation_id"] != second["operation_id"]
    assert len(stand.ids()) == 2


def test_a_tenant_on_which_somebody_works_is_left_for_later(stand: Stand) -> None:
    publish(stand)
    run = plan(stand)
    with stand.leases.hold(TENANT_LEASE, ACME.value), pytest.raises(Conflict) as refusal:
        run.work()
    assert refusal.value.code == "operation_in_progress"
    assert run.outcome() == ("skipped", "operation_in_progress", 0)
    # Nothing was begun that would have to be ended.
    assert run.operations() == []
    assert run.work()["deleted"] == 1
    assert run.outcome()[0] == "done"


@pytest.mark.parametrize("code", ["tenant_erasing", "tenant_unknown"])
def test_who_goes_between_plan_and_work_is_no_failure(stand: Stand, code: str) -> None:
    run = plan(stand)
    tenant = stand.registry.tenant(ACME)
    assert tenant is not None
    stand.registry.put_tenant(replace(tenant, status=TenantStatus.ERASING))
    if code == "tenant_unknown":
        stand.registry.delete_tenant(ACME)
    assert run.work()["skipped"] == code
    assert run.outcome() == ("skipped", code, 0)
    assert run.operations() == []


def test_one_that_failed_is_told_and_goes_on_when_it_is_tried_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(stand)
    run = plan(stand)
    with monkeypatch.context() as broken:
        broken.setattr("tenantry.backups.retention.removal.delete_versions", refuse)
        with pytest.raises(DependencyFailed):
            run.work()
    assert run.outcome()[:2] == ("failed", "object_store_unavailable")
    (operation,) = run.operations()
    assert (operation.status, operation.done) == (OperationStatus.FAILED, ("plan",))
    assert run.work()["deleted"] == 1
    (operation,) = run.operations()
    assert operation.status is OperationStatus.SUCCEEDED


def refuse(*_: object) -> None:
    raise DependencyFailed("no", code="object_store_unavailable")

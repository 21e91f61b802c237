"""One run over the fleet: every tenant once, each under its lease, and a truthful summary."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from handlers import back_up_tenant
from handlers.plan_backups import scheduled_run
from handlers.settings.backups import plan_settings
from tenantry.aws.clients import aws_client
from tenantry.backups.schedule import ScheduledRun
from tenantry.domain.errors import Conflict
from tenantry.domain.server import Server
from tenantry.fleet.run import NO_WORD
from tenantry.operations.leases import Leases
from tests.integration.conftest import REGION, TABLE
from tests.integration.fleet.conftest import Context, Fleet

SCHEDULED = {"scheduled_at": "2026-11-01T02:00:00Z", "trigger": "schedule"}


def test_everybody_is_backed_up_and_counted(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    plan = fleet.plan(execution_id="whole")
    fleet.work(plan)
    capsys.readouterr()
    summary = fleet.summarise(plan)
    assert (plan["tenants"], summary["done"], summary["failed"], summary["within_tolerance"]) == (2, 2, 0, True)
    stored = [fleet.manifests(tenant.value)[-1].dump.stored_bytes for tenant in fleet.world.tenants]
    assert summary["bytes"] == sum(stored)
    assert fleet.json(f"{plan['run']}summary.json")["done"] == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    metrics = {name: line[name] for line in lines for name in line if name.startswith("BackupRun")}
    assert metrics["BackupRunDone"] == [2.0]
    assert metrics["BackupRunFailed"] == [0.0]
    assert metrics.keys() >= {"BackupRunSkipped", "BackupRunBytes", "BackupRunSeconds"}


def test_a_server_is_worked_on_by_as_many_as_it_bears(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUPS_AT_ONCE", "3")
    plan_settings.cache_clear()
    registry, tenant = fleet.world.registry, fleet.world.tenants[0]
    known = registry.tenant(tenant)
    assert known
    small, unknown = Server("small", REGION, "db", 5432, backup_concurrency=1), known.server_id
    registry.put_server(small)
    registry.put_tenant(replace(known, server_id=small.server_id))
    try:
        planned = {server["server_id"]: server["at_once"] for server in fleet.plan()["servers"]}
        assert planned == {"small": 1, unknown: 3}
        registry.put_server(replace(small, backup_concurrency=None))
        assert {server["at_once"] for server in fleet.plan()["servers"]} == {3}
    finally:
        registry.put_tenant(known)
        key = {"pk": {"S": "SERVER"}, "sk": {"S": small.server_id}}
        aws_client("dynamodb", REGION).delete_item(TableName=TABLE, Key=key)
        plan_settings.cache_clear()


def test_a_run_that_is_delivered_twice_makes_no_second_backup(fleet: Fleet) -> None:
    plan = fleet.plan(execution_id="twice", **SCHEDULED)
    fleet.work(plan)
    tenant = fleet.world.tenants[0].value
    before, outcome = fleet.manifests(tenant), fleet.outcome(plan, tenant)
    again = fleet.plan(execution_id="twice", **SCHEDULED)
    assert again == plan
    fleet.work(again)
    assert fleet.manifests(tenant) == before
    assert fleet.outcome(plan, tenant) == outcome
    assert fleet.summarise(again)["bytes"] > 0


def test_one_that_fails_stops_nobody_else_and_is_named(fleet: Fleet) -> None:
    broken, sound = (tenant.value for tenant in fleet.world.tenants)
    before = len(fleet.manifests(broken)), len(fleet.manifests(sound))
    admin = fleet.world.admin(broken)
    try:
        admin.autocommit = False
        admin.cursor().execute("LOCK TABLE candidates IN ACCESS EXCLUSIVE MODE")
        plan = fleet.plan()
        fleet.work(plan)
    finally:
        admin.close()
    summary = fleet.summarise(plan)
    assert (summary["done"], summary["failed"], summary["within_tolerance"]) == (1, 1, False)
    assert fleet.outcome(plan, broken)["result"] == "failed"
    assert summary["codes"] == {fleet.errors[broken].code: 1}
    assert (len(fleet.manifests(broken)), len(fleet.manifests(sound))) == (before[0], before[1] + 1)
    # A retry of the state machine: the same event, and this time nothing is in the way.
    fleet.work(plan)
    assert fleet.summarise(plan)["failed"] == 0


def test_a_worker_that_left_no_word_has_failed(fleet: Fleet) -> None:
    plan = fleet.plan()
    summary = fleet.summarise(plan)
    assert (summary["failed"], summary["codes"]) == (2, {NO_WORD: 2})


def test_another_worker_is_not_disturbed_and_a_dead_one_loses_its_lease(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = fleet.world.tenants[0].value
    plan = fleet.plan()
    event = fleet.events(plan)[tenant]
    leases = Leases(aws_client("dynamodb", REGION), TABLE, 900)
    with leases.hold("backup", tenant):
        before = len(fleet.manifests(tenant))
        with pytest.raises(Conflict) as refusal:
            back_up_tenant.handler(event, Context())
        assert refusal.value.code == "backup_in_progress"
        assert "BackupsFailed" not in capsys.readouterr().out
        assert fleet.outcome(plan, tenant)["result"] == "skipped"
        assert len(fleet.manifests(tenant)) == before
        # Nobody gives back the lease of a worker that is dead: it ends.
        end_lease(tenant)
        assert back_up_tenant.handler(event, Context())["already_published"] is False
    assert fleet.outcome(plan, tenant)["result"] == "done"


def end_lease(tenant: str) -> None:
    key: dict[str, Any] = {"pk": {"S": "LEASE"}, "sk": {"S": f"backup#{tenant}"}}
    aws_client("dynamodb", REGION).update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET ends_at = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
    )


def test_who_is_busy_with_it_has_the_last_word(fleet: Fleet) -> None:
    """With two deliveries at once, the refused one does not hide the result of the other."""
    tenant = fleet.world.tenants[0].value
    plan = fleet.plan()
    event = fleet.events(plan)[tenant]
    back_up_tenant.handler(event, Context())
    with Leases(aws_client("dynamodb", REGION), TABLE, 900).hold("backup", tenant), pytest.raises(Conflict):
        back_up_tenant.handler(event, Context())
    assert fleet.outcome(plan, tenant)["result"] == "done"


def test_a_defect_of_ours_leaves_a_word_too(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = fleet.world.tenants[0].value
    plan = fleet.plan()
    monkeypatch.setattr(back_up_tenant, "_back_up", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        back_up_tenant.handler(fleet.events(plan)[tenant], Context())
    assert fleet.outcome(plan, tenant)["code"] == "internal_error"


def test_what_the_scheduler_says_is_taken_and_what_it_does_not_is_made_up() -> None:
    said = {"scheduled_at": "2026-11-01T02:00:00Z", "execution_id": "e", "trigger": "schedule"}
    assert scheduled_run({"order": said, "execution_name": "n"}) == ScheduledRun(
        datetime(2026, 11, 1, 2, tzinfo=UTC), "e", "schedule"
    )
    # As a scheduler that fills nothing in sends it.
    unfilled = {"scheduled_at": "<aws.scheduler.scheduled-time>", "execution_id": "<aws.scheduler.execution-id>"}
    by_hand = scheduled_run({"order": unfilled | {"tenants": ["acme"]}, "execution_name": "n"})
    assert (by_hand.execution_id, by_hand.trigger, by_hand.only) == ("n", "manual", frozenset({"acme"}))
    assert scheduled_run({"order": None, "execution_name": "n"}).everyone is False

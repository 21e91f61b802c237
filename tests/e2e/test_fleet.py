"""Backups and drills of the whole fleet, through the template's state machines."""

import json
import uuid
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest

from tenantry.domain.backup import Manifest
from tenantry.domain.verification import Verification
from tests.e2e.api import Api, open_database
from tests.e2e.fleet import children, finish, limits, start, summary
from tests.e2e.living import administer, living_tenant, operate, operator
from tests.e2e.third_server import LABEL, third_server


def objects(api: Api, tenant: str, name: str) -> list[bytes]:
    s3, bucket = api.aws("s3"), api.stack.backup_bucket
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"tenants/{tenant}/backups/").get("Contents", [])
    keys = sorted(item["Key"] for item in found if item["Key"].endswith(f"/{name}"))
    return [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]


def manifests(api: Api, tenant: str) -> list[Manifest]:
    return [Manifest.model_validate_json(body) for body in objects(api, tenant, "manifest.json")]


@pytest.fixture
def pair(api: Api) -> Any:
    with living_tenant(api) as broken, living_tenant(api) as sound:
        yield broken, sound


def test_a_failing_tenant_is_retried_stops_nobody_else_and_is_named(api: Api, pair: Any) -> None:
    broken, sound = pair
    secrets = api.aws("secretsmanager")
    name = f"tenantry/local/tenants/{broken.name}"
    good = secrets.get_secret_value(SecretId=name)["SecretString"]
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(json.loads(good) | {"port": 1}))
    try:
        execution = start(api, "BackupFleet", tenants=[broken.name, sound.name], trigger="test")
        assert finish(api, execution, succeeds=False) == {"error": "TooManyFailed"}
    finally:
        secrets.put_secret_value(SecretId=name, SecretString=good)
    ended = children(api, execution)
    assert {name: child.status for name, child in ended.items()} == {broken.name: "FAILED", sound.name: "SUCCEEDED"}
    assert (ended[broken.name].failures, ended[sound.name].failures) == (5, 0)
    said = summary(api, ended[sound.name].event["run"])
    assert (said["tenants"], said["done"], said["failed"], said["codes"]) == (2, 1, 1, {"08001": 1})
    assert [failure["tenant_id"] for failure in said["failures"]] == [broken.name]
    (manifest,) = manifests(api, sound.name)
    assert (manifest.backup_id, manifest.trigger) == (ended[sound.name].event["backup_id"], "test")
    assert manifests(api, broken.name) == []


def test_a_run_over_both_servers_backs_everybody_up_once(api: Api) -> None:
    tenants = [tenant.tenant_id for tenant in api.stack.tenants]
    before = {tenant: len(manifests(api, tenant)) for tenant in tenants}
    order: dict[str, Any] = {
        "tenants": tenants,
        "scheduled_at": "2026-11-01T02:00:00Z",
        "execution_id": uuid.uuid4().hex,
    }
    ends = [finish(api, start(api, "BackupFleet", **order)) for _ in range(2)]
    assert [end["within_tolerance"] for end in ends] == [True, True]
    assert ends[0]["run"] == ends[1]["run"]
    assert (ends[0]["tenants"], ends[0]["done"], ends[0]["failed"]) == (2, 2, 0)
    assert ends[0]["bytes"] == ends[1]["bytes"] > 0
    # Delivered twice, done once.
    assert {tenant: len(manifests(api, tenant)) for tenant in tenants} == {t: n + 1 for t, n in before.items()}


def test_each_server_is_worked_on_by_as_many_as_it_bears(api: Api) -> None:
    with third_server(api) as third, ExitStack() as stack:
        stack.callback(third.forget)
        third.register("third", backup_concurrency=1)
        small = [stack.enter_context(living_tenant(api, labels=[LABEL])).name for _ in range(3)]
        (other,) = [tenant.tenant_id for tenant in api.stack.tenants if tenant.server_id == "ap-south-1"]
        execution = start(api, "BackupFleet", tenants=[*small, other])
        assert finish(api, execution)["done"] == 4
        # The stack's own number for the one, and its own for the other.
        assert limits(api, execution) == {frozenset(small): 1, frozenset([other]): 4}
        ran = children(api, execution)
        times = sorted((ran[name].started, ran[name].stopped) for name in small)
        assert all(ended <= begun for (_, ended), (begun, _) in pairwise(times))

        third.register("third", backup_concurrency=2)
        execution = start(api, "BackupFleet", tenants=small)
        finish(api, execution)
        assert limits(api, execution) == {frozenset(small): 2}


def test_a_drill_restores_the_newest_backup_and_leaves_its_verification_only(api: Api, pair: Any) -> None:
    _, sound = pair
    finish(api, start(api, "BackupFleet", tenants=[sound.name]))
    end = finish(api, start(api, "DrillFleet", tenants=[sound.name]))
    assert (end["tenants"], end["done"]) == (1, 1)
    (manifest,), (body,) = manifests(api, sound.name), objects(api, sound.name, "verified.json")
    verification = Verification.model_validate_json(body)
    assert (verification.backup_id, verification.passed) == (manifest.backup_id, True)
    assert {(t.table, t.rows) for t in verification.tables} == {(t.table, t.rows) for t in manifest.tables}
    assert verification.seconds > 0
    with open_database(sound.server(), sound.name) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{sound.name}%",))
        assert cursor.fetchall() == [(sound.name,)]
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", (f"{sound.name}_copy%",))
        assert cursor.fetchall() == []
    # It is verified now: the next run has nothing to do with it.
    assert finish(api, start(api, "DrillFleet", tenants=[sound.name]))["tenants"] == 0
    report = backup_report(api)
    line = next(line for line in report["tenants"] if line["tenant_id"] == sound.name)
    assert (line["verified_backup"], line["faults"]) == (manifest.backup_id, [])
    table = api.call("GET", "/admin/v1/reports/backups", operator(api), params={"format": "csv"})
    assert table.headers["Content-Type"].startswith("text/csv")
    assert f",{sound.name}," in table.text


def backup_report(api: Api) -> dict[str, Any]:
    operate(api, "POST", "/reports/backups")
    report: dict[str, Any] = administer(api, "GET", "/reports/backups")
    return report


def test_the_watcher_counts_who_has_no_backup(api: Api) -> None:
    answer = api.aws("lambda").invoke(FunctionName=api.resource("WatchBackups"), Payload=b"{}")
    said = json.loads(answer["Payload"].read())
    assert "errorMessage" not in said
    assert said["tenants"] >= len(api.stack.tenants)
    assert said.keys() >= {"TenantsWithoutRecentBackup", "TenantsWithoutRecentVerification"}

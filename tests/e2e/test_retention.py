"""Over the API, with the deployed roles: the catalogue, a hold that retention respects, a dry run and a real one."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenantry.aws.object_versions import delete_versions, list_versions
from tenantry.backups.hold_tags import BackupHolds
from tests.e2e.api import Api
from tests.e2e.fleet import finish, limits, start
from tests.e2e.living import living_tenant
from tests.e2e.retention import Operator
from tests.e2e.test_permissions import invoke, start_afresh, without


@pytest.fixture
def operator(api: Api) -> Iterator[Operator]:
    with living_tenant(api) as tenant:
        yield Operator(api, tenant)


def listed(operator: Operator) -> list[str]:
    """List the backups, one on each page."""
    found, cursor = [], ""
    while cursor is not None:
        page = operator.call("GET", "/backups", 200, params={"limit": "1", "cursor": cursor})
        found += [one["backup_id"] for one in page["items"]]
        cursor = page["next"]
    return found


def test_backups_are_listed_held_and_deleted_by_policy(operator: Operator) -> None:
    held, gone, kept = (operator.publish(days) for days in (90, 80, 1))
    assert listed(operator) == [
        str(held),
        str(gone),
        str(kept),
    ]
    shown = operator.call("GET", f"/backups/{kept}", 200)
    assert shown["verified"]
    assert shown["manifest"]["backup_id"] == shown["verification"]["backup_id"] == str(kept)
    operator.call("GET", "/backups/01JBXKQ5S0000000000000000A", 404)

    assert operator.call("PUT", f"/backups/{held}/hold", 200, json={"reason": "case 7"})["hold"] == "case 7"
    operator.call("PUT", f"/backups/{held}/hold", 400, json={"reason": "<b>"})
    policy = {"daily": 1, "weekly": 0, "monthly": 0}
    assert operator.call("PUT", "/retention", 200, json=policy)["retention"]["daily"] == 1
    planned = operator.call("POST", "/retention", 200, json={"dry_run": True})
    assert [(one["action"], one["reasons"]) for one in planned["decisions"]] == [
        ("keep", ["legal_hold"]),
        ("delete", ["not_in_policy"]),
        ("keep", ["last_good", "daily"]),
    ]

    done = operator.ended(operator.call("POST", "/retention", 202, json={})["operation_id"])
    assert (done["status"], done["facts"]["deleted"]) == ("succeeded", 1)
    assert listed(operator) == [str(held), str(kept)]
    bucket = operator.api.stack.backup_bucket
    record = json.loads(operator.s3.get_object(Bucket=bucket, Key=done["facts"]["record"])["Body"].read())
    assert [one["backup_id"] for one in record["outcome"]] == [str(gone)]

    assert operator.call("DELETE", f"/backups/{held}/hold", 200)["hold"] is None
    done = operator.ended(operator.call("POST", "/retention", 202, json={})["operation_id"])
    assert done["facts"]["deleted"] == 1
    trail = operator.api.call(
        "GET", "/admin/v1/audit", operator.token, params={"target": f"tenant/{operator.tenant_id}"}
    ).json()["items"]
    assert {"hold_backup", "free_backup", "apply_retention", "set_retention"} <= {one["action"] for one in trail}


def test_the_schedule_only_says_what_it_would_do_until_it_is_enabled(operator: Operator) -> None:
    """The state machine, as its scheduler starts it, for one tenant."""
    operator.publish(90)
    operator.publish(80)
    api, tenant = operator.api, operator.tenant_id.value
    order = {"trigger": "schedule", "scheduled_at": "2026-11-01T07:00:00Z", "execution_id": uuid.uuid4().hex}
    ends = []
    for _ in range(2):  # delivered twice
        execution = start(api, "RetentionFleet", tenants=[tenant], **order)
        ends.append(finish(api, execution))
        assert limits(api, execution) == {frozenset([tenant]): 4}
    assert ends[0]["run"] == ends[1]["run"]
    assert [(end["tenants"], end["done"], end["bytes"]) for end in ends] == [(1, 1, 0)] * 2
    target = {"target": f"tenant/{tenant}"}
    found = api.call("GET", "/admin/v1/operations", operator.token, params=target).json()["items"]
    (operation,) = [one for one in found if one["kind"] == "plan_retention"]
    assert (operation["status"], operation["requested_by"]) == ("succeeded", "schedule")
    assert len(operator.call("GET", "/backups", 200)["items"]) == 2


def test_the_worker_deletes_with_its_own_role_and_needs_each_of_its_rights(operator: Operator) -> None:
    gone, kept = (operator.publish(days) for days in (90, 1))
    operator.call("PUT", "/retention", 200, json={"daily": 1, "weekly": 0, "monthly": 0})
    api, event = operator.api, {"tenant_id": operator.tenant_id.value, "kind": "apply_retention"}
    with variables(api, "RetainBackups", RETENTION_MODE="ENABLED"):
        for action in NEEDED:
            with without(api, "RetainBackupsRole", action):
                start_afresh(api, "RetainBackups")
                failed, told = invoke(api, "RetainBackups", event)
                assert failed or str(gone) in str(json.loads(told)["refused"]), action
        assert listed(operator) == [str(gone), str(kept)]
        start_afresh(api, "RetainBackups")
        failed, told = invoke(api, "RetainBackups", event)
        assert not failed, told
        assert (json.loads(told)["deleted"], json.loads(told)["refused"]) == (1, {})
    assert listed(operator) == [str(kept)]


# What the local AWS asks for: of many deletions at once no s3:DeleteObjectVersion, which S3 asks for too, and of the
# locks of single objects nothing, as the bucket has none.
NEEDED = [
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "s3:ListBucketVersions",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:PutObject",
    "s3:DeleteObject",
]


@contextmanager
def variables(api: Api, function: str, **changed: str) -> Iterator[None]:
    """Give a function other variables for a while."""
    client, name = api.aws("lambda"), api.resource(function)
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": before | changed})
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": before})


def test_a_lock_on_any_object_is_seen_before_anything_is_deleted(api: Api) -> None:
    s3, bucket = api.aws("s3"), f"locks-{uuid.uuid4().hex}"
    place: Any = {"LocationConstraint": api.stack.region}
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=True)
    holds = BackupHolds(s3, bucket)
    until = datetime.now(UTC) + timedelta(hours=1)
    locks: list[dict[str, Any]] = [{}, {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}]
    for number, lock in enumerate([*locks, {"ObjectLockLegalHoldStatus": "ON"}]):
        s3.put_object(Bucket=bucket, Key=f"{number}", Body=b"x", **lock)
    free, retained, held = list_versions(s3, bucket, "")
    assert not holds.locked([free])
    assert holds.locked([free, retained])
    assert holds.locked([free, held])
    holds.lift([held])
    assert not holds.locked([free, held])
    for version in (free, held):
        assert not delete_versions(s3, bucket, [version])
    assert list(delete_versions(s3, bucket, [retained])) == [retained]
    s3.delete_object(Bucket=bucket, Key="1", VersionId=retained.version_id, BypassGovernanceRetention=True)
    s3.delete_bucket(Bucket=bucket)

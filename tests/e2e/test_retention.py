"""Over the API: the catalogue, a hold that retention respects, a dry run and a run, with the roles as deployed."""

import hashlib
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenantry.adapters.backup_holds import BackupHolds
from tenantry.adapters.object_versions import delete_versions, list_versions
from tenantry.domain.backup import (
    BackupId,
    DatabaseFacts,
    DumpObject,
    Manifest,
    Verification,
    dump_key,
    manifest_key,
    new_backup_id,
    verification_key,
)
from tenantry.domain.tenant import Isolation, TenantId
from tests.e2e.api import Api
from tests.e2e.living import LivingTenant, living_tenant, wait_for


class Operator:
    """An operator's calls about one tenant."""

    def __init__(self, api: Api, tenant: LivingTenant) -> None:
        self.api, self.tenant_id = api, TenantId(tenant.name)
        self.token = api.token_of(api.stack.operator.username)
        self.s3 = api.aws("s3")

    def call(self, method: str, path: str, expected: int, **options: Any) -> Any:
        full = f"/admin/v1/tenants/{self.tenant_id}{path}"
        answer = self.api.call(method, full, self.token, **options)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def ended(self, operation_id: str) -> Any:
        return wait_for(self.api, operation_id)

    def publish(self, days: int) -> BackupId:
        """Put a verified backup there, as old as a test cannot wait for."""
        tenant_id, at = self.tenant_id, datetime.now(UTC) - timedelta(days=days)
        backup_id, bucket, body = new_backup_id(at), self.api.stack.backup_bucket, f"{days}".encode()
        key = dump_key(tenant_id, backup_id)
        version = self.s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        digest = hashlib.sha256(body).hexdigest()
        names: Any = {"tenant_id": tenant_id.value, "backup_id": backup_id.value}
        manifest = Manifest(
            **names,
            stage="local",
            trigger="schedule",
            isolation=Isolation.DATABASE,
            started_at=at,
            finished_at=at,
            database=DatabaseFacts(name="x", server_version="18.1", size_bytes=1, encoding="UTF8"),
            dump=DumpObject(
                key=key, version_id=version, stored_bytes=len(body), dump_bytes=1, sha256=digest, pg_dump_version="18.6"
            ),
            tables=[],
        )
        verification = Verification(
            **names,
            drilled_at=at,
            seconds=1,
            restored_bytes=1,
            tables=[],
            digest_matches=True,
            server_id="s",
            server_version="18.1",
            operation_id="o",
        )
        for name, document in ((manifest_key, manifest), (verification_key, verification)):
            text = document.model_dump_json(by_alias=True).encode()
            self.s3.put_object(Bucket=bucket, Key=name(tenant_id, backup_id), Body=text)
        return backup_id


@pytest.fixture
def operator(api: Api) -> Iterator[Operator]:
    with living_tenant(api) as tenant:
        yield Operator(api, tenant)


def test_backups_are_listed_held_and_deleted_by_policy(operator: Operator) -> None:
    held, gone, kept = (operator.publish(days) for days in (90, 80, 1))
    assert [one["backup_id"] for one in operator.call("GET", "/backups", 200)] == [str(held), str(gone), str(kept)]
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
    assert [one["backup_id"] for one in operator.call("GET", "/backups", 200)] == [str(held), str(kept)]
    bucket = operator.api.stack.backup_bucket
    record = json.loads(operator.s3.get_object(Bucket=bucket, Key=done["facts"]["record"])["Body"].read())
    assert [one["backup_id"] for one in record["outcome"]] == [str(gone)]

    assert operator.call("DELETE", f"/backups/{held}/hold", 200)["hold"] is None
    done = operator.ended(operator.call("POST", "/retention", 202, json={})["operation_id"])
    assert done["facts"]["deleted"] == 1
    trail = operator.api.call(
        "GET", "/admin/v1/audit", operator.token, params={"target": f"tenant/{operator.tenant_id}"}
    ).json()
    assert {"hold_backup", "free_backup", "apply_retention", "set_retention"} <= {one["action"] for one in trail}


def test_the_schedule_only_says_what_it_would_do_until_it_is_enabled(operator: Operator) -> None:
    operator.publish(90)
    operator.publish(80)
    event = {"execution_id": f"test-{operator.tenant_id}", "tenant_id": operator.tenant_id.value}
    functions = operator.api.aws("lambda")
    for _ in range(2):
        answer = functions.invoke(
            FunctionName=operator.api.resource("ScheduleRetention"), Payload=json.dumps(event).encode()
        )
        assert json.loads(answer["Payload"].read()) == {"started": 1, "dry_run": True}
    target = {"target": f"tenant/{operator.tenant_id}"}
    found = operator.api.call("GET", "/admin/v1/operations", operator.token, params=target).json()
    (operation,) = [one for one in found if one["kind"] == "plan_retention"]
    assert operator.ended(operation["operation_id"])["status"] == "succeeded"
    assert len(operator.call("GET", "/backups", 200)) == 2


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

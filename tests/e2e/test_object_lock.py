"""A bucket that locks new objects: retention and erasure leave locked objects, report them and go on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tenantry.domain.backup import BackupId, dump_key, manifest_key, verification_key
from tests.e2e.api import Api
from tests.e2e.living import administer, erase, living_tenant
from tests.e2e.retention import Operator
from tests.e2e.test_restores import back_up

# Whose bucket is the operators' own: what it locks is theirs to say.
REGION, BUCKET = "us-east-1", "tenantry-local-backups-us-east-1"
LOCK: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
DAY = {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}


@pytest.fixture
def operator(api: Api) -> Iterator[Operator]:
    """An operator of a tenant whose backups are in a bucket that this test may lock."""
    with living_tenant(api, region=REGION) as tenant:
        made = Operator(api, tenant, BUCKET)
        try:
            yield made
        finally:
            made.s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=LOCK)
            erase(api, tenant.name)
            for version in versions(made):
                made.s3.delete_object(Bucket=BUCKET, **version, BypassGovernanceRetention=True)


def versions(operator: Operator) -> list[dict[str, str]]:
    found = operator.s3.list_object_versions(Bucket=BUCKET, Prefix=f"tenants/{operator.tenant_id}/")
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found.get("Versions", [])]


def keys(operator: Operator, *backups: BackupId) -> set[str]:
    """List the objects of a verified backup."""
    return {key(operator.tenant_id, one) for one in backups for key in (dump_key, manifest_key, verification_key)}


def lock(operator: Operator) -> None:
    """Lock every object that is written from now on."""
    operator.s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=LOCK | DAY)


def retain(operator: Operator, key: str) -> None:
    """Lock one object for a day."""
    until = datetime.now(UTC) + timedelta(days=1)
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    operator.s3.put_object_retention(Bucket=BUCKET, Key=key, Retention=retention)


def test_retention_leaves_what_is_locked_says_so_and_goes_on(operator: Operator) -> None:
    half, gone = operator.publish(90), operator.publish(80)
    lock(operator)
    locked, kept = operator.publish(70), operator.publish(1)
    # Of the oldest the dump alone, which is seen when it comes to deleting.
    retain(operator, dump_key(operator.tenant_id, half))
    operator.call("PUT", "/retention", 200, json={"daily": 1, "weekly": 0, "monthly": 0})
    planned = operator.call("POST", "/retention", 200, json={"dry_run": True})
    assert {one["backup_id"]: (one["action"], one["reasons"]) for one in planned["decisions"]} == {
        str(half): ("delete", ["not_in_policy"]),
        str(gone): ("delete", ["not_in_policy"]),
        str(locked): ("keep", ["object_lock"]),
        str(kept): ("keep", ["object_lock", "last_good", "daily"]),
    }
    done = operator.ended(operator.call("POST", "/retention", 202, json={})["operation_id"])
    assert (done["status"], done["facts"]["deleted"]) == ("succeeded", 1)
    assert done["facts"]["refused"] == {str(half): "object_lock"}
    # Whole: what is left of it can be restored.
    assert {version["Key"] for version in versions(operator)} == keys(operator, half, locked, kept)
    shown = {one["backup_id"]: one["locked_until"] for one in operator.call("GET", "/backups", 200)["items"]}
    assert shown[str(locked)] is not None


def test_what_a_worker_writes_is_locked_against_everybody(operator: Operator) -> None:
    lock(operator)
    backup = BackupId(back_up(operator.api, operator.tenant_id.value))
    # The local S3 does not lock what comes in parts, as S3 does.
    retain(operator, dump_key(operator.tenant_id, backup))
    written = versions(operator)
    assert {version["Key"] for version in written} == {
        key(operator.tenant_id, backup) for key in (dump_key, manifest_key)
    }
    for version in written:
        with pytest.raises(ClientError) as refusal:
            operator.s3.delete_object(Bucket=BUCKET, **version)
        assert refusal.value.response["Error"]["Code"] == "AccessDenied"
    erase(operator.api, operator.tenant_id.value)
    (certificate,) = administer(operator.api, "GET", f"/tenants/{operator.tenant_id}/certificates")["items"]
    assert {one["what"] for one in certificate["remains"]} == {version["Key"] for version in written}
    assert versions(operator) == written

"""A tenant whose data must not leave a region is backed up in that region, or not at all."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers import back_up_tenant
from handlers.settings.administration import administration_settings
from handlers.wiring import services as wiring
from local.deployment import ARCHITECTURE
from tenantry.aws.clients import aws_client
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.domain.errors import BackupFailed, TenantUnknown
from tenantry.domain.tenant import TenantId
from tests.integration.conftest import REGION, STAGE, World, clear_caches
from tests.integration.tenants.test_administration import Operator

ELSEWHERE = "us-east-1"
BUCKETS = {REGION: "residency-own", ELSEWHERE: f"tenantry-{STAGE}-backups-{ELSEWHERE}"}
LAYER = "PgClientLayerArm" if ARCHITECTURE == "arm64" else "PgClientLayerX86"
BINARIES = Path(".aws-sam/build") / LAYER / "bin"


class Context:
    """The context that Lambda gives to a handler."""

    aws_request_id = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


@pytest.fixture
def buckets(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setenv("BACKUP_BUCKET", BUCKETS[REGION])
    monkeypatch.setenv("BACKUP_BUCKETS", f"{ELSEWHERE}={BUCKETS[ELSEWHERE]}")
    monkeypatch.setenv("PG_CLIENT_DIRECTORY", str(BINARIES.resolve()))
    for region, bucket in BUCKETS.items():
        place = {} if region == ELSEWHERE else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3 = aws_client("s3", region)
        s3.create_bucket(Bucket=bucket, **place)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    clear_caches()
    yield BUCKETS
    for region, bucket in BUCKETS.items():
        s3 = aws_client("s3", region)
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        s3.delete_bucket(Bucket=bucket)
    monkeypatch.undo()
    clear_caches()


def let_live_in(world: World, region: str) -> TenantId:
    """Bind a tenant of the world to a region."""
    tenant = world.registry.tenant(world.tenants[0])
    assert tenant
    world.registry.put_tenant(replace(tenant, region=region))
    return tenant.tenant_id


def stored(region: str) -> list[str]:
    found = aws_client("s3", region).list_objects_v2(Bucket=BUCKETS[region]).get("Contents", [])
    return [item["Key"] for item in found]


@pytest.mark.parametrize(("region", "place"), [("", REGION), (REGION, REGION), (ELSEWHERE, ELSEWHERE)])
def test_a_backup_lies_in_the_tenants_region(world: World, buckets: Any, region: str, place: str) -> None:
    tenant_id = let_live_in(world, region)
    answer = back_up_tenant.handler({"tenant_id": tenant_id.value}, Context())
    assert answer["manifest"] in stored(place)
    assert all(stored(other) == [] for other in BUCKETS if other != place)


def test_where_its_region_has_no_bucket_nothing_is_written_and_the_function_fails(world: World, buckets: Any) -> None:
    tenant_id = let_live_in(world, "eu-west-1")
    with pytest.raises(BackupFailed) as refusal:
        back_up_tenant.handler({"tenant_id": tenant_id.value}, Context())
    assert refusal.value.code == "residency"
    assert stored(REGION) == stored(ELSEWHERE) == []


def test_an_event_can_not_say_where(world: World, buckets: Any) -> None:
    tenant_id = let_live_in(world, "eu-west-1")
    with pytest.raises(BackupFailed):
        back_up_tenant.handler({"tenant_id": tenant_id.value, "region": REGION, "bucket": BUCKETS[REGION]}, Context())


def test_a_tenant_that_nobody_knows_is_not_backed_up(world: World, buckets: Any) -> None:
    with pytest.raises(TenantUnknown):
        back_up_tenant.handler({"tenant_id": "nobody-here"}, Context())


def test_an_erasure_finds_the_backups_of_every_region(world: World, buckets: Any) -> None:
    tenant_id = world.tenants[0]
    key = f"tenants/{tenant_id}/backups/1/dump.zst"
    for region, bucket in BUCKETS.items():
        aws_client("s3", region).put_object(Bucket=bucket, Key=key, Body=b"12345")
    elsewhere = BackupRemoval(aws_client("s3", ELSEWHERE), BUCKETS[ELSEWHERE])
    removal = BackupRemoval(aws_client("s3", REGION), BUCKETS[REGION], [elsewhere])
    assert (removal.find(tenant_id).versions, removal.find(tenant_id).bytes) == (2, 10)
    assert removal.delete(tenant_id).versions == 2
    assert stored(REGION) == stored(ELSEWHERE) == []


def test_a_tenant_of_a_region_without_a_bucket_is_not_made(
    world: World, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.stand_in("second", region="eu-west-1")
    reply = operator.create("resident", region="eu-west-1")
    assert (reply.status, reply.json["code"]) == (409, "no_backup_bucket")
    assert world.registry.tenant(TenantId("resident")) is None
    monkeypatch.setenv("BACKUP_BUCKETS", f"eu-west-1=tenantry-{STAGE}-backups-eu-west-1")
    administration_settings.cache_clear()
    wiring.services.cache_clear()
    made = operator.create("resident", region="eu-west-1")
    assert (made.status, made.json["region"]) == (201, "eu-west-1")

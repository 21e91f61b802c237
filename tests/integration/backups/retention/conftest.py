"""A versioned bucket with and without object lock, a registry, and backups in it as a worker leaves them."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.backups.hold_tags import BackupHolds
from tenantry.backups.holds import Backups
from tenantry.backups.retention.records import RetentionRecords
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.backups.retention.run import Retention, RetentionRun
from tenantry.domain.backup import (
    BackupId,
    DumpObject,
    Manifest,
    dump_key,
    manifest_key,
    new_backup_id,
    verification_key,
)
from tenantry.domain.backup_facts import DatabaseFacts
from tenantry.domain.retention_policy import RetentionPolicy
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tenantry.domain.verification import Verification
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tests.quick_moto import own_clients
from tests.registry_table import create_registry_table

REGION, TABLE = "ap-south-1", "registry"
ONE_A_DAY = RetentionPolicy(daily=1, weekly=0, monthly=0, unverified_days=1)
ACME, ACME_PROD = TenantId("acme"), TenantId("acme-prod")


@dataclass
class Stand:
    """One bucket, and the code that works on it."""

    bucket: str
    s3: Any = field(default_factory=lambda: aws_client("s3", REGION))

    def __post_init__(self) -> None:
        # moto has no call that reads one; the local S3 has, in tests/e2e/test_retention.py.
        self.s3.get_object_retention = self._retention
        dynamodb = aws_client("dynamodb", REGION)
        self.registry = Registry(dynamodb, TABLE)
        self.operations = OperationStore(dynamodb, TABLE)
        self.leases = Leases(dynamodb, TABLE)
        self.catalogue = BackupCatalogue(self.s3, self.bucket)
        self.removal = BackupRemoval(self.s3, self.bucket)
        self.retention = Retention(self.registry, self.catalogue, ONE_A_DAY, self.leases)
        records = RetentionRecords(self.s3, self.bucket)
        self.run = RetentionRun(self.retention, self.removal, records, self.leases)
        holds = {self.bucket: BackupHolds(self.s3, self.bucket)}
        self.backups = Backups(self.registry, self.catalogue, holds, self.leases)
        for tenant_id in (ACME, ACME_PROD):
            self.registry.put_tenant(Tenant(tenant_id, TenantStatus.ACTIVE, Isolation.DATABASE, "s"))

    def _retention(self, **chosen: str) -> Any:
        found = self.s3.head_object(**chosen)
        if "ObjectLockRetainUntilDate" not in found:
            raise ClientError({"Error": {"Code": "NoSuchObjectLockConfiguration"}}, "GetObjectRetention")
        return {"Retention": {"RetainUntilDate": found["ObjectLockRetainUntilDate"]}}

    def publish(
        self,
        days: float,
        tenant_id: TenantId = ACME,
        *,
        verified: bool = True,
        manifest: Callable[[Manifest], str] | None = lambda made: made.model_dump_json(by_alias=True),
    ) -> BackupId:
        """Publish a backup that began so many days ago, in the order in which a worker and a drill write it."""
        at, body = datetime.now(UTC) - timedelta(days=days), uuid.uuid4().bytes
        backup_id = new_backup_id(at)
        key = dump_key(tenant_id, backup_id)
        version = self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"]
        made = Manifest(
            tenant_id=tenant_id.value,
            backup_id=backup_id.value,
            stage="test",
            trigger="schedule",
            isolation=Isolation.DATABASE,
            started_at=at,
            finished_at=at,
            database=DatabaseFacts(name="x", server_version="18.1", size_bytes=1, encoding="UTF8"),
            dump=DumpObject(
                key=key,
                version_id=version,
                stored_bytes=len(body),
                dump_bytes=1,
                sha256=hashlib.sha256(body).hexdigest(),
                pg_dump_version="18.6",
            ),
            tables=[],
        )
        if manifest:
            self.put(manifest_key(tenant_id, backup_id), manifest(made))
        if verified:
            self.verify(tenant_id, backup_id, at)
        return backup_id

    def verify(self, tenant_id: TenantId, backup_id: BackupId, at: datetime) -> None:
        found = Verification(
            backup_id=backup_id.value,
            tenant_id=tenant_id.value,
            drilled_at=at,
            seconds=1.5,
            restored_bytes=1,
            tables=[],
            digest_matches=True,
            server_id="s",
            server_version="18.1",
            operation_id="o",
        )
        self.put(verification_key(tenant_id, backup_id), found.model_dump_json(by_alias=True))

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def all_keys(self, prefix: str = "tenants/") -> list[str]:
        answer = self.s3.list_object_versions(Bucket=self.bucket, Prefix=prefix)
        return [found["Key"] for found in [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]]

    def ids(self, tenant_id: TenantId = ACME) -> list[str]:
        return sorted({key.split("/")[3] for key in self.all_keys(f"tenants/{tenant_id}/backups/")})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    # Some tests change the client of S3, or listen to it.
    with mock_aws(), own_clients():
        create_registry_table(aws_client("dynamodb", REGION), TABLE)
        yield


def make_bucket(name: str, **options: Any) -> Stand:
    s3 = aws_client("s3", REGION)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}, **options)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return Stand(name)


@pytest.fixture
def stand(aws: None) -> Stand:
    """A bucket without locks."""
    return make_bucket("plain")


@pytest.fixture
def locked(aws: None) -> Stand:
    """A bucket with object lock."""
    return make_bucket("locked", ObjectLockEnabledForBucket=True)


@pytest.fixture(params=["plain", "locked"])
def either(request: pytest.FixtureRequest, aws: None) -> Stand:
    """A bucket of each kind."""
    return make_bucket(request.param, ObjectLockEnabledForBucket=request.param == "locked")

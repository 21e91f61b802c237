"""Retention of one tenant of the running stack, through the operators' API."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

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
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.domain.verification import Verification
from tests.e2e.api import Api
from tests.e2e.living import LivingTenant, wait_for


class Operator:
    """An operator's calls about one tenant, and backups of it of any age, for which a test can't wait."""

    def __init__(self, api: Api, tenant: LivingTenant, bucket: str = "") -> None:
        self.api, self.tenant_id = api, TenantId(tenant.name)
        self.token = api.token_of(api.stack.operator.username)
        self.s3, self.bucket = api.aws("s3"), bucket or api.stack.backup_bucket

    def call(self, method: str, path: str, expected: int, **options: Any) -> Any:
        full = f"/admin/v1/tenants/{self.tenant_id}{path}"
        answer = self.api.call(method, full, self.token, **options)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def ended(self, operation_id: str) -> Any:
        return wait_for(self.api, operation_id)

    def publish(self, days: int) -> BackupId:
        """Put a verified backup of so many days ago into the bucket."""
        tenant_id, at = self.tenant_id, datetime.now(UTC) - timedelta(days=days)
        backup_id, bucket, body = new_backup_id(at), self.bucket, f"{days}".encode()
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

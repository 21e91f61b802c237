"""Backups that our code would never write: damaged ones, and dumps that would harm whoever restores them."""

import hashlib
import subprocess
from datetime import UTC, datetime
from typing import Any

import zstandard

from tenantry.domain.backup import Manifest, dump_key, manifest_key, new_backup_id
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.tenant import TenantId
from tests.integration.relocation.conftest import BINARIES
from tests.integration.restores.conftest import BUCKET, Vault


def dump_as_superuser(vault: Vault, database: str) -> bytes:
    """Dump a whole database, including objects that its owner may not make."""
    server = vault.postgres["here"]
    return subprocess.run(
        [BINARIES / "pg_dump", "-Fc", "-Z0", "-d", database],
        env={
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.admin_user,
            "PGPASSWORD": server.admin_password,
        },
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout


def publish(vault: Vault, like: CataloguedBackup, archive: bytes, **manifest: Any) -> CataloguedBackup:
    """Publish an archive with a manifest that agrees with it, and that otherwise equals another backup's."""
    assert like.manifest
    stored = zstandard.ZstdCompressor(level=1).compress(archive)
    return put(
        vault,
        like.tenant_id,
        like.manifest,
        stored,
        {"dump_bytes": len(archive), "stored_bytes": len(stored), "sha256": hashlib.sha256(stored).hexdigest()},
        **manifest,
    )


def put(
    vault: Vault, tenant_id: TenantId, like: Manifest, stored: bytes, dump: dict[str, Any], **manifest: Any
) -> CataloguedBackup:
    """Store an object, and a manifest with the given claims about it."""
    backup_id = new_backup_id(datetime.now(UTC))
    key = dump_key(tenant_id, backup_id)
    version = vault.s3.put_object(Bucket=BUCKET, Key=key, Body=stored)["VersionId"]
    described = like.dump.model_copy(update={"key": key, "version_id": version, **dump})
    made = like.model_copy(update={"backup_id": backup_id.value, "dump": described, **manifest})
    vault.s3.put_object(
        Bucket=BUCKET, Key=manifest_key(tenant_id, backup_id), Body=made.model_dump_json(by_alias=True).encode()
    )
    found = vault.catalogue.find(backup_id, tenant_id)
    assert found
    return found


def stored(vault: Vault, backup: CataloguedBackup) -> bytes:
    """List the objects in the bucket."""
    assert backup.manifest
    body: bytes = vault.s3.get_object(Bucket=BUCKET, Key=backup.manifest.dump.key)["Body"].read()
    return body

"""A tenant's backups as the bucket has them: each with its objects' versions and, if it is broken, its fault."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from tenantry.domain.backup import BackupId, Manifest
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import TenantId
from tenantry.domain.ulid import ulid_time
from tenantry.domain.verification import Verification


class Fault(StrEnum):
    """Why objects under a backup's prefix are not a backup."""

    # A worker died before publishing, or a deletion was interrupted: nothing can be restored from the remains.
    MANIFEST_MISSING = "manifest_missing"
    # The manifest or the dump was deleted; S3 keeps its versions until the bucket's lifecycle expires them.
    HIDDEN = "hidden"
    MANIFEST_UNREADABLE = "manifest_unreadable"
    DUMP_MISSING = "dump_missing"
    DUMP_SIZE = "dump_size"


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of one object, or a delete marker; size in bytes, time in UTC."""

    key: str
    version_id: str
    size: int
    written_at: datetime
    is_latest: bool = True
    is_marker: bool = False


@dataclass(frozen=True, slots=True)
class CataloguedBackup:
    """One backup as the bucket has it.

    `tenant_id` is the id in its keys, which may be an id that the tenant had before a rename. `hold` is the reason of a
    legal hold, and `locked_until` the end of S3's own lock on any of its objects.
    """

    tenant_id: TenantId
    backup_id: BackupId
    bucket: str
    versions: tuple[StoredVersion, ...]
    manifest: Manifest | None = None
    verification: Verification | None = None
    fault: Fault | None = None
    hold: str | None = None
    locked_until: datetime | None = None

    @property
    def broken(self) -> bool:
        """Whether nothing can be restored from this backup."""
        return self.fault is not None

    @property
    def verified(self) -> bool:
        """Whether a drill has restored this backup and found the same data."""
        return not self.broken and self.verification is not None and self.verification.passed

    @property
    def limited(self) -> bool:
        """Whether a restore does not bring back everything that there was; the manifest's omissions say what."""
        return self.manifest is not None and self.manifest.is_limited

    @property
    def uncounted(self) -> str | None:
        """The code of what kept some of it from being counted, so that no drill can verify it; None: all was."""
        return self.manifest.uncounted if self.manifest else None

    @property
    def taken_at(self) -> datetime:
        """When the backup began, in UTC, taken from its id."""
        return ulid_time(self.backup_id.value)

    @property
    def changed_at(self) -> datetime:
        """When the backup's newest object was written, in UTC."""
        return max(version.written_at for version in self.versions)

    @property
    def bytes(self) -> int:
        """The bytes of all versions of the backup's objects."""
        return sum(version.size for version in self.versions)

    def to_json(self) -> dict[str, Any]:
        """Return the backup as JSON values; sizes in bytes."""
        manifest, verification = self.manifest, self.verification
        return {
            "tenant_id": self.tenant_id.value,
            "backup_id": self.backup_id.value,
            "taken_at": self.taken_at.isoformat(),
            "finished_at": manifest.finished_at.isoformat() if manifest else None,
            "trigger": manifest.trigger if manifest else None,
            "isolation": manifest.isolation.value if manifest else None,
            "database_bytes": manifest.database.size_bytes if manifest else None,
            "tables": len(manifest.tables) if manifest else None,
            "rows": manifest.rows if manifest else None,
            "stored_bytes": self.bytes,
            "fault": self.fault.value if self.fault else None,
            "verified": self.verified,
            "limited": self.limited,
            "uncounted": self.uncounted,
            "drilled_at": verification.drilled_at.isoformat() if verification else None,
            "hold": self.hold,
            "locked_until": self.locked_until.isoformat() if self.locked_until else None,
        }


class StoredBackups(NamedTuple):
    """The totals below one tenant's prefix: number and bytes of all versions, and the time of the newest manifest."""

    versions: int
    bytes: int
    newest: datetime | None


def require_whole(backup: CataloguedBackup) -> Manifest:
    """Return the manifest of a backup that can be restored.

    :raises Conflict: the backup is broken (`backup_broken`); `details` says why.
    """
    if backup.manifest is None or backup.fault:
        raise Conflict(
            "What is left of that backup can't be restored.",
            code="backup_broken",
            details=str(backup.fault),
            hint="Choose another one: the list of the tenant's backups says which are broken.",
        )
    return backup.manifest

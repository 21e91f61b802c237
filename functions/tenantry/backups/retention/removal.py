"""Removes every version of backups permanently, except what a hold or S3's object lock keeps."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from tenantry.aws.object_versions import delete_versions, list_versions
from tenantry.backups.hold_tags import BackupHolds
from tenantry.domain.backup import dump_key, manifest_key
from tenantry.domain.catalogue import CataloguedBackup, StoredVersion
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class BackupRemains:
    """The number of object versions, their total bytes, and the keys of those that a hold or a lock keeps."""

    versions: int
    bytes: int
    kept: list[str]


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of one backup: the bytes deleted, and why the rest was kept.

    The reason is `legal_hold`, `object_lock`, or S3's error code.
    """

    bytes: int
    refused: str | None = None


class BackupRemoval:
    """Deletes from the backups' bucket."""

    def __init__(self, s3: "S3Client", bucket: str, elsewhere: Sequence["BackupRemoval"] = ()) -> None:
        """Take a client that may list, read tags and delete versions; `elsewhere` does so in other regions' buckets."""
        self._s3 = s3
        self._bucket = bucket
        self._holds = BackupHolds(s3, bucket)
        self._elsewhere = elsewhere

    def find(self, *tenant_ids: TenantId) -> BackupRemains:
        """Count the versions under these ids; a renamed tenant has several.

        :raises DependencyFailed: S3 did not answer.
        """
        found = [version for group in self._groups(tenant_ids) for version in group]
        own = BackupRemains(len(found), sum(version.size for version in found), [])
        return _together([own, *(other.find(*tenant_ids) for other in self._elsewhere)])

    def delete(self, *tenant_ids: TenantId) -> BackupRemains:
        """Delete every version and delete marker under these ids. A held or locked version is kept, and is no error.

        :returns: what was deleted, with the keys that were kept.
        :raises DependencyFailed: S3 did not answer.
        """
        deleted, size, kept = 0, 0, list[str]()
        for group in self._groups(tenant_ids):
            left = group if self._holds.find(group) is not None else delete_versions(self._s3, self._bucket, group)
            gone = [version for version in group if version not in left]
            kept += sorted({version.key for version in left})
            deleted += len(gone)
            size += sum(version.size for version in gone)
        own = BackupRemains(deleted, size, kept)
        return _together([own, *(other.delete(*tenant_ids) for other in self._elsewhere)])

    def delete_one(self, backup: CataloguedBackup) -> Removed:
        """Delete one backup: its manifest first, its dump last.

        So the remains of an interrupted deletion do not look like a backup, and the next run finds and deletes them.

        :raises DependencyFailed: S3 did not answer.
        """
        other = next((other for other in self._elsewhere if other.holds_bucket(backup.bucket)), None)
        if other:
            return other.delete_one(backup)
        # Check the locks before deleting anything: without its manifest, a dump that S3 keeps would be worthless.
        if self._holds.locked(backup.versions):
            return Removed(0, "object_lock")
        gone = 0
        for group in _in_order(backup):
            # Ask again: the backup may have been held since the plan was made.
            if self._holds.find(backup.versions if gone == 0 else group) is not None:
                return Removed(gone, "legal_hold")
            refused = delete_versions(self._s3, self._bucket, group)
            gone += sum(version.size for version in group if version not in refused)
            if refused:
                return Removed(gone, next(iter(refused.values())))
        return Removed(gone)

    def holds_bucket(self, name: str) -> bool:
        """Tell whether this deletes from the bucket of that name."""
        return self._bucket == name

    def _groups(self, tenant_ids: Iterable[TenantId]) -> Iterator[list[StoredVersion]]:
        """Yield the versions under these ids, one backup at a time."""
        for tenant_id in tenant_ids:
            # The slash keeps the prefix of `acme` from matching `acme-prod`.
            versions = list_versions(self._s3, self._bucket, f"tenants/{tenant_id.value}/")
            in_order = sorted(versions, key=attrgetter("key"))
            yield from (
                list(group) for _, group in groupby(in_order, key=lambda version: version.key.rpartition("/")[0])
            )


def _in_order(backup: CataloguedBackup) -> Iterator[list[StoredVersion]]:
    first, last = manifest_key(backup.tenant_id, backup.backup_id), dump_key(backup.tenant_id, backup.backup_id)
    groups: list[list[StoredVersion]] = [[], [], []]
    for version in backup.versions:
        groups[0 if version.key == first else 2 if version.key == last else 1].append(version)
    return filter(None, groups)


def _together(parts: Sequence[BackupRemains]) -> BackupRemains:
    return BackupRemains(
        sum(part.versions for part in parts),
        sum(part.bytes for part in parts),
        [key for part in parts for key in part.kept],
    )

"""Removes backups for good, every version of them, as far as holds and S3's locks let us."""

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
    """Versions of objects, their bytes together, and the keys of those that are kept (a hold or a lock)."""

    versions: int
    bytes: int
    kept: list[str]


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of one backup: bytes that are gone, and why the rest is not.

    That is `legal_hold`, `object_lock`, or S3's code.
    """

    bytes: int
    refused: str | None = None


class BackupRemoval:
    """The backups' bucket, to delete from."""

    def __init__(self, s3: "S3Client", bucket: str, elsewhere: Sequence["BackupRemoval"] = ()) -> None:
        """Take a client that may list, read tags and delete versions; `elsewhere` are the buckets of other regions."""
        self._s3 = s3
        self._bucket = bucket
        self._holds = BackupHolds(s3, bucket)
        self._elsewhere = elsewhere

    def find(self, *tenant_ids: TenantId) -> BackupRemains:
        """Count what there is under these ids: a tenant that was renamed has several.

        :raises DependencyFailed: S3 did not answer.
        """
        found = [version for group in self._groups(tenant_ids) for version in group]
        own = BackupRemains(len(found), sum(version.size for version in found), [])
        return _together([own, *(other.find(*tenant_ids) for other in self._elsewhere)])

    def delete(self, *tenant_ids: TenantId) -> BackupRemains:
        """Delete every version and every delete marker under these ids; what is held or locked is told, and no error.

        :returns: what was deleted, and what was kept.
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

        So what is left of a deletion that is cut looks like no backup, and can be found and deleted the next time.

        :raises DependencyFailed: S3 did not answer.
        """
        other = next((other for other in self._elsewhere if other.holds_bucket(backup.bucket)), None)
        if other:
            return other.delete_one(backup)
        # Before anything goes: without its manifest, what S3 keeps of it would be worth nothing.
        if self._holds.locked(backup.versions):
            return Removed(0, "object_lock")
        gone = 0
        for group in _in_order(backup):
            # Asked anew: a hold may have come since it was planned.
            if self._holds.find(backup.versions if gone == 0 else group) is not None:
                return Removed(gone, "legal_hold")
            refused = delete_versions(self._s3, self._bucket, group)
            gone += sum(version.size for version in group if version not in refused)
            if refused:
                return Removed(gone, next(iter(refused.values())))
        return Removed(gone)

    def holds_bucket(self, name: str) -> bool:
        """Tell whether this is the bucket of that name."""
        return self._bucket == name

    def _groups(self, tenant_ids: Iterable[TenantId]) -> Iterator[list[StoredVersion]]:
        """Go through what lies under these ids, a backup at a time."""
        for tenant_id in tenant_ids:
            # With the slash: `acme` is not the beginning of `acme-prod`.
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

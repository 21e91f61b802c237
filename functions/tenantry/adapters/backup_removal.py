"""Removes every version of every backup of a tenant, as far as S3 lets us."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class BackupRemains:
    """Versions of objects, their bytes together, and the keys of those that S3 keeps (a hold or a lock)."""

    versions: int
    bytes: int
    kept: list[str]


class BackupRemoval:
    """One tenant's part of the backups' bucket."""

    def __init__(self, s3: "S3Client", bucket: str, elsewhere: Sequence["BackupRemoval"] = ()) -> None:
        """Take a client that may list and delete versions; `elsewhere` are the buckets of other regions."""
        self._s3 = s3
        self._bucket = bucket
        self._elsewhere = elsewhere

    def find(self, *tenant_ids: TenantId) -> BackupRemains:
        """Count what there is under these ids: a tenant that was renamed has several.

        :raises DependencyFailed: S3 did not answer.
        """
        found = [version for page in self._pages(tenant_ids) for version in page]
        own = BackupRemains(len(found), sum(version.get("Size", 0) for version in found), [])
        return _together([own, *(other.find(*tenant_ids) for other in self._elsewhere)])

    def delete(self, *tenant_ids: TenantId) -> BackupRemains:
        """Delete every version and every delete marker under these ids; what S3 keeps is told, and no error.

        :returns: what was deleted, and what was kept.
        :raises DependencyFailed: S3 did not answer.
        """
        deleted, size, kept = 0, 0, []
        for page in self._pages(tenant_ids):
            refused = self._delete(page)
            kept += sorted({key for key, _ in refused})
            gone = [v for v in page if not {(v["Key"], v["VersionId"]), (v["Key"], "")} & refused]
            deleted += len(gone)
            size += sum(version.get("Size", 0) for version in gone)
        own = BackupRemains(deleted, size, kept)
        return _together([own, *(other.delete(*tenant_ids) for other in self._elsewhere)])

    def _pages(self, tenant_ids: Iterable[TenantId]) -> Iterator[list[Any]]:
        for tenant_id in tenant_ids:
            yield from self._pages_of(tenant_id)

    def _pages_of(self, tenant_id: TenantId) -> Iterator[list[Any]]:
        # With the slash: `acme` is not the beginning of `acme-prod`.
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=f"tenants/{tenant_id.value}/", PaginationConfig={"PageSize": _AT_ONCE}
        )
        try:
            for page in pages:
                yield [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def _delete(self, versions: list[Any]) -> set[tuple[str, str]]:
        """Delete some versions; returns those that S3 refused to (without a version where it names none)."""
        if not versions:
            return set()
        objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        try:
            answer = self._s3.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": objects, "Quiet": True},  # type: ignore[typeddict-item]
            )
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc
        return {(error["Key"], error.get("VersionId", "")) for error in answer.get("Errors", [])}


def _together(parts: Sequence[BackupRemains]) -> BackupRemains:
    return BackupRemains(
        sum(part.versions for part in parts),
        sum(part.bytes for part in parts),
        [key for part in parts for key in part.kept],
    )


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The backups' bucket could not be read or written.", code="object_store_unavailable")

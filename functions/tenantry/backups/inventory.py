"""Counts what the buckets hold below the tenants' prefixes, from one listing of all versions of all objects."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.catalogue import StoredBackups
from tenantry.domain.errors import DependencyFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PREFIX = "tenants/"
_MANIFEST = "/manifest.json"


class Bucket(NamedTuple):
    """A bucket, and a client of its region that may list its versions."""

    s3: "S3Client"
    name: str


class BackupInventory:
    """Counts the backups of all tenants."""

    def __init__(self, buckets: Sequence[Bucket]) -> None:
        """Take the buckets of all regions."""
        self._buckets = buckets

    def read(self) -> dict[str, StoredBackups]:
        """Count versions and bytes by the tenant id in the keys.

        `newest` is when the newest manifest was written: objects without a manifest are no backup.

        :raises DependencyFailed: S3 did not answer.
        """
        found: dict[str, StoredBackups] = {}
        for bucket in self._buckets:
            for version in _versions(bucket):
                name = version["Key"].split("/")[1]
                found[name] = _add(found.get(name, StoredBackups(0, 0, None)), version)
        return found


def _versions(bucket: Bucket) -> list[Any]:
    pages = bucket.s3.get_paginator("list_object_versions").paginate(Bucket=bucket.name, Prefix=_PREFIX)
    try:
        # Delete markers are left out: they have no size, and a deleted object counts as long as S3 keeps a version of
        # it.
        return [version for page in pages for version in page.get("Versions", [])]
    except (ClientError, BotoCoreError) as exc:
        raise DependencyFailed(
            "The backups' bucket could not be read or written.", code="object_store_unavailable"
        ) from exc


def _add(backups: StoredBackups, version: Any) -> StoredBackups:
    newest = backups.newest
    if version["IsLatest"] and version["Key"].endswith(_MANIFEST):
        written: datetime = version["LastModified"]
        newest = max(newest, written) if newest else written
    return StoredBackups(backups.versions + 1, backups.bytes + version["Size"], newest)

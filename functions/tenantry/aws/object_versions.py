"""Lists the versions of a bucket's objects by prefix, and deletes versions permanently if S3 allows it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.catalogue import StoredVersion
from tenantry.domain.errors import DependencyFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AT_ONCE = 1000


def list_versions(s3: "S3Client", bucket: str, prefix: str, after: str = "") -> Iterator[StoredVersion]:
    """Yield all versions and delete markers below a prefix, by key; with `after`, those of the keys behind it.

    :raises DependencyFailed: S3 did not answer.
    """
    start: Any = {"KeyMarker": after} if after else {}
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": _AT_ONCE}, **start
    )
    try:
        for page in pages:
            versions = [_version(found) for found in page.get("Versions", [])]
            versions += [_version(found, is_marker=True) for found in page.get("DeleteMarkers", [])]
            yield from sorted(versions, key=attrgetter("key"))
    except (ClientError, BotoCoreError) as exc:
        raise store_unavailable() from exc


def delete_versions(s3: "S3Client", bucket: str, versions: Sequence[StoredVersion]) -> Mapping[StoredVersion, str]:
    """Delete versions permanently.

    :returns: the versions that S3 keeps, each with S3's error code.
    :raises DependencyFailed: S3 did not answer.
    """
    kept: dict[StoredVersion, str] = {}
    for some in batched(versions, _AT_ONCE, strict=False):
        objects = [{"Key": version.key, "VersionId": version.version_id} for version in some]
        try:
            answer = s3.delete_objects(
                Bucket=bucket,
                Delete={"Objects": objects, "Quiet": True},  # type: ignore[typeddict-item]
            )
        except (ClientError, BotoCoreError) as exc:
            raise store_unavailable() from exc
        refused = {
            (error.get("Key", ""), error.get("VersionId", "")): error.get("Code", "")
            for error in answer.get("Errors", [])
        }
        # Some of S3's errors name the key but not the version.
        codes = ((v, refused.get((v.key, v.version_id)) or refused.get((v.key, ""))) for v in some)
        kept |= {version: code for version, code in codes if code is not None}
    return kept


def store_unavailable() -> DependencyFailed:
    """Make the error for an S3 that did not answer."""
    return DependencyFailed("The backups' bucket could not be read or written.", code="object_store_unavailable")


def _version(found: Any, *, is_marker: bool = False) -> StoredVersion:
    return StoredVersion(
        found["Key"], found["VersionId"], found.get("Size", 0), found["LastModified"], found["IsLatest"], is_marker
    )

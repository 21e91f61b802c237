"""Legal holds on backups: a tag with the reason on each object and, where the bucket has object lock, S3's own hold.

Both are needed: S3's legal hold has no reason, and a bucket without object lock has no legal hold.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.object_versions import store_unavailable
from tenantry.domain.catalogue import StoredVersion

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

TAG = "LegalHold"
# The characters that the value of an S3 tag may have.
REASON = r"^[\w +=.:/@-]{3,200}$"
_UNNAMED = "S3"
_MANIFEST = re.compile(r".*/manifest\.json")


class BackupHolds:
    """Sets, lifts and reads holds in one bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Take a client that may read and write tags and legal holds."""
        self._s3 = s3
        self._bucket = bucket

    def find(self, versions: Iterable[StoredVersion]) -> str | None:
        """Read the reason of a backup's hold; None if it is not held.

        The manifest is tagged first and freed last, so it alone is asked. Without a manifest, every object is asked.

        :raises DependencyFailed: S3 did not answer.
        """
        real = [version for version in versions if not version.is_marker]
        asked = [version for version in real if _MANIFEST.fullmatch(version.key)] or real
        return next((reason for version in asked if (reason := self._tags(version).get(TAG)) is not None), None)

    def put(self, versions: Sequence[StoredVersion], reason: str) -> None:
        """Hold a backup; repeating the call is no error, and finishes a hold that was interrupted.

        :raises DependencyFailed: S3 did not answer.
        """
        locks = self._has_locks()
        for version in _manifest_first(versions):
            self._tag(version, self._tags(version) | {TAG: reason})
            if locks:
                self._lock(version, "ON")

    def lift(self, versions: Sequence[StoredVersion]) -> None:
        """Lift a backup's hold.

        :raises DependencyFailed: S3 did not answer.
        """
        locks = self._has_locks()
        for version in reversed(_manifest_first(versions)):
            if locks:
                self._lock(version, "OFF")
            self._tag(version, {name: value for name, value in self._tags(version).items() if name != TAG})

    def locked(self, versions: Iterable[StoredVersion]) -> bool:
        """Tell whether S3 itself locks any of these: by a legal hold that Tenantry did not set, or an unexpired lock.

        :raises DependencyFailed: S3 did not answer.
        """
        return self._has_locks() and any(self._is_locked(version) for version in versions if not version.is_marker)

    def _is_locked(self, version: StoredVersion) -> bool:
        chosen: dict[str, Any] = {"Bucket": self._bucket, "Key": version.key, "VersionId": version.version_id}
        hold = _unless_none(lambda: self._s3.get_object_legal_hold(**chosen)["LegalHold"])
        retention = _unless_none(lambda: self._s3.get_object_retention(**chosen)["Retention"])
        until = retention.get("RetainUntilDate")
        return hold.get("Status") == "ON" or (until is not None and until > datetime.now(UTC))

    def _tags(self, version: StoredVersion) -> dict[str, str]:
        try:
            answer = self._s3.get_object_tagging(Bucket=self._bucket, Key=version.key, VersionId=version.version_id)
        except (ClientError, BotoCoreError) as exc:
            raise store_unavailable() from exc
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def _tag(self, version: StoredVersion, tags: dict[str, str]) -> None:
        chosen: dict[str, Any] = {"Bucket": self._bucket, "Key": version.key, "VersionId": version.version_id}
        try:
            if tags:
                pairs: list[TagTypeDef] = [{"Key": name, "Value": value} for name, value in tags.items()]
                self._s3.put_object_tagging(**chosen, Tagging={"TagSet": pairs})
            else:
                self._s3.delete_object_tagging(**chosen)
        except (ClientError, BotoCoreError) as exc:
            raise store_unavailable() from exc

    def _lock(self, version: StoredVersion, status: Literal["ON", "OFF"]) -> None:
        chosen: dict[str, Any] = {"Bucket": self._bucket, "Key": version.key, "VersionId": version.version_id}
        try:
            self._s3.put_object_legal_hold(**chosen, LegalHold={"Status": status})
        except (ClientError, BotoCoreError) as exc:
            raise store_unavailable() from exc

    def _has_locks(self) -> bool:
        try:
            answer = self._s3.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ObjectLockConfigurationNotFoundError":
                return False
            raise store_unavailable() from exc
        except BotoCoreError as exc:
            raise store_unavailable() from exc
        return answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled"


def _unless_none(ask: Callable[[], Any]) -> Any:
    """Ask S3 about an object's lock; {} if it has none."""
    try:
        return ask()
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "NoSuchObjectLockConfiguration":
            return {}
        raise store_unavailable() from exc
    except BotoCoreError as exc:
        raise store_unavailable() from exc


def reason_of(tagged: str | None, answers: Iterable[Any]) -> str | None:
    """Return why a backup is held: its tag's reason, or that S3 itself holds one of its objects."""
    held = any(answer.get("ObjectLockLegalHoldStatus") == "ON" for answer in answers)
    return tagged if tagged is not None else _UNNAMED if held else None


def _manifest_first(versions: Sequence[StoredVersion]) -> list[StoredVersion]:
    real = [version for version in versions if not version.is_marker]
    return sorted(real, key=lambda version: not _MANIFEST.fullmatch(version.key))

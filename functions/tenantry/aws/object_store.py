"""Writes a backup's objects to S3, with the rights of one tenant's session."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.multipart_upload import Upload, part_size
from tenantry.aws.object_versions import store_unavailable
from tenantry.aws.upload_errors import has_status, upload_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ATTEMPTS = 3


class ObjectStore:
    """The bucket of the backups, as one tenant may use it."""

    def __init__(self, s3: "S3Client", bucket: str, kms_key: str = "") -> None:
        """Take a client of one tenant's session; with a `kms_key` (its ARN), objects are encrypted with it."""
        self._s3 = s3
        self._bucket = bucket
        self._encryption: Any = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key, "BucketKeyEnabled": True} if kms_key else {}
        )

    def exists(self, key: str) -> bool:
        """Tell whether an object exists.

        :raises DependencyFailed: S3 did not answer.
        """
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            # S3 says 403 of what is not there to whoever may not list its bucket. A right to list can't be bound to a
            # tenant's keys, as this call names no prefix. What is written is written once.
            if has_status(exc, 404) or has_status(exc, 403):
                return False
            raise store_unavailable() from exc
        except BotoCoreError as exc:
            raise store_unavailable() from exc
        return True

    def put_once(self, key: str, body: bytes, content_type: str) -> None:
        """Write a small object, unless the key exists.

        :raises AlreadyPublished: an object with this key exists.
        :raises DependencyFailed: S3 did not take it.
        """
        wanted: Any = {"Bucket": self._bucket, "Key": key, "Body": body, "ContentType": content_type}
        for _ in range(_ATTEMPTS):
            try:
                self._s3.put_object(**wanted, IfNoneMatch="*", **self._encryption)
            except (ClientError, BotoCoreError) as exc:
                # Another writer is writing this key right now. Repeat the call: S3 then reports that the object exists.
                if has_status(exc, 409):
                    continue
                raise upload_error(exc) from exc
            else:
                return
        raise store_unavailable()

    def upload(self, key: str, expected_bytes: int = 0) -> "Upload":
        """Begin the upload of a stream.

        :param expected_bytes: a size that the stream is unlikely to exceed; it decides the size of the parts.
        :raises DependencyFailed: S3 did not take it.
        """
        return Upload(self._s3, self._bucket, key, part_size(expected_bytes), self._encryption)

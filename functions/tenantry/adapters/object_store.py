"""Backups' objects in S3: a stream of unknown length up, complete or not at all."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed, TenantryError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MIB = 1 << 20
_FIRST_PART_BYTES = 8 * _MIB
_PARTS_PER_SIZE = 1000
_UPLOADS_AT_ONCE = 2


def part_bytes(number: int) -> int:
    """Return the size of part `number` (from 1): 8 MiB, doubled after every thousand parts.

    S3 takes 10,000 parts. So a small dump needs little memory, and one of several terabytes still fits.
    """
    return _FIRST_PART_BYTES << ((number - 1) // _PARTS_PER_SIZE)


class AlreadyPublished(TenantryError):
    """An object of this name exists already."""

    code = "already_published"


class ObjectStore:
    """The bucket of the backups, as one tenant may use it."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Take a client of one tenant's session."""
        self._s3 = s3
        self._bucket = bucket

    def exists(self, key: str) -> bool:
        """Tell whether an object is there.

        :raises DependencyFailed: S3 did not say.
        """
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            if _status(exc) == 404:
                return False
            raise _unavailable() from exc
        except BotoCoreError as exc:
            raise _unavailable() from exc
        return True

    def put_once(self, key: str, body: bytes, content_type: str) -> None:
        """Write a small object unless one of that name exists.

        :raises AlreadyPublished: it does.
        :raises DependencyFailed: S3 did not take it.
        """
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*")
        except (ClientError, BotoCoreError) as exc:
            raise _translate(exc) from exc

    def upload(self, key: str) -> "Upload":
        """Begin the upload of a stream.

        :raises DependencyFailed: S3 did not take it.
        """
        return Upload(self._s3, self._bucket, key)


class Upload:
    """A multipart upload. Nothing is visible before `complete`, and after `abort` nothing remains.

    Parts go up beside the caller's work, two at a time; more than that and `write` waits, so memory stays bounded.
    """

    def __init__(self, s3: "S3Client", bucket: str, key: str) -> None:
        """Begin it.

        :raises DependencyFailed: S3 did not take it.
        """
        self._s3, self._bucket, self._key = s3, bucket, key
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._running: list[Future[dict[str, Any]]] = []
        self._parts: list[dict[str, Any]] = []
        self._next_number = 1
        self.bytes = 0
        try:
            created = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType="application/zstd")
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc
        self._upload_id = created["UploadId"]
        self._pool = ThreadPoolExecutor(_UPLOADS_AT_ONCE, thread_name_prefix="upload")

    @property
    def sha256(self) -> str:
        """The digest of all that was written, in hex; S3's own of a multipart object is not that."""
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Add to the stream.

        :raises DependencyFailed: S3 did not take a part.
        """
        self._digest.update(chunk)
        self._buffer += chunk
        self.bytes += len(chunk)
        size = part_bytes(self._next_number)
        while len(self._buffer) >= size:
            self._send(bytes(memoryview(self._buffer)[:size]))
            del self._buffer[:size]
            size = part_bytes(self._next_number)

    def complete(self) -> str | None:
        """Send the rest and make the object visible.

        :returns: its version id, where the bucket keeps versions.
        :raises AlreadyPublished: an object of that name exists.
        :raises DependencyFailed: S3 did not take it.
        """
        if self._buffer or self._next_number == 1:
            self._send(bytes(self._buffer))
            self._buffer.clear()
        self._collect(0)
        try:
            done = self._s3.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},  # type: ignore[typeddict-item]
                IfNoneMatch="*",
            )
        except (ClientError, BotoCoreError) as exc:
            raise _translate(exc) from exc
        self._pool.shutdown()
        return done.get("VersionId")

    def abort(self) -> None:
        """Give it up: S3 drops every part.

        :raises DependencyFailed: S3 did not answer; the bucket's lifecycle then ends the upload.
        """
        for upload in self._running:
            upload.cancel()
        # A part that arrives after the abort would be kept: wait for those under way.
        self._pool.shutdown(wait=True)
        try:
            self._s3.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def _send(self, body: bytes) -> None:
        self._collect(_UPLOADS_AT_ONCE - 1)
        self._running.append(self._pool.submit(self._upload_part, self._next_number, body))
        self._next_number += 1

    def _collect(self, leave: int) -> None:
        """Wait until at most `leave` parts are under way."""
        while len(self._running) > leave:
            try:
                self._parts.append(self._running.pop(0).result())
            except (ClientError, BotoCoreError) as exc:
                raise _unavailable() from exc

    def _upload_part(self, number: int, body: bytes) -> dict[str, Any]:
        part = self._s3.upload_part(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload_id, PartNumber=number, Body=body
        )
        done: dict[str, Any] = {"PartNumber": number, "ETag": part["ETag"]}
        # S3 compares the parts' checksums once more when the upload is completed.
        return done | {name: part[name] for name in ("ChecksumCRC32", "ChecksumCRC64NVME") if name in part}


def _status(exc: ClientError) -> int:
    return int(exc.response["ResponseMetadata"]["HTTPStatusCode"])


def _translate(exc: Exception) -> TenantryError:
    if isinstance(exc, ClientError) and _status(exc) == 412:
        return AlreadyPublished()
    return _unavailable()


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The backups' bucket could not be read or written.", code="object_store_unavailable")

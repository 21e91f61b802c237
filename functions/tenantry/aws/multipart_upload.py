"""An object in S3 as a stream of unknown length: complete or not at all, in bounded memory."""

import hashlib
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.object_versions import store_unavailable
from tenantry.aws.upload_errors import upload_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MIB = 1 << 20
_LEAST_PART_BYTES = 8 * _MIB
# Of the ten thousand parts that S3 takes; those after them are larger, should a dump be larger than its database.
_PARTS = 9_000
_GROWTH = 8
_UPLOADS_AT_ONCE = 2
# Metadata of an object, by which an upload knows its own.
_MARK = "upload"
# Parts up to this size are kept in memory, three at a time. Larger ones, of databases beyond 130 GB, wait in a file.
_IN_MEMORY_BYTES = 16 * _MIB


def part_size(expected_bytes: int) -> int:
    """Choose the size of the parts for a dump that will hardly be larger than `expected_bytes`.

    8 MiB up to some 70 GB, so that a small dump needs little memory; for 1 TB it is 117 MiB.
    """
    return max(_LEAST_PART_BYTES, -(-expected_bytes // _PARTS // _MIB) * _MIB)


class Upload:
    """A multipart upload. Nothing is visible before `complete`, and after `abort` nothing remains.

    Parts go up beside the caller's work, two at a time; more than that and `write` waits, so memory stays bounded.
    """

    def __init__(self, s3: "S3Client", bucket: str, key: str, size: int, encryption: Any) -> None:
        """Begin it, in parts of `size` bytes.

        :raises DependencyFailed: S3 did not take it.
        """
        self._s3, self._bucket, self._key = s3, bucket, key
        self.part_bytes = size
        self._digest = hashlib.sha256()
        self._part: IO[bytes] = self._new_part()
        self._filled = 0
        self._running: list[Future[dict[str, Any]]] = []
        self._parts: list[dict[str, Any]] = []
        self._next_number = 1
        self._mark = uuid.uuid4().hex
        self.bytes = 0
        try:
            created = s3.create_multipart_upload(
                Bucket=bucket,
                Key=key,
                ContentType="application/zstd",
                ChecksumAlgorithm="CRC32",
                Metadata={_MARK: self._mark},
                **encryption,
            )
        except (ClientError, BotoCoreError) as exc:
            raise store_unavailable() from exc
        self._upload_id = created["UploadId"]
        self._pool = ThreadPoolExecutor(_UPLOADS_AT_ONCE, thread_name_prefix="upload")

    @property
    def sha256(self) -> str:
        """The digest of all that was written, in hex; S3's own of a multipart object is not that."""
        return self._digest.hexdigest()

    @property
    def parts(self) -> int:
        """How many parts were sent."""
        return self._next_number - 1

    def write(self, chunk: bytes) -> None:
        """Add to the stream.

        :raises DependencyFailed: S3 did not take a part.
        """
        self._digest.update(chunk)
        self.bytes += len(chunk)
        rest = memoryview(chunk)
        while rest:
            taken = rest[: self._size() - self._filled]
            self._part.write(taken)
            self._filled += len(taken)
            rest = rest[len(taken) :]
            if self._filled == self._size():
                self._send()

    def complete(self) -> str | None:
        """Send the rest and make the object visible.

        :returns: its version id, where the bucket keeps versions.
        :raises AlreadyPublished: an object of that name exists.
        :raises DependencyFailed: S3 did not take it.
        """
        if self._filled or self._next_number == 1:
            self._send()
        self._collect(0)
        try:
            version = self._complete()
        except (ClientError, BotoCoreError) as exc:
            version = self._version_of_ours(exc)
        self._pool.shutdown()
        self._part.close()
        return version

    def _complete(self) -> str | None:
        done = self._s3.complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            MultipartUpload={"Parts": self._parts},  # type: ignore[typeddict-item]
            IfNoneMatch="*",
        )
        return done.get("VersionId")

    def _version_of_ours(self, exc: Exception) -> str | None:
        """Find out whether the object is there all the same.

        Where S3's answer was lost and the call repeated, the second one is told that there is no such upload any more,
        or that the object exists.

        :raises TenantryError: it is not, or is another upload's.
        """
        try:
            found = self._s3.head_object(Bucket=self._bucket, Key=self._key)
        except (ClientError, BotoCoreError):
            raise upload_error(exc) from exc
        if found["Metadata"].get(_MARK) != self._mark:
            raise upload_error(exc) from exc
        return found.get("VersionId")

    def abort(self) -> None:
        """Give it up: S3 drops every part.

        :raises DependencyFailed: S3 did not answer; the bucket's lifecycle then ends the upload.
        """
        for upload in self._running:
            upload.cancel()
        # A part that arrives after the abort would be kept: wait for those under way.
        self._pool.shutdown(wait=True)
        self._part.close()
        try:
            self._s3.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
        except (ClientError, BotoCoreError) as exc:
            raise store_unavailable() from exc

    def _size(self) -> int:
        return self.part_bytes * (_GROWTH if self._next_number > _PARTS else 1)

    def _new_part(self) -> IO[bytes]:
        # A part may have to be sent again, so it has to be somewhere until S3 has it.
        return TemporaryFile() if self.part_bytes > _IN_MEMORY_BYTES else BytesIO()

    def _send(self) -> None:
        self._collect(_UPLOADS_AT_ONCE - 1)
        self._part.seek(0)
        self._running.append(self._pool.submit(self._upload_part, self._next_number, self._part))
        self._part, self._filled = self._new_part(), 0
        self._next_number += 1

    def _collect(self, leave: int) -> None:
        """Wait until at most `leave` parts are under way."""
        while len(self._running) > leave:
            try:
                self._parts.append(self._running.pop(0).result())
            except (ClientError, BotoCoreError) as exc:
                raise store_unavailable() from exc

    def _upload_part(self, number: int, body: IO[bytes]) -> dict[str, Any]:
        with body:
            part = self._s3.upload_part(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="CRC32",
            )
        done: dict[str, Any] = {"PartNumber": number, "ETag": part["ETag"]}
        # S3 compares the parts' checksums once more when the upload is completed.
        return done | {name: part[name] for name in ("ChecksumCRC32",) if name in part}

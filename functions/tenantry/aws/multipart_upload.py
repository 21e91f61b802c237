"""Uploads a stream of unknown length as one S3 object: all or nothing, in bounded memory."""

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
# How many of S3's ten thousand parts have the planned size. Later parts are larger, in case a dump is larger than its
# database.
_PARTS = 9_000
_GROWTH = 8
_UPLOADS_AT_ONCE = 2
# The object's metadata by which an upload recognises its own object.
_MARK = "upload"
# Parts up to this size are kept in memory, three at a time. Larger parts, of databases beyond 130 GB, go to a file.
_IN_MEMORY_BYTES = 16 * _MIB


def part_size(expected_bytes: int) -> int:
    """Choose the size of the parts, in bytes, for a dump that is unlikely to be larger than `expected_bytes`.

    It is 8 MiB up to some 70 GB, so that a small dump needs little memory; for 1 TB it is 117 MiB.
    """
    return max(_LEAST_PART_BYTES, -(-expected_bytes // _PARTS // _MIB) * _MIB)


class Upload:
    """A multipart upload. Nothing is visible before `complete`, and nothing remains after `abort`.

    Threads upload up to two parts at a time while the caller works on. Beyond that `write` blocks, which bounds memory.
    """

    def __init__(self, s3: "S3Client", bucket: str, key: str, size: int, encryption: Any) -> None:
        """Begin the upload, in parts of `size` bytes.

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
        """The SHA-256 of everything written, in hex; S3's own digest of a multipart object is something else."""
        return self._digest.hexdigest()

    @property
    def parts(self) -> int:
        """How many parts were sent."""
        return self._next_number - 1

    def write(self, chunk: bytes) -> None:
        """Append to the stream.

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
        """Send the last part and make the object visible.

        :returns: the object's version id, if the bucket keeps versions.
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
        """Find out whether the upload was completed in spite of the error.

        If S3's answer to the first call was lost, the repeated call fails: there is no such upload any more, or the
        object
        already exists.

        :raises TenantryError: the object does not exist, or is another upload's.
        """
        try:
            found = self._s3.head_object(Bucket=self._bucket, Key=self._key)
        except (ClientError, BotoCoreError):
            raise upload_error(exc) from exc
        if found["Metadata"].get(_MARK) != self._mark:
            raise upload_error(exc) from exc
        return found.get("VersionId")

    def abort(self) -> None:
        """Abort the upload: S3 drops every part.

        :raises DependencyFailed: S3 did not answer; the bucket's lifecycle will abort the upload.
        """
        for upload in self._running:
            upload.cancel()
        # S3 would keep a part that arrives after the abort: wait for the parts under way.
        self._pool.shutdown(wait=True)
        self._part.close()
        try:
            self._s3.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
        except (ClientError, BotoCoreError) as exc:
            raise store_unavailable() from exc

    def _size(self) -> int:
        return self.part_bytes * (_GROWTH if self._next_number > _PARTS else 1)

    def _new_part(self) -> IO[bytes]:
        # Keep the part until S3 has it: it may have to be sent again.
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
        # S3 compares the parts' checksums again when the upload is completed.
        return done | {name: part[name] for name in ("ChecksumCRC32",) if name in part}

"""Streams a backup's dump out of S3: decompressed, and checked against its manifest."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import zstandard
from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.object_versions import store_unavailable
from tenantry.domain.backup import Manifest
from tenantry.domain.errors import RestoreFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 1 << 20
# Bytes in a portion. Portions are cut and joined later, which takes twice as long once they outgrow the CPU's caches.
_PORTION = 1 << 18
# The most memory that a zstd frame may make its reader keep; frames of level 1 need half a megabyte.
_WINDOW = 1 << 27
# A head may compress well, or be crafted to: no more of it than this is kept.
_HEAD = 32 << 20
_REOPENED = 3
# There is no object, or it is shorter than the manifest says.
_GONE = {"NoSuchKey", "NoSuchVersion", "404", "InvalidRange", "416"}


class ArchiveSource:
    """The dumps in the buckets of all regions."""

    def __init__(self, clients: Mapping[str, "S3Client"]) -> None:
        """Take a client for each bucket, of the bucket's region, that may read versions."""
        self._clients = clients

    def head(self, manifest: Manifest, bucket: str, stored_bytes: int) -> bytes:
        """Fetch and decompress the first `stored_bytes` of the object; only `pump` can check the digest of the whole.

        :raises RestoreFailed: the archive is damaged (`backup_damaged`).
        :raises DependencyFailed: S3 did not answer.
        """
        stored = _Stored(self._clients[bucket], bucket, manifest, stored_bytes)
        try:
            with zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(stored) as reader:  # type: ignore[arg-type]
                return reader.read(_HEAD)
        except zstandard.ZstdError as exc:
            raise damaged() from exc
        finally:
            # A head that compresses well is not read to its end; without this, its connection would stay open.
            stored.close()

    def pump(self, manifest: Manifest, bucket: str, write: Callable[[bytes], Any]) -> None:
        """Pass the archive to `write` in portions, from the first byte. It is proved whole only when this returns.

        :param write: takes a portion. After it has raised BrokenPipeError it is not called again, but the rest is still
        read: a damaged archive explains why the consumer gave up.
        :raises RestoreFailed: the archive is damaged (`backup_damaged`): shorter, longer or other than what was
            written.
        :raises DependencyFailed: S3 did not answer.
        """
        stored = _Stored(self._clients[bucket], bucket, manifest)
        broken: BrokenPipeError | None = None
        total = 0
        try:
            reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(stored)  # type: ignore[arg-type]
            while portion := reader.read(_PORTION):
                total += len(portion)
                if total > manifest.dump.dump_bytes:
                    raise damaged()
                if broken is None:
                    try:
                        write(portion)
                    except BrokenPipeError as exc:
                        broken = exc
        except zstandard.ZstdError as exc:
            raise damaged() from exc
        stored.require_whole()
        if total != manifest.dump.dump_bytes:
            raise damaged()
        if broken:
            raise broken


class _Stored:
    """The stored object, as a stream that survives a lost connection and computes its digest."""

    def __init__(self, s3: "S3Client", bucket: str, manifest: Manifest, first: int | None = None) -> None:
        """Open the object; `first` limits how many of its bytes are read, None reads all."""
        self._s3, self._bucket, self._dump = s3, bucket, manifest.dump
        self._last = "" if first is None else str(first - 1)
        self._digest = hashlib.sha256()
        self._offset = 0
        self._reopened = 0
        self._body = self._open()

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes; empty at the end."""
        size = size if size > 0 else _CHUNK
        while True:
            try:
                chunk: bytes = self._body.read(size)
                break
            except (BotoCoreError, OSError) as exc:
                self._reopen(exc)
        self._digest.update(chunk)
        self._offset += len(chunk)
        return chunk

    def close(self) -> None:
        """Close the connection and discard the unread bytes."""
        self._body.close()

    def require_whole(self) -> None:
        """Read the remainder, then compare size and digest. :raises RestoreFailed: they differ."""
        while self.read():
            if self._offset > self._dump.stored_bytes:
                break
        if (self._offset, self._digest.hexdigest()) != (self._dump.stored_bytes, self._dump.sha256):
            raise damaged()

    def _open(self) -> Any:
        version: Any = {"VersionId": self._dump.version_id} if self._dump.version_id else {}
        part: Any = {"Range": f"bytes={self._offset}-{self._last}"} if self._offset or self._last else {}
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._dump.key, **version, **part)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _GONE:
                raise damaged() from exc
            raise store_unavailable() from exc
        except BotoCoreError as exc:
            raise store_unavailable() from exc
        return answer["Body"]

    def _reopen(self, exc: Exception) -> None:
        self._reopened += 1
        if self._reopened > _REOPENED:
            raise store_unavailable() from exc
        self._body.close()
        self._body = self._open()


def damaged() -> RestoreFailed:
    """Make the error for an archive that is not what was backed up."""
    return RestoreFailed(
        "The backup is damaged: it is not what was written.",
        code="backup_damaged",
        hint="Restore another one, and keep this for whoever finds out why.",
    )

"""A backup's dump as it comes out of S3: decompressed, and compared with what its manifest says of it."""

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
# What is handed over at once: it is cut and joined on its way, which takes twice as long where caches do not hold it.
_PORTION = 1 << 18
# What the writer of a frame may ask its reader to keep in memory: level 1 needs half a megabyte.
_WINDOW = 1 << 27
# A beginning compresses well, or is made to: more of it than this is not kept.
_HEAD = 32 << 20
_REOPENED = 3
# No object, or one that has nothing where the manifest says there is something.
_GONE = {"NoSuchKey", "NoSuchVersion", "404", "InvalidRange", "416"}


class ArchiveSource:
    """The dumps of the buckets of all regions."""

    def __init__(self, clients: Mapping[str, "S3Client"]) -> None:
        """Take, for each bucket, a client of its region that may read versions."""
        self._clients = clients

    def head(self, manifest: Manifest, bucket: str, stored_bytes: int) -> bytes:
        """Fetch what the first so many stored bytes hold; whether it is what was backed up, only the whole can say.

        :raises RestoreFailed: it is damaged (`backup_damaged`).
        :raises DependencyFailed: S3 did not answer.
        """
        stored = _Stored(self._clients[bucket], bucket, manifest, stored_bytes)
        try:
            with zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(stored) as reader:  # type: ignore[arg-type]
                return reader.read(_HEAD)
        except zstandard.ZstdError as exc:
            raise damaged() from exc
        finally:
            # What compresses well is not read to its end, and would keep the connection.
            stored.close()

    def pump(self, manifest: Manifest, bucket: str, write: Callable[[bytes], Any]) -> None:
        """Hand over the archive in portions, from the first byte; only when this returns was it what was backed up.

        :param write: takes a portion. After it has raised BrokenPipeError it gets no more, and the rest is read all the
            same: whether the archive is damaged says why whoever took it gave up.
        :raises RestoreFailed: it is damaged (`backup_damaged`): shorter, longer or other than what was written.
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
    """The stored object, as a stream that survives a cut connection and knows its digest."""

    def __init__(self, s3: "S3Client", bucket: str, manifest: Manifest, first: int | None = None) -> None:
        """Open it; `first` is how many of its bytes are wanted, none: all."""
        self._s3, self._bucket, self._dump = s3, bucket, manifest.dump
        self._last = "" if first is None else str(first - 1)
        self._digest = hashlib.sha256()
        self._offset = 0
        self._reopened = 0
        self._body = self._open()

    def read(self, size: int = -1) -> bytes:
        """Read on; empty at the end."""
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
        """Let go of what was not read."""
        self._body.close()

    def require_whole(self) -> None:
        """Read what is left, and compare size and digest. :raises RestoreFailed: they differ."""
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
    """Say that an archive is not what was backed up."""
    return RestoreFailed(
        "The backup is damaged: it is not what was written.",
        code="backup_damaged",
        hint="Restore another one, and keep this for whoever finds out why.",
    )

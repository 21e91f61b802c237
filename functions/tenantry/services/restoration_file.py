"""Whether an archive is restored from a file, by several sessions at once, or as a stream."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from tenantry.adapters.archive_source import ArchiveSource
from tenantry.domain.backup import Manifest
from tenantry.domain.errors import RestoreFailed

# Below this a stream was quicker wherever it was measured: the file has to be there before anything is restored.
LARGE_BYTES = 1 << 30
# What is left of the function's storage for others.
_SPARE_BYTES = 64 << 20


@contextmanager
def archive_file(archives: ArchiveSource, manifest: Manifest, bucket: str, deadline: float) -> Iterator[Path | None]:
    """Fetch a large archive into a file, which goes with this block; None where it is small, or there is no room.

    What is in the file was compared with the manifest: nothing of a damaged archive is restored.

    :param deadline: of `time.monotonic()`, until which it has to be there.
    :raises RestoreFailed: it is damaged, or does not come in time.
    :raises DependencyFailed: S3 did not answer.
    """
    size = manifest.dump.dump_bytes
    if size < LARGE_BYTES or not _is_spread(manifest) or shutil.disk_usage(gettempdir()).free < size + _SPARE_BYTES:
        yield None
        return
    with TemporaryDirectory(prefix="tenantry-restore-") as directory:
        file = Path(directory) / "archive"
        with file.open("wb") as output:

            def write(portion: bytes) -> None:
                if time.monotonic() > deadline:
                    raise RestoreFailed("The restore did not end in time.", code="restore_deadline")
                output.write(portion)

            archives.pump(manifest, bucket, write)
        yield file


def _is_spread(manifest: Manifest) -> bool:
    """Whether there is work for several sessions: one fills a table, and no two the same."""
    rows = [table.rows for table in manifest.tables]
    return 2 * max(rows, default=0) <= sum(rows)

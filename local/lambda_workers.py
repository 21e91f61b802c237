"""The local AWS's Lambda workers, made to start and to answer sooner.

ministack unpacks a function's code and its layers, 80 MB in some three thousand files, anew for each worker. Here what
is the same is unpacked once and the workers are given links to it, as Lambda's own environments read one image. And
once a handler has answered ministack waits 50 ms for a line that it might have logged: a line is there before the
answer is, so what is left to wait for is the thread that takes it out of the pipe.
"""

import functools
import hashlib
import inspect
import threading
import types
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime

LINE_WAIT_SECONDS = 0.002
_UNPACKING = threading.Lock()


class WorkerArchive(zipfile.ZipFile):
    """A worker's code or layer, which lies in the worker's folder: unpacked once, beside the folders of all workers."""

    def namelist(self) -> list[str]:
        """Name what has to be looked at before it is unpacked: nothing, when an archive with this content was."""
        return [] if self._unpacked.is_dir() else super().namelist()

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Put a link to the unpacked content in the place of the empty folder `path`."""
        with _UNPACKING:
            if not self._unpacked.is_dir():
                # Under another name until it is whole: a worker must not find half of it.
                partial = self._unpacked.with_suffix(".partial")
                super().extractall(partial, members, pwd)
                partial.rename(self._unpacked)
        folder = Path(path)
        folder.rmdir()
        folder.symlink_to(self._unpacked, target_is_directory=True)

    @functools.cached_property
    def _unpacked(self) -> Path:
        archive = Path(str(self.filename))
        with archive.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        place = archive.parent.parent / "unpacked"
        place.mkdir(exist_ok=True)
        return place / digest


def quicken_workers(runtime: Any = lambda_runtime) -> None:
    """Change how `runtime`, ministack's module, unpacks and waits. What a later release has not, it is spared."""
    if hasattr(runtime, "zipfile"):
        runtime.zipfile = types.SimpleNamespace(**{**vars(zipfile), "ZipFile": WorkerArchive})
    drain = getattr(runtime.Worker, "_drain_stderr_bounded", None)
    if drain and "first_line_wait" in inspect.signature(drain).parameters:
        quick = functools.partialmethod(drain, first_line_wait=LINE_WAIT_SECONDS)
        runtime.Worker._drain_stderr_bounded = quick  # noqa: SLF001

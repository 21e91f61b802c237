"""What is in an archive and where its rows begin, as `pg_restore --list` tells it: a beginning is enough."""

import re
import struct
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tenantry.database.client_environment import CopyTools, client_environment
from tenantry.database.pg_restore import APPLICATION, RestoreTarget
from tenantry.domain.errors import RestoreFailed
from tenantry.restores.archive.row_distributor import IS_ROWS_OR_OBJECTS

_ENTRY = re.compile(r"(\d+); \d+ \d+ (.*)")
_ROWS, _OBJECTS, _RIGHTS = "TABLE DATA ", "BLOBS ", ("ACL ", "DEFAULT ACL ")
# Bytes that look like the first block may stand before it; a dump with more of them was made to have them.
_TRIED = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `text` has its kind and names, with nothing that tells where a name ends."""

    number: int
    text: str

    @property
    def is_rights(self) -> bool:
        """Whether it says who may do what."""
        return self.text.startswith(_RIGHTS)

    @property
    def has_rows(self) -> bool:
        """Whether it is the rows of a table."""
        return self.text.startswith(_ROWS)

    @property
    def has_blocks(self) -> bool:
        """Whether something of it follows after the table of contents."""
        return self.text.startswith((_ROWS, _OBJECTS))


class Contents:
    """The table of contents of an archive whose beginning is in a file."""

    def __init__(self, head: Path, target: RestoreTarget, tools: CopyTools, deadline: float) -> None:
        """Take where it is and what a restore would want of it; the deadline is of `time.monotonic()`."""
        self._head = head
        self._target = target
        self._tools = tools
        self._deadline = deadline

    def entries(self) -> list[Entry] | None:
        """List all, in the archive's order; None: it is not all there.

        :raises RestoreFailed: pg_restore could not be started, or does not end in time.
        """
        return self._list([])

    def wanted(self) -> list[Entry]:
        """List what a restore would bring back."""
        return self._list(self._target.options) or []

    def cut(self, entries: Sequence[Entry]) -> bool:
        """Cut the file off where the rows begin. Whether they were found: no shorter beginning can be listed.

        :raises RestoreFailed: as above.
        """
        numbers = b"|".join(re.escape(struct.pack("<I", entry.number)) for entry in entries if entry.has_blocks)
        head = self._head.read_bytes()
        for place in islice(re.finditer(IS_ROWS_OR_OBJECTS + b"\\x00(?:" + numbers + b")", head, re.DOTALL), _TRIED):
            self._head.write_bytes(head[: place.start()])
            if self.entries() is not None:
                return True
        return False

    def _list(self, options: list[str]) -> list[Entry] | None:
        try:
            done = subprocess.run(
                [str(Path(self._tools.directory) / "pg_restore"), "--list", *options, str(self._head)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=client_environment(self._target.credentials, APPLICATION, self._tools.connect_timeout),
                timeout=max(self._deadline - time.monotonic(), 0),
                check=False,
            )
        except OSError as exc:
            raise RestoreFailed("pg_restore could not be started.", code="pg_client_missing") from exc
        except subprocess.TimeoutExpired as exc:
            raise RestoreFailed("The restore did not end in time.", code="restore_deadline") from exc
        if done.returncode:
            return None
        lines = map(_ENTRY.fullmatch, done.stdout.decode(errors="replace").split("\n"))
        return [Entry(int(line[1]), line[2]) for line in lines if line]


def write_entries(entries: Sequence[Entry], file: Path) -> Path:
    """Write what pg_restore takes as the list of what is wanted."""
    file.write_text("".join(f"{entry.number};\n" for entry in entries))
    return file

"""Lists an archive's contents with `pg_restore --list` and finds where its rows begin; the archive's head is enough."""

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
_DEFAULTS = "DEFAULT ACL "
_SUPERUSERS = ("EVENT TRIGGER ", "COMMENT - EVENT TRIGGER ", "SECURITY LABEL - EVENT TRIGGER ")
# Bytes before the first block may look like one. A dump with more such places than this was crafted to have them.
_TRIED = 20


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One entry; `text` is its kind and names, with no delimiter that shows where a name ends."""

    number: int
    text: str

    @property
    def is_rights(self) -> bool:
        """Whether the entry grants rights."""
        return self.text.startswith(_RIGHTS)

    def is_default_of(self, others_than: str) -> bool:
        """Whether it is what somebody else than that role gives of all that it makes later: nobody else may say so."""
        return self.text.startswith(_DEFAULTS) and not self.text.endswith(f" {others_than}")

    @property
    def is_superusers(self) -> bool:
        """Whether only a superuser may make it: an event trigger, or what is said of one."""
        return self.text.startswith(_SUPERUSERS)

    @property
    def has_rows(self) -> bool:
        """Whether the entry is the rows of a table."""
        return self.text.startswith(_ROWS)

    @property
    def has_blocks(self) -> bool:
        """Whether the entry has a block of data after the table of contents."""
        return self.text.startswith((_ROWS, _OBJECTS))


class Contents:
    """The table of contents of an archive whose head is in a file."""

    def __init__(self, head: Path, target: RestoreTarget, tools: CopyTools, deadline: float) -> None:
        """Take the head's file and what a restore selects from the archive; the deadline is a `time.monotonic()`."""
        self._head = head
        self._target = target
        self._tools = tools
        self._deadline = deadline

    def entries(self) -> list[ArchiveEntry] | None:
        """List all entries, in the archive's order; None if the head is too short to hold them all.

        :raises RestoreFailed: pg_restore could not be started, or did not end in time.
        """
        return self._list([])

    def wanted(self) -> list[ArchiveEntry]:
        """List what a restore brings back: what the tenant's own roles may.

        The application of an adopted database has said who may do what with all that it makes later. It has to say so
        itself, or an administrator: that is no part of what is restored. Nor is an event trigger.
        """
        entries = self._list(self._target.options) or []
        owner = self._target.archived_owner
        return [entry for entry in entries if not (entry.is_default_of(owner) or entry.is_superusers)]

    def cut(self, entries: Sequence[ArchiveEntry]) -> bool:
        """Truncate the file where the rows begin; returns whether that place was found.

        It is the first candidate at which `pg_restore --list` still succeeds: a shorter head can't be listed.

        :raises RestoreFailed: as above.
        """
        numbers = b"|".join(re.escape(struct.pack("<I", entry.number)) for entry in entries if entry.has_blocks)
        head = self._head.read_bytes()
        for place in islice(re.finditer(IS_ROWS_OR_OBJECTS + b"\\x00(?:" + numbers + b")", head, re.DOTALL), _TRIED):
            self._head.write_bytes(head[: place.start()])
            if self.entries() is not None:
                return True
        return False

    def _list(self, options: list[str]) -> list[ArchiveEntry] | None:
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
        return [ArchiveEntry(int(line[1]), line[2]) for line in lines if line]


def write_entries(entries: Sequence[ArchiveEntry], file: Path) -> Path:
    """Write the entries as the list file that `pg_restore --use-list` takes."""
    file.write_text("".join(f"{entry.number};\n" for entry in entries))
    return file

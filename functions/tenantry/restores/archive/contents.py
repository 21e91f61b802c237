"""Lists an archive's contents with `pg_restore --list` and finds where its rows begin; the archive's head is enough."""

import re
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tenantry.contents.cast_order import write_numbers
from tenantry.database.client_environment import CopyTools, client_environment
from tenantry.database.pg_restore import APPLICATION, RestoreTarget
from tenantry.domain.errors import RestoreFailed
from tenantry.restores.archive.row_distributor import IS_ROWS_OR_OBJECTS

_ENTRY = re.compile(r"(\d+); (\d+) (\d+) (.*)")
# Kinds are in capitals; a schema's name, or a hyphen, follows.
_KIND = re.compile(r"(?:[A-Z]+ )+")
_NO_SCHEMA = "-"
# The schema before a name, as SQL has it or as a manifest writes the tenant's own.
_SCHEMA = re.compile(r'(?:"(?:[^"]|"")*"|[^".]+)\.')
_ROWS, _OBJECTS, _RIGHTS = "TABLE DATA ", "BLOBS ", ("ACL ", "DEFAULT ACL ")
_DEFAULTS, _COMMENT, _MAPPING, _KEY = "DEFAULT ACL ", "COMMENT ", "USER MAPPING ", "CONSTRAINT "
# Bytes before the first block may look like one. A dump with more such places than this was crafted to have them.
_TRIED = 20


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One entry; `text` is its kind and names, with no delimiter that shows where a name ends."""

    number: int
    text: str
    # The oids of the catalogue and of the object in it, where it was dumped; 0: it has none of its own.
    source: tuple[int, int] = (0, 0)

    @property
    def is_rights(self) -> bool:
        """Whether the entry grants rights."""
        return self.text.startswith(_RIGHTS)

    def is_default_of(self, others_than: str) -> bool:
        """Whether it is what somebody else than that role gives of all that it makes later: nobody else may say so."""
        return self.text.startswith(_DEFAULTS) and not self.text.endswith(f" {others_than}")

    def is_gone_with(self, others: Mapping["ArchiveEntry", str]) -> bool:
        """Whether it is one of the others, or the comment on one, or whom a server of them knows.

        :param others: entries, with their names as SQL has them: comments and users have no oid of their own.
        """
        if self in others:
            return True
        if self.text.startswith(_COMMENT):
            return any(self.text.startswith(other.comments(name)) for other, name in others.items())
        return self.text.startswith(_MAPPING) and any(self.text.endswith(other.after_its_kind) for other in others)

    def comments(self, name: str) -> tuple[str, ...]:
        """Begin the entries with the comments on this one, of that quoted name, and on what it is made of."""
        kind, schema, _ = self._parts
        own = name if schema == _NO_SCHEMA else _SCHEMA.sub("", name, count=1)
        start = f"{_COMMENT}{schema} "
        if kind != _KEY:
            return (f"{start}{kind}{own} ",)
        key = _SCHEMA.sub("", own, count=1)
        table = own.removesuffix(key)
        return f"{start}{kind}{key} ON {table.removesuffix('.')} ", f"{start}INDEX {key} "

    @property
    def after_its_kind(self) -> str:
        """The kind with the name alone, as an entry has it that belongs to this one."""
        kind, _, name = self._parts
        return f" {kind}{name}"

    @property
    def _parts(self) -> tuple[str, str, str]:
        kind = _KIND.match(self.text)
        schema, _, name = self.text[kind.end() if kind else 0 :].partition(" ")
        return kind[0] if kind else "", schema, name

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
        itself, or an administrator: that is no part of what is restored. Neither is what only a superuser can make.
        """
        entries = self._list(self._target.options) or []
        left_out = self._target.left_out
        gone = {entry: left_out[entry.source] for entry in entries if entry.source in left_out}
        return [
            entry
            for entry in entries
            if not entry.is_gone_with(gone) and not entry.is_default_of(self._target.archived_owner)
        ]

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
        return [ArchiveEntry(int(line[1]), line[4], (int(line[2]), int(line[3]))) for line in lines if line]


def write_entries(entries: Sequence[ArchiveEntry], file: Path) -> Path:
    """Write the entries as the list file that `pg_restore --use-list` takes."""
    return write_numbers([entry.number for entry in entries], file)

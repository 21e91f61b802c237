"""Deals the rows of one archive out to several pg_restores, each of which gets an archive with a part of every table.

After its table of contents an archive (custom format, not compressed) is a sequence of blocks: a kind, the entry's
number, and portions of `COPY` text, each after its length, until a length of nought. A large object's block has an
oid before each object's portions. Numbers are a byte for the sign and four of which the lowest is first.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from tenantry.domain.errors import RestoreFailed

IS_ROWS_OR_OBJECTS = b"[\x01\x03]"
_ROWS, _OBJECTS = 1, 3
_NUMBER = struct.Struct("<xI")
_KIND_BYTES = 1
# The first version that names its compression in a byte of its own.
_VERSION = (1, 15)
_CUSTOM, _NONE = 1, 0
_HEADER_BYTES = 12


class ArchiveSink(Protocol):
    """Who takes an archive, in order; the least `waiting` is the first to be at rest."""

    @property
    def waiting(self) -> int:
        """How much it has not dealt with yet."""

    def take(self, portion: bytes | memoryview) -> None:
        """Take what comes next."""


class RowDistributor:
    """Takes an archive in portions and hands it on. The first sink gets all that is not rows of tables."""

    def __init__(self, head: bytes, sinks: Sequence[ArchiveSink]) -> None:
        """Take the table of contents, which all get, and to whom the rows go."""
        self._head = memoryview(head)
        self._sinks = sinks
        self._first = sinks[:1]
        self._chosen = sinks[0]
        # Who gets the block that is being read, and what comes when it ends.
        self._readers = sinks
        self._step: Callable[[bytes, int], int] = self._read_head
        self._after = self._read_kind
        self._rest = b""
        # Bytes of a portion that are still to come.
        self._missing = 0

    def take(self, portion: bytes) -> None:
        """Hand a portion on. :raises RestoreFailed: it is not what such an archive has."""
        data = self._rest + portion
        at, then = 0, -1
        while at != then:
            then, at = at, self._step(data, at)
        self._rest = data[at:]

    def _read_head(self, data: bytes, at: int) -> int:
        known = min(len(self._head), len(data) - at)
        if self._head[:known] != memoryview(data)[at : at + known]:
            raise _unreadable()
        self._send(self._sinks, self._head[:known])
        self._head = self._head[known:]
        if not self._head:
            self._step = self._read_kind
        return at + known

    def _read_kind(self, data: bytes, at: int) -> int:
        end = at + _KIND_BYTES + _NUMBER.size
        if end > len(data):
            return at
        if data[at] == _ROWS:
            self._readers, self._step, self._after = self._sinks, self._read_portions, self._read_kind
        elif data[at] == _OBJECTS:
            self._readers, self._step, self._after = self._first, self._read_object, self._read_object
        else:
            raise _unreadable()
        self._send(self._readers, data[at:end])
        return end

    def _read_object(self, data: bytes, at: int) -> int:
        end = at + _NUMBER.size
        if end > len(data):
            return at
        (oid,) = _NUMBER.unpack_from(data, at)
        self._send(self._first, data[at:end])
        self._step = self._read_portions if oid else self._read_kind
        return end

    def _read_portions(self, data: bytes, at: int) -> int:
        """Read as many as there are: pg_dump makes one of each row, and larger ones are less work for all."""
        found: list[bytes] = []
        ended = False
        size, add, read = self._missing, found.append, _NUMBER.unpack_from
        length, last = len(data), len(data) - _NUMBER.size
        while True:
            add(data[at : at + size])
            at += size
            if at > last:
                break
            (size,) = read(data, at)
            at += _NUMBER.size
            if not size:
                ended = True
                break
        self._missing = max(at - length, 0)
        self._deal(b"".join(found))
        if ended:
            self._send(self._readers, _NUMBER.pack(0))
            self._step = self._after
        return min(at, length)

    def _deal(self, text: bytes) -> None:
        """Give whole rows to one, and what has begun to whoever goes on with it."""
        if self._readers is self._first:
            self._send_portion(self._first[0], memoryview(text))
            return
        # A line feed in a value is escaped: one that is seen ends a row.
        edge = text.rfind(b"\n") + 1
        self._send_portion(self._chosen, memoryview(text)[:edge])
        if edge:
            self._chosen = min(self._sinks, key=lambda sink: sink.waiting)
        self._send_portion(self._chosen, memoryview(text)[edge:])

    def _send_portion(self, sink: ArchiveSink, text: memoryview) -> None:
        if text:
            sink.take(_NUMBER.pack(len(text)))
            sink.take(text)

    def _send(self, sinks: Sequence[ArchiveSink], portion: bytes | memoryview) -> None:
        for sink in sinks:
            sink.take(portion)


def can_be_distributed(head: bytes) -> bool:
    """Whether an archive that begins so is of the kind that is read here."""
    if head[:5] != b"PGDMP" or len(head) < _HEADER_BYTES:
        return False
    version, bytes_of_numbers, kind, compression = (head[5], head[6]), head[8], head[10], head[11]
    return version >= _VERSION and (bytes_of_numbers, kind, compression) == (_NUMBER.size - 1, _CUSTOM, _NONE)


def _unreadable() -> RestoreFailed:
    return RestoreFailed("The backup's archive is not laid out as pg_dump does it.", code="backup_damaged")

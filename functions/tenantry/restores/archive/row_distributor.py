"""Deals the rows of one archive out to several pg_restores; each gets an archive with a part of every table.

After its table of contents, an archive (custom format, not compressed) is a sequence of blocks. A block is a kind, the
entry's number, and portions of `COPY` text, each preceded by its length; a length of zero ends the block. A block of
large objects has an oid before each object's portions. A number is a sign byte and four bytes, little-endian.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from tenantry.domain.errors import RestoreFailed

IS_ROWS_OR_OBJECTS = b"[\x01\x03]"
_ROWS, _OBJECTS = 1, 3
_NUMBER = struct.Struct("<xI")
_KIND_BYTES = 1
# The first version of the format that has a byte for the compression.
_VERSION = (1, 15)
_CUSTOM, _NONE = 1, 0
_HEADER_BYTES = 12


class ArchiveSink(Protocol):
    """A consumer of an archive, in order; the sink with the least `waiting` gets the next rows."""

    @property
    def waiting(self) -> int:
        """How many portions the sink has not processed yet."""

    def take(self, portion: bytes | memoryview) -> None:
        """Take the archive's next portion."""


class RowDistributor:
    """Passes an archive on in portions. The first sink gets everything that is not rows of tables."""

    def __init__(self, head: bytes, sinks: Sequence[ArchiveSink]) -> None:
        """Take the table of contents, which every sink gets, and the sinks among which the rows are dealt."""
        self._head = memoryview(head)
        self._sinks = sinks
        self._first = sinks[:1]
        self._chosen = sinks[0]
        # The sinks of the block that is being read, and the step after its end.
        self._readers = sinks
        self._step: Callable[[bytes, int], int] = self._read_head
        self._after = self._read_kind
        self._rest = b""
        # Bytes of the present portion that have not arrived yet.
        self._missing = 0

    def take(self, portion: bytes) -> None:
        """Pass a portion on. :raises RestoreFailed: the archive is not laid out like that."""
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
        """Read all portions at hand and join them: pg_dump writes one per row, and fewer, larger ones are less work."""
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
        """Send whole rows to one sink; the sink that gets the beginning of a row also gets the rest of it."""
        if self._readers is self._first:
            self._send_portion(self._first[0], memoryview(text))
            return
        # COPY escapes a line feed in a value, so a raw one ends a row.
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
    """Whether an archive with this head can be dealt out: custom format, uncompressed, of a known version."""
    if head[:5] != b"PGDMP" or len(head) < _HEADER_BYTES:
        return False
    version, bytes_of_numbers, kind, compression = (head[5], head[6]), head[8], head[10], head[11]
    return version >= _VERSION and (bytes_of_numbers, kind, compression) == (_NUMBER.size - 1, _CUSTOM, _NONE)


def _unreadable() -> RestoreFailed:
    return RestoreFailed("The backup's archive is not laid out as pg_dump does it.", code="backup_damaged")

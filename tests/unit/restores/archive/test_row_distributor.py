"""Rows are dealt out whole and once each, and every sink gets a valid archive."""

import random
import struct
from collections.abc import Sequence

import pytest

from tenantry.domain.errors import RestoreFailed
from tenantry.restores.archive.row_distributor import RowDistributor, can_be_distributed

HEAD = b"PGDMP\x01\x10\x00\x04\x08\x01\x00 the table of contents"
TABLES = {7: [b"%d\tx\n" % n * (n % 5 + 1) for n in range(400)], 8: [], 9: [b"y" * 70_000 + b"\n", b"short\n"]}
OBJECTS = {16400: [b"no line feed", b"\n", b"\nany\nbytes"], 16401: []}


class Pile:
    """A sink that takes everything; the more it has, the busier it is."""

    def __init__(self) -> None:
        self.taken = b""

    @property
    def waiting(self) -> int:
        return len(self.taken)

    def take(self, portion: bytes | memoryview) -> None:
        self.taken += portion


def number(value: int) -> bytes:
    return b"\0" + struct.pack("<I", value)


def portions(texts: Sequence[bytes]) -> bytes:
    return b"".join(number(len(text)) + text for text in texts) + number(0)


def archive() -> bytes:
    blocks = [b"\1" + number(table) + portions(rows) for table, rows in TABLES.items()]
    objects = b"".join(number(oid) + portions(texts) for oid, texts in OBJECTS.items())
    return HEAD + b"".join([*blocks[:2], b"\3" + number(3) + objects + number(0), *blocks[2:]])


def read(data: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Read what pg_restore would find: the text of each table and of each large object."""
    assert data.startswith(HEAD)
    at = len(HEAD)

    def next_number() -> int:
        nonlocal at
        (value,) = struct.unpack_from("<xI", data, at)
        at += 5
        return int(value)

    def text() -> bytes:
        nonlocal at
        found = b""
        while size := next_number():
            found += data[at : at + size]
            at += size
        return found

    tables, objects = {}, {}
    while at < len(data):
        kind, at = data[at], at + 1
        entry = next_number()
        if kind == 1:
            tables[entry] = text()
        while kind == 3 and (oid := next_number()):
            objects[oid] = text()
    return tables, objects


@pytest.mark.parametrize("size", [1, 3, 64, 1000, 50_000, 1 << 20])
@pytest.mark.parametrize("sinks", [1, 2, 3])
def test_every_row_arrives_once_and_whole(size: int, sinks: int) -> None:
    piles = [Pile() for _ in range(sinks)]
    distributor, data = RowDistributor(HEAD, piles), archive()
    for at in range(0, len(data), size):
        distributor.take(data[at : at + size])
    found = [read(pile.taken) for pile in piles]
    for table, rows in TABLES.items():
        parts = [tables[table] for tables, _ in found]
        assert all(part == b"" or part.endswith(b"\n") for part in parts)
        lines = sorted(line for part in parts for line in part.split(b"\n") if line)
        assert lines == sorted(line for row in rows for line in row.split(b"\n") if line)
    assert found[0][1] == {oid: b"".join(texts) for oid, texts in OBJECTS.items()}
    assert all(objects == {} for _, objects in found[1:])


def test_both_get_rows() -> None:
    piles = [Pile(), Pile()]
    distributor, data = RowDistributor(HEAD, piles), archive()
    for at in range(0, len(data), 64):
        distributor.take(data[at : at + 64])
    parts = [len(read(pile.taken)[0][7]) for pile in piles]
    assert max(parts) < 2 * min(parts)


def test_portions_need_not_end_with_a_row() -> None:
    """A pg_dump that buffers rows may cut its portions anywhere."""
    text = b"".join(b"%d\tvalue\n" % n for n in range(2000))
    cuts = sorted(random.Random(1).sample(range(len(text)), 50))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if a < b]
    data = HEAD + b"\1" + number(7) + portions(pieces)
    piles = [Pile(), Pile()]
    distributor = RowDistributor(HEAD, piles)
    for at in range(0, len(data), 300):
        distributor.take(data[at : at + 300])
    lines = [line for pile in piles for line in read(pile.taken)[0][7].split(b"\n") if line]
    assert sorted(lines) == sorted(text.split(b"\n")[:-1])


@pytest.mark.parametrize("data", [HEAD[:-1] + b"!" + archive()[len(HEAD) :], HEAD + b"\2" + number(7)])
def test_what_is_laid_out_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(RestoreFailed):
        RowDistributor(HEAD, [Pile()]).take(data)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"PGDMP",
        b"PGDMQ" + HEAD[5:],
        HEAD[:6] + b"\x0e" + HEAD[7:],  # too old to name its compression
        HEAD[:8] + b"\x08" + HEAD[9:],
        HEAD[:10] + b"\x03" + HEAD[11:],  # a tar
        HEAD[:11] + b"\x01" + HEAD[12:],  # compressed
    ],
)
def test_other_archives_are_not_dealt_out(head: bytes) -> None:
    assert can_be_distributed(HEAD)
    assert not can_be_distributed(head)

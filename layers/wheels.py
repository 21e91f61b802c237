"""Fetches the wheels that a lock file pins, for the architecture of a layer.

Wheels are cached by their SHA-256, so a build whose wheels are all in the cache asks no package index.
"""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

MACHINES: Mapping[str, str] = {"x86_64": "x86_64", "arm64": "aarch64"}
"""What Lambda calls an architecture, and what wheels and ELF files call it."""

HOST = "host"
"""The machine that builds, for tools that run during the build."""

NEWEST_GLIBC = (2, 34)
"""Amazon Linux 2023's, on which Lambda's Python 3.13 runs."""

_OLDEST_GLIBC_MINOR = 17
_PYTHON = "3.13"


class LayerError(Exception):
    """A layer could not be built; the message says why, in one line."""


def fetch_wheels(lock: Path, target: str, cache: Path) -> list[Path]:
    """Return one wheel for each requirement in `lock`; downloads only if the cache lacks one.

    `target` is a key of `MACHINES`, or `HOST`. Raises LayerError if the index has no wheel with a pinned hash.
    """
    pins = read_pins(lock)
    store = cache / target
    if missing := [name for name, wheel in _match(pins, store).items() if wheel is None]:
        print(f"fetching {len(missing)} wheels for {target}", flush=True)
        _download(lock, target, store)
    matches = _match(pins, store)
    if missing := [name for name, wheel in matches.items() if wheel is None]:
        raise LayerError(f"no wheel with a pinned hash for {target}: {', '.join(missing)}")
    return [wheel for wheel in matches.values() if wheel is not None]


def read_pins(lock: Path) -> dict[str, frozenset[str]]:
    """Map each `name==version` of a hash-locked requirements file to the SHA-256 digests it allows."""
    return dict(_parse_pins(lock.read_text(encoding="utf-8")))


def _parse_pins(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    lines = (line for line in text.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#"))
    for requirement, *options in (line.split() for line in lines if line.strip()):
        digests = frozenset(o.removeprefix("--hash=sha256:") for o in options if o.startswith("--hash=sha256:"))
        if not digests:
            raise LayerError(f"{requirement} is not locked to a hash")
        yield requirement, digests


def _match(pins: Mapping[str, frozenset[str]], store: Path) -> dict[str, Path | None]:
    stored = {hashlib.sha256(wheel.read_bytes()).hexdigest(): wheel for wheel in sorted(store.glob("*.whl"))}
    return {
        name: next((stored[digest] for digest in sorted(digests) if digest in stored), None)
        for name, digests in pins.items()
    }


def _download(lock: Path, target: str, store: Path) -> None:
    """Fill the store with pip; other builds may fill it at the same time."""
    if importlib.util.find_spec("pip") is None:
        raise LayerError(
            f"{sys.executable} has no pip: create the environment with `make`, or set PYTHON to one that has"
        )
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store) as scratch:
        command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--require-hashes"]
        command += [
            "--only-binary=:all:",
            "--dest",
            scratch,
            "--requirement",
            str(lock),
            *_platform_options(target),
        ]
        if subprocess.run(command, check=False).returncode:
            raise LayerError(f"pip could not fetch what {lock.name} pins for {target}: see its message above")
        for wheel in Path(scratch).glob("*.whl"):
            wheel.replace(store / wheel.name)


def _platform_options(target: str) -> list[str]:
    if target == HOST:
        return []
    minors = range(NEWEST_GLIBC[1], _OLDEST_GLIBC_MINOR - 1, -1)
    tags = [*(f"manylinux_2_{minor}" for minor in minors), "manylinux2014"]
    platforms = [option for tag in tags for option in ("--platform", f"{tag}_{MACHINES[target]}")]
    return [*platforms, "--python-version", _PYTHON, "--implementation", "cp"]

"""A harbour, and the published versions of PostgREST's two clients, connected to it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgrest import SyncPostgrestClient

from tests.e2e.api import Api
from tests.e2e.clients import harbour as harbours
from tests.e2e.clients.harbour import Harbour

_VERSION = "2.109.0"  # of all packages of Supabase's clients: the last for Node.js 20
_HOME = Path("build/clients")


@pytest.fixture(scope="session")
def harbour(api: Api) -> Iterator[Harbour]:
    """One harbour for all calls: calls that only read use rows that no other call changes."""
    with harbours.open_harbour(api) as made:
        yield made


@pytest.fixture(scope="session")
def python_client(harbour: Harbour) -> Iterator[SyncPostgrestClient]:
    """The client from PyPI, signed in."""
    with SyncPostgrestClient(harbour.url, retry_enabled=False) as client:
        yield client.auth(harbour.token)


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js; in continuous integration its absence is a failure, not a reason to skip."""
    return _program("node")


@pytest.fixture(scope="session")
def javascript_client(node: str) -> Path:
    """The module of the client from npm, installed once."""
    return _installed("postgrest-js") / "dist" / "index.mjs"


@pytest.fixture(scope="session")
def supabase_client() -> Path:
    """The script for browsers that supabase-js publishes."""
    return _installed("supabase-js") / "dist" / "umd" / "supabase.js"


def _installed(name: str) -> Path:
    """Return the folder of a package, installed once with what it needs."""
    place = _HOME / f"{name}-{_VERSION}"
    package = place / "node_modules" / "@supabase" / name
    if not package.is_dir():
        _install(f"@supabase/{name}@{_VERSION}", place)
    return package.resolve()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        _give_up(f"{name} is not installed")
    return str(found)


def _give_up(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _install(package: str, place: Path) -> None:
    _HOME.mkdir(parents=True, exist_ok=True)
    # Made beside its place and moved there, so that a run which was ended leaves nothing that looks whole.
    with tempfile.TemporaryDirectory(prefix="npm-", dir=_HOME) as directory:
        options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
        command = [_program("npm"), "install", *options, "--prefix", directory, package]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            _give_up(f"npm could not install {package}: {done.stderr.strip()[-500:]}")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        (Path(directory) / "node_modules").rename(place / "node_modules")

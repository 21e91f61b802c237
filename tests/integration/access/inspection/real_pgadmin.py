"""The real pgAdmin 4 from PyPI, in an environment of its own, at an operator's desk."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INSIDE = HERE / "inside_pgadmin.py"
REQUIREMENTS = HERE / "requirements.txt"
SECONDS = 120


def environment() -> Path:
    """The interpreter of an environment with pgAdmin, made once for each set of pins; some 500 MB in build/."""
    directory = Path.cwd() / "build" / "pgadmin"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs of the tests do not make it at once
        return _make(directory)


def _make(parent: Path) -> Path:
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    directory = parent / pins
    python, ready = directory / "bin" / "python", directory / ".ready"
    if not ready.exists():
        uv = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, str(directory)], check=True)
        install = [*uv, "pip", "install", "--python", str(python), "--require-hashes", "-r", str(REQUIREMENTS)]
        subprocess.run(install, check=True, timeout=240)
        ready.touch()
    return python


@dataclass
class RealPgAdmin:
    """pgAdmin's desktop mode, with a home directory of its own."""

    python: Path
    home: Path

    def prepare(self) -> None:
        """Make pgAdmin's own database, as its first start does."""
        self._run("setup", "setup-db")

    def import_servers(self, servers: dict[str, Any]) -> str:
        """Do what an operator does: save the answer's `servers` in a file and have pgAdmin load it."""
        return self._run("setup", *self._load(servers))

    def import_and_dump_servers(self, servers: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Do the same; returns what pgAdmin told, and what it has stored."""
        file = self.home / "dumped.json"
        told = self._run("setup", *self._load(servers), "--", "dump-servers", str(file))
        dumped: dict[str, Any] = json.loads(file.read_text())["Servers"]
        return told, dumped

    def _load(self, servers: dict[str, Any]) -> list[str]:
        file = self.home / "servers.json"
        file.write_text(json.dumps(servers))
        return ["load-servers", str(file), "--replace"]

    def write_file(self, name: str, text: str) -> Path:
        """Write a file that only its owner may read, as libpq requires of a password file."""
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(text)
        return file

    def browse(self, *asked: tuple[str, list[str]]) -> list[dict[str, Any]]:
        """Connect to servers in the tree, and run statements in the query tool."""
        text = json.dumps([{"server": server, "sql": statements} for server, statements in asked])
        answers: list[dict[str, Any]] = json.loads(self._run("browse", text=text).splitlines()[-1])
        return answers

    def _run(self, *arguments: str, text: str = "") -> str:
        # Of our environment it sees nothing: no PGPASSWORD, no PYTHONPATH, and no home but this.
        variables = {"HOME": str(self.home), "PATH": os.defpath, "LANG": "C.UTF-8"}
        done = subprocess.run(
            [str(self.python), "-W", "ignore", str(INSIDE), *arguments],
            input=text,
            capture_output=True,
            text=True,
            env=variables,
            cwd=self.home,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

"""The README's sample calls with the two clients run unchanged, and print what the README says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.clients.readme import blocks_below

_MARKS = {"javascript": "import {", "python": "import os", "printed": "7 "}


def blocks() -> dict[str, str]:
    """The section's indented blocks: each client's sample, and the output of both."""
    found = blocks_below("With the client that you know")
    return {name: next(block for block in found if block.startswith(mark)) for name, mark in _MARKS.items()}


def run(api: Api, command: list[str]) -> str:
    environment = {"API": api.stack.api_url, "TOKEN": api.token("mycompany")}
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def sample(tmp_path: Path, javascript_client: Path) -> Path:
    """The JavaScript sample, in a folder where it finds the client's package."""
    (tmp_path / "node_modules").symlink_to(javascript_client.parents[3])
    path = tmp_path / "sample.mjs"
    path.write_text(blocks()["javascript"])
    return path


def test_the_javascript_sample(api: Api, node: str, sample: Path) -> None:
    assert run(api, [node, str(sample)]) == blocks()["printed"]


def test_the_python_sample(api: Api) -> None:
    assert run(api, [sys.executable, "-c", blocks()["python"]]) == blocks()["printed"]


def test_nothing_of_them_remains(api: Api) -> None:
    assert "Asha Rao" not in api.names("mycompany")

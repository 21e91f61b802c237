"""The commands of docs/operations.md, unchanged, to be pasted into one shell from top to bottom."""

import os
import re
import subprocess
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

from local.accounts import sign_in
from tests.e2e.api import Api

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
# What these name is the stack of the checkout; the test brings the addresses of its own.
_GIVEN = ("API=", "TOKEN=", "export PG", "export PYTHONPATH=")
# Commands of the AWS CLI, which not everybody has. What they ask for is tested elsewhere.
_ELSEWHERE = ("aws ", "$BACKUP_ID")
# Every refusal ends the shell.
PRELUDE = """set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
"""


def section(title: str) -> str:
    """The text below a heading, up to the next heading of the same or a higher level."""
    height = title.split(" ", maxsplit=1)[0]
    lines = iter(GUIDE.read_text().splitlines())
    assert any(line == title for line in lines), f"{GUIDE.name} has no {title!r}"
    below = takewhile(lambda line: not re.match(rf"#{{1,{len(height)}}} ", line), lines)
    return "\n".join(below)


def commands(text: str, elsewhere: Sequence[str] = _ELSEWHERE, given: tuple[str, ...] = _GIVEN) -> str:
    """The indented blocks of commands that can run here, without the lines that set what the test gives."""
    blocks = re.findall(r"(?:^ {4}.*\n?)+", text, flags=re.MULTILINE)
    runnable = "\n".join(dedent(block) for block in blocks if not any(word in block for word in elsewhere))
    return "\n".join(line for line in runnable.splitlines() if not line.startswith(given))


def run(script: str, directory: Path, **environment: str) -> str:
    """Run the commands in a shell and return their output."""
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ended.stdout


def signed_in(api: Api) -> dict[str, str]:
    """The variables that the guide reads from the stack of the checkout."""
    return {"API": api.stack.api_url, "TOKEN": sign_in(api.stack, api.stack.operator.username)}

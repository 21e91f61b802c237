"""The commands of docs/operations.md run as they stand there, pasted into one shell from top to bottom."""

import os
import re
import secrets
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

import pytest

from local.accounts import sign_in
from tests.e2e.api import Api
from tests.e2e.living import erase, operator
from tests.e2e.third_server import ThirdServer, third_server

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
# What these name is the stack of the checkout; the test brings the addresses of its own.
_GIVEN = ("API=", "TOKEN=")
# Commands of the AWS CLI, which not everybody has. What they ask for is tested elsewhere.
_ELSEWHERE = ("aws ", "$BACKUP_ID")
# Every refusal ends the shell. A tenant that is moved has to go where it is not.
_PRELUDE = """set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
other_server() {
  [[ "$(admin GET "/tenants/acme")" == *'"server_id": "us-east-1"'* ]] && echo ap-south-1 || echo us-east-1; }
"""

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")


def section(title: str) -> str:
    """The text below a heading, up to the next one of that height or above."""
    height = title.split(" ", maxsplit=1)[0]
    lines = iter(GUIDE.read_text().splitlines())
    assert any(line == title for line in lines), f"{GUIDE.name} has no {title!r}"
    below = takewhile(lambda line: not re.match(rf"#{{1,{len(height)}}} ", line), lines)
    return "\n".join(below)


def commands(text: str) -> str:
    """The indented blocks that can be run here."""
    blocks = re.findall(r"(?:^ {4}.*\n?)+", text, flags=re.MULTILINE)
    runnable = "".join(block for block in blocks if not any(word in block for word in _ELSEWHERE))
    return "\n".join(line for line in dedent(runnable).splitlines() if not line.startswith(_GIVEN))


@pytest.fixture
def names(api: Api) -> Iterator[dict[str, str]]:
    """Ids of this test's own for those of the guide; none of these tenants remains."""
    unique = uuid.uuid4().hex[:8]
    made = {name: f"{name}-{unique}" for name in ("acme", "umbrella", "small")}
    try:
        yield made
    finally:
        for name in (*made.values(), f"{made['acme']}-test"):
            erase(api, name)


@pytest.fixture
def server(api: Api) -> Iterator[ThirdServer]:
    with third_server(api) as running:
        yield running
        if api.call("GET", "/admin/v1/servers/ap-1", operator(api)).status_code == 200:
            running.registered.add("ap-1")
        running.forget()


def prepare(server: ThirdServer, text: str, name: str, password: str) -> None:
    """Make the administrator's role as the guide says; embedded servers have one of the guide's name."""
    statements = re.search(r"`(CREATE ROLE [^`]+)`", text)
    assert statements
    server.execute(statements[1].replace("…", password).replace("tenantry_admin", name))


def test_a_tenants_life_as_the_guide_tells_it(
    api: Api, names: dict[str, str], server: ThirdServer, tmp_path: Path
) -> None:
    life = section("## Lead a tenant's life")
    script = "\n".join(map(commands, (life, section("## Audit evidence"), section("## What tenants cost"))))
    password = secrets.token_urlsafe(12)
    prepare(server, life, "keeper", password)
    for guide, own in {
        '"username": "tenantry_admin", "password": "…"': f'"username": "keeper", "password": "{password}"',
        '"host": "10.1.2.3"': f'"host": "{server.postgres.host}", "port": {server.postgres.port}, "sslmode": "disable"',
        '{"server_id": "us-east-1"}': '{"server_id": "\'"$(other_server)"\'"}',
    }.items():
        assert guide in script
        script = script.replace(guide, own)
    script = f"{_PRELUDE}{script}"
    for guide, own in names.items():
        script = re.sub(rf"\b{guide}\b", own, script)

    here = {"API": f"{api.stack.api_url}/admin/v1", "TOKEN": sign_in(api.stack, api.stack.operator.username)}
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | here,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    performed = len(re.findall(r"^perform ", script, flags=re.MULTILINE))
    assert ended.stdout.count('"status": "succeeded"') == performed >= 9, ended.stdout

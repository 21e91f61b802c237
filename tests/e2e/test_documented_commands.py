"""A tenant's life as docs/operations.md describes it: its commands run unchanged."""

import re
import secrets
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.guide import PRELUDE, commands, run, section, signed_in
from tests.e2e.living import erase, operator
from tests.e2e.third_server import ThirdServer, third_server

# A tenant that is moved has to go where it is not.
_OTHER_SERVER = """other_server() {
  [[ "$(admin GET "/tenants/acme")" == *'"server_id": "us-east-1"'* ]] && echo ap-south-1 || echo us-east-1; }
"""

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")


@pytest.fixture
def names(api: Api) -> Iterator[dict[str, str]]:
    """Replace the guide's ids by ids of this test, whose tenants are removed in the end."""
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
    """Make the administrator's role as the guide says; embedded servers already have one with the guide's name."""
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
    script = f"{PRELUDE}{_OTHER_SERVER}{script}"
    for guide, own in names.items():
        script = re.sub(rf"\b{guide}\b", own, script)

    told = run(script, tmp_path, **signed_in(api))

    performed = len(re.findall(r"^perform ", script, flags=re.MULTILINE))
    assert told.count('"status": "succeeded"') == performed >= 9, told

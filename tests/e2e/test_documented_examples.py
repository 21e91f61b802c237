"""Each example of docs/data-api.md is pasted into a shell, as the document says, for a tenant of `make run`."""

import shutil
from pathlib import Path
from shlex import quote

import pytest

from tests.documented import EXAMPLES, SHELL, Example
from tests.e2e.api import Api
from tests.e2e.guide import run

TENANT = "mycompany"
ONLY_TRY = "Prefer: tx=rollback, resolution=merge-duplicates"

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")


@pytest.fixture(scope="module")
def definitions() -> str:
    """The shell's function, without the line that names the stack of the checkout and without calls."""
    given, defined = SHELL.strip().split("\n", maxsplit=1)
    assert given.startswith("export API=")
    return defined.split("\n\n")[0]


def pasted(example: Example) -> str:
    """Ask for an example, and print its status in place of its answer."""
    options = ["-o", "/dev/null", "-w", "%{http_code} ", "-H", ONLY_TRY]
    body = ["-d", example.body] if example.body else []
    return " ".join(["ask", example.method, *map(quote, [example.url, *body, *options])])


def test_every_example_succeeds(api: Api, definitions: str, tmp_path: Path) -> None:
    script = "\n".join([definitions, *map(pasted, EXAMPLES)])
    printed = run(script, tmp_path, API=api.stack.api_url, TOKEN=api.token(TENANT))
    statuses = dict(zip(map(str, EXAMPLES), printed.split(), strict=True))
    assert {example: status for example, status in statuses.items() if not status.startswith("2")} == {}


def test_a_call_prints_the_answer(api: Api, definitions: str, tmp_path: Path) -> None:
    script = f"{definitions}\nask GET '/candidates?select=id&limit=1&order=id'"
    printed = run(script, tmp_path, API=api.stack.api_url, TOKEN=api.token(TENANT))
    assert printed == '[{"id":1}]\n'


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_the_description_says_where_it_is_served(api: Api, version: str) -> None:
    accept = {"Accept": f"application/openapi+json;version={version}"}
    told = api.call("GET", "/rest/v1/", api.token(TENANT), headers=accept | {"X-Forwarded-Proto": "ftp"}).json()
    address = (
        told["servers"][0]["url"] if version == "3.0" else f"{told['schemes'][0]}://{told['host']}{told['basePath']}"
    )
    assert address == f"{api.stack.api_url}/rest/v1"

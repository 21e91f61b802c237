"""The console's web server."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.console_server import ConsoleServer
from local.ports import free_ports

_CONFIG = {"apiUrl": "http://127.0.0.1:1/x", "region": "ap-south-1"}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleServer]:
    folder = tmp_path / "frontend"
    folder.mkdir()
    (folder / "index.html").write_text("<p>hello")
    (tmp_path / "private").write_text("not the console's")
    server = ConsoleServer(folder, port=free_ports(1)[0], config=_CONFIG)
    server.start()
    yield server
    server.stop()


def _get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, b""


def test_it_serves_the_folder_and_the_configuration(console: ConsoleServer) -> None:
    assert _get(f"{console.url}/") == (200, b"<p>hello")
    status, body = _get(f"{console.url}/config.json?fresh=1")
    assert (status, json.loads(body)) == (200, _CONFIG)


@pytest.mark.parametrize("path", ["/nothing", "/../private", "/%2e%2e/private"])
def test_it_serves_nothing_else(console: ConsoleServer, path: str) -> None:
    assert _get(console.url + path)[0] == 404

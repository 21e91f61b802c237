"""Serves the console's static files, and a config.json with this stack's addresses."""

import json
import threading
from collections.abc import Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.ports import LOOPBACK

_CONFIG_PATH = "/config.json"


class ConsoleServer:
    """A web server in its own thread."""

    def __init__(self, folder: Path, *, port: int, config: Mapping[str, str]) -> None:
        """`config` is the content of config.json: apiUrl, cognitoUrl, userPoolId, clientId and region."""
        handler = partial(_Handler, directory=str(folder), config=json.dumps(config).encode())
        self._server = ThreadingHTTPServer((LOOPBACK, port), handler)
        self._server.daemon_threads = True
        self.url = f"http://{LOOPBACK}:{port}"

    def start(self) -> None:
        """Serve until `stop`."""
        threading.Thread(target=self._server.serve_forever, name="console", daemon=True).start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    """Serves the files of one folder and the generated config.json, all uncached."""

    def __init__(self, *args: object, directory: str, config: bytes) -> None:
        self._config = config
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]  # socketserver's own arguments

    def do_GET(self) -> None:
        """Answer with the configuration or with a file."""
        if self.path.partition("?")[0] != _CONFIG_PATH:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self._config)))
        self.end_headers()
        self.wfile.write(self._config)

    def list_directory(self, _path: object) -> None:
        """Refuse to list a directory."""
        self.send_error(404)

    def end_headers(self) -> None:
        """Forbid caching, so that browsers do not keep an earlier stack's configuration."""
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_words: object) -> None:
        """Log nothing: standard output is for the person at the terminal."""

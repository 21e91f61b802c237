"""A proxy in front of an HTTP server that tampers with chosen exchanges: answers by itself, damages, delays."""

import http.client
import threading
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_CHECKSUM = "x-amz-checksum-crc32"
# The length of what is passed on is written anew, except that of a HEAD, which has no content.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


@dataclass
class Exchange:
    """A request on its way, which a rule may change; if a rule sets `status`, the proxy answers it by itself."""

    method: str
    path: str
    body: bytes
    status: int = 0
    code: str = "InternalError"
    # Do the work, and answer with the status all the same: the answer is what is lost.
    after: bool = False

    @property
    def kind(self) -> str:
        """Which S3 call this is, for the calls that backups make."""
        query = urlsplit(self.path).query
        if "partNumber=" in query:
            return "UploadPart"
        if "uploadId=" in query:
            return {"POST": "Complete", "DELETE": "Abort"}.get(self.method, "")
        if self.method == "POST" and "uploads" in query:
            return "Create"
        return {"PUT": "Put", "HEAD": "Head"}.get(self.method, "")


@dataclass
class S3Front:
    """The proxy's address, its rule for exchanges, and the calls so far."""

    url: str = ""
    rule: Callable[[Exchange], None] = lambda _: None
    calls: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        exchange = Exchange(self.command, self.path, body)
        self.server.front.calls.append(exchange.kind)
        self.server.front.rule(exchange)
        if exchange.body != body:
            self._compare(exchange)
        if exchange.status and not exchange.after:
            self._refuse(exchange)
            return
        status, content, headers = self._pass_on(exchange)
        if exchange.status:
            self._refuse(exchange)
        else:
            self._answer(status, content, headers)

    def _compare(self, exchange: Exchange) -> None:
        """Check the checksum as S3 does and the local AWS does not: compute it again."""
        found = b64encode(zlib.crc32(exchange.body).to_bytes(4, "big")).decode()
        if self.headers.get(_CHECKSUM, found) != found:
            exchange.status, exchange.code = 400, "BadDigest"

    def _pass_on(self, exchange: Exchange) -> tuple[int, bytes, list[tuple[str, str]]]:
        connection = http.client.HTTPConnection(self.server.upstream, timeout=60)
        try:
            connection.request(self.command, self.path, exchange.body, dict(self.headers))
            answer = connection.getresponse()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
            return answer.status, answer.read(), headers
        finally:
            connection.close()

    def _refuse(self, exchange: Exchange) -> None:
        text = f"<?xml version='1.0'?><Error><Code>{exchange.code}</Code><Message>no</Message></Error>"
        self._answer(exchange.status, text.encode(), [("Content-Type", "application/xml")])

    def _answer(self, status: int, content: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if self.command == "HEAD" or name.lower() != "content-length":
                self.send_header(name, value)
        if self.command != "HEAD" or not headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    front: S3Front
    upstream: str


@contextmanager
def serve_s3_front(endpoint_url: str) -> Iterator[S3Front]:
    """Run a proxy in front of the S3 at this address until the block ends, on a free loopback port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.upstream = urlsplit(endpoint_url).netloc
    server.front = S3Front(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.front
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()

"""Clients under load count every answer that is not the expected one."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.load import Load
from local.stack_file import StackFile

GOOD = {"GET": (200, [{"id": n} for n in range(5)]), "POST": (201, None)}


@contextmanager
def serving(answers: Mapping[str, tuple[int, object]]) -> Iterator[StackFile]:
    """A stack whose API gives the same answer to each method."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, content = answers[self.command]
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815  # the names are http.server's

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  # so is this one
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield StackFile.model_construct(api_url=f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def load(stack: StackFile) -> Load:
    """Two clients that run until ten requests have been answered."""
    with Load(stack, "token", clients=2) as clients:
        clients.await_more(10)
    return clients


def test_requests_that_are_answered_as_they_should_be_have_not_failed() -> None:
    with serving(GOOD) as stack:
        done = load(stack)
    assert done.failed == 0
    assert done.answers.keys() == {"read", "written"}
    assert done.answers.total() >= 10


def test_errors_and_missing_rows_have_failed() -> None:
    with serving({"GET": (200, []), "POST": (503, {"code": "08006"})}) as stack:
        done = load(stack)
    assert done.failed == done.answers.total() >= 10
    assert done.answers.keys() == {"too few rows", '503 {"code": "08006"}'}


def test_no_answer_at_all_has_failed() -> None:
    done = load(StackFile.model_construct(api_url="http://127.0.0.1:1"))
    assert done.answers.keys() == {"ConnectError"}
    assert done.failed >= 10

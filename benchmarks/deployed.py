"""The whole local stack with the real template deployed, for the benchmarks that go through the API."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.results import BenchmarkFailed
from local.accounts import sign_in
from local.aws_server import local_client
from local.progress import keep_silent
from local.stack import LocalStack
from local.stack_file import StackFile

_PATIENCE_SECONDS = 60


class Deployed:
    """A stack that is started when the first benchmark needs it, and serves all later ones."""

    def __init__(self, directory: Path) -> None:
        """The stack makes `directory` and writes only there."""
        self._directory = directory
        self._running: tuple[LocalStack, StackFile] | None = None

    def stack(self) -> StackFile:
        """Return the running stack's file. :raises LocalStackError: it could not be started."""
        if self._running is None:
            self._directory.mkdir(mode=0o711)  # for root, PostgreSQL may run as another user who traverses it
            local = LocalStack(self._directory, ports="free", tell=keep_silent)
            self._running = local, local.up()
        return self._running[1]

    def stop(self) -> None:
        """End the stack, if it runs."""
        if self._running:
            self._running[0].down()
            self._running = None


@dataclass(frozen=True, slots=True)
class Caller:
    """One client of the stack, which keeps its connection as a browser does. It is not thread-safe."""

    stack: StackFile
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=_PATIENCE_SECONDS))

    def call(self, method: str, path: str, token: str, expected: int, **options: Any) -> Any:
        """Call the API and return its JSON. :raises BenchmarkFailed: it answers with another status."""
        answer = self.send(method, path, token, **options)
        if answer.status_code != expected:
            raise BenchmarkFailed(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def send(self, method: str, path: str, token: str, **options: Any) -> httpx.Response:
        """Call the API and return its answer, whatever its status. :raises httpx.HTTPError: there is no answer."""
        headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
        return self.http.request(method, f"{self.stack.api_url}{path}", headers=headers, **options)

    def aws(self, service: str) -> Any:
        """Make a boto3 client of the stack's AWS, as its root user."""
        return local_client(service, self.stack.aws_endpoint_url)

    def operator_token(self) -> str:
        """Sign the operator in."""
        return sign_in(self.stack, self.stack.operator.username)

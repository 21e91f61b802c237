"""Clients that read and write through the API without a pause, while an operation works on their tenant."""

import threading
import uuid
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import httpx

from benchmarks.deployed import Caller
from benchmarks.results import BenchmarkFailed
from local.stack_file import StackFile

_CANDIDATES = "/rest/v1/candidates"
_ROWS = 5
_PATIENCE_SECONDS = 60
_ANSWERED = frozenset({"read", "written"})


class Load:
    """A number of clients, each of which alternates reads and writes, one request at a time."""

    def __init__(self, stack: StackFile, token: str, clients: int) -> None:
        """`token` belongs to an editor of a tenant with at least five candidates."""
        self.answers: Counter[str] = Counter()
        self._stack = stack
        self._token = token
        self._clients = clients
        self._stopped = threading.Event()
        self._counted = threading.Condition()
        self._pool = ThreadPoolExecutor(clients)
        self._running: list[Future[None]] = []

    @property
    def failed(self) -> int:
        """The number of requests with an error or a wrong answer."""
        return sum(number for answer, number in self.answers.items() if answer not in _ANSWERED)

    def __enter__(self) -> Self:
        self._running = [self._pool.submit(self._run) for _ in range(self._clients)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown()
        for client in self._running:
            client.result()

    def await_more(self, requests: int) -> None:
        """Wait until `requests` more have been answered. :raises BenchmarkFailed: they were not within a minute."""
        with self._counted:
            wanted = self.answers.total() + requests
            if not self._counted.wait_for(lambda: self.answers.total() >= wanted, _PATIENCE_SECONDS):
                raise BenchmarkFailed(f"the clients are not answered any more: {dict(self.answers)}")

    def _run(self) -> None:
        caller = Caller(self._stack)
        with caller.http:
            while not self._stopped.is_set():
                self._count(self._read(caller))
                self._count(self._write(caller))

    def _read(self, caller: Caller) -> str:
        query = {"select": "id,name", "limit": str(_ROWS)}
        answer = self._send(caller, "GET", params=query)
        if isinstance(answer, str) or answer.status_code != httpx.codes.OK:
            return _described(answer)
        return "read" if len(answer.json()) == _ROWS else "too few rows"

    def _write(self, caller: Caller) -> str:
        row = {"name": "Under Load", "job_role": "Analyst", "email": f"{uuid.uuid4().hex}@example.com"}
        answer = self._send(caller, "POST", json=row)
        if isinstance(answer, str) or answer.status_code != httpx.codes.CREATED:
            return _described(answer)
        return "written"

    def _send(self, caller: Caller, method: str, **options: Any) -> httpx.Response | str:
        try:
            return caller.send(method, _CANDIDATES, self._token, **options)
        except httpx.HTTPError as exc:
            return type(exc).__name__

    def _count(self, answer: str) -> None:
        with self._counted:
            self.answers[answer] += 1
            self._counted.notify_all()


def _described(answer: httpx.Response | str) -> str:
    return answer if isinstance(answer, str) else f"{answer.status_code} {answer.text[:200]}"

"""The data API's function around a snapshot of Lambda's (SnapStart), under Lambda's own runtime client.

What stands in for Lambda hands out the moment of the restore, so a test can look at the function that is in a snapshot.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from local.ports import LOOPBACK
from local.processes import ChildProcess
from tests.e2e.api import Api

PROJECT = Path(__file__).parents[2]
TENANT = "mycompany"
_SECONDS = 30
_END: Any = object()
# A function that has served a tenant before its snapshot is taken, and the same random numbers in every copy.
SERVED = """
import json, os, random
from handlers.query_tenant import handler as serve
from snapshot_restore_py import register_before_snapshot

EVENT = json.loads(os.environ["BEFORE_SNAPSHOT"])

def handler(event, context):
    answer = serve(event, context)
    return {"answer": answer, "drawn": random.random()}

@register_before_snapshot
def use():
    assert serve(EVENT, None)["statusCode"] == 200
    random.seed(1)
"""


@dataclass
class Lambda:
    """Stands in for Lambda: it restores the snapshot when told so, hands out events and takes answers."""

    restored: threading.Event = field(default_factory=threading.Event)
    snapshot: threading.Event = field(default_factory=threading.Event)
    events: "Queue[Any]" = field(default_factory=Queue)
    answers: "Queue[Any]" = field(default_factory=Queue)

    def invoke(self, event: Any) -> Any:
        self.events.put(event)
        return self.answers.get(timeout=_SECONDS)


# The runtime client crashes where one is missing.
_OF_AN_INVOCATION = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": "1",
    "Lambda-Runtime-Deadline-Ms": "4102444800000",
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:ap-south-1:000000000000:function:query",
    "Lambda-Runtime-Trace-Id": "Root=1-0-0",
}


class _RuntimeApi(BaseHTTPRequestHandler):
    """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and the way of SnapStart."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        if self.path.endswith("/restore/next"):
            self.server.service.snapshot.set()
            self.server.service.restored.wait(_SECONDS)
            self._send(200, b"")
        else:
            event = self.server.service.events.get()
            if event is _END:
                self.close_connection = True
                return
            self._send(200, json.dumps(event).encode(), _OF_AN_INVOCATION)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.service.answers.put(body)
        self._send(202, b"")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: Lambda


@contextmanager
def started(api: Api, directory: Path, event: dict[str, Any], **variables: str) -> Iterator[Lambda]:
    """Start the function as the deployed one, up to its snapshot."""
    (directory / "served.py").write_text(SERVED)
    deployed = api.aws("lambda").get_function_configuration(FunctionName=api.resource("QueryTenant"))
    keys = api.as_role(deployed["Role"])
    with _Server((LOOPBACK, 0), _RuntimeApi) as server:
        server.service = Lambda()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        process = ChildProcess(
            "the function",
            [sys.executable, "-m", "awslambdaric", "served.handler"],
            log=directory / "lambda.log",
            environment={
                "PATH": os.environ["PATH"],
                **deployed["Environment"]["Variables"],
                **{name.upper(): value for name, value in keys.items()},
                "AWS_ENDPOINT_URL": api.stack.aws_endpoint_url,
                "AWS_REGION": "ap-south-1",
                "AWS_LAMBDA_RUNTIME_API": f"{LOOPBACK}:{server.server_port}",
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
                "LAMBDA_TASK_ROOT": str(directory),
                "PYTHONPATH": os.pathsep.join((str(PROJECT / "functions"), str(directory))),
                "SNAP_START": "ON",
                "BEFORE_SNAPSHOT": json.dumps(event),
                **variables,
            },
            directory=directory,
        )
        try:
            yield server.service
        finally:
            process.stop()
            server.service.events.put(_END)
            server.shutdown()


@pytest.fixture
def event() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((PROJECT / "events" / "query_tenant.json").read_text())
    return read


def sessions(api: Api) -> set[int]:
    """Return the process ids of the data API's sessions in the tenant's database."""
    with api.database(TENANT) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'tenantry-query'", (TENANT,)
        )
        return {pid for (pid,) in cursor.fetchall()}


def end(api: Api, session: int) -> None:
    """End a session, and wait until it is gone."""
    with api.database(TENANT) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", (session,))


def test_copies_of_one_snapshot_share_no_session_and_no_random_numbers(
    api: Api, tmp_path: Path, event: dict[str, Any]
) -> None:
    drawn, before = set(), sessions(api)
    for name in ("alive", "ended"):
        directory = tmp_path / name
        directory.mkdir()
        with started(api, directory, event) as service:
            assert service.snapshot.wait(_SECONDS), (directory / "lambda.log").read_text()
            (taken,) = sessions(api) - before
            if name == "ended":  # which is what the server does in the hours until a restore
                end(api, taken)

            service.restored.set()
            first, second = service.invoke(event), service.invoke(event)

            (made,) = sessions(api) - before - {taken}
            assert taken not in sessions(api)
            assert first["answer"]["statusCode"] == second["answer"]["statusCode"] == 200
            assert json.loads(first["answer"]["body"]) == json.loads(second["answer"]["body"])
        drawn.add(first["drawn"])
        end(api, made)
    assert len(drawn) == 2


def test_a_function_that_could_not_serve_gets_no_snapshot(api: Api, tmp_path: Path, event: dict[str, Any]) -> None:
    """The deployment fails, where otherwise every request would."""
    with started(api, tmp_path, event, MAX_CONNECTIONS="many") as service:
        refused = service.answers.get(timeout=_SECONDS)
        assert "MAX_CONNECTIONS" in refused["errorMessage"]
        assert not service.snapshot.is_set()

"""What is told of the registered servers, of AWS's services and of clocks."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from local.doctor.finding import Verdict
from tests.unit.local.doctor.conftest import Look, failed_probe, only, probed, registered


def test_a_service_without_a_way_to_it_is_found(look: Look) -> None:
    says = only(look("AWS's services", probed(services={"STS": False, "S3": True})), Verdict.ERROR)
    assert says == "The functions don't reach STS."
    assert only(look("AWS's services", probed()), Verdict.OK)


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        ("unreachable", "Nobody answers at that host and port"),
        ("no_tls", "The server has no TLS"),
        ("other_host", "it was issued for another host name"),
        ("untrusted", "nobody who is trusted has signed it"),
    ],
)
def test_a_server_that_the_functions_do_not_reach_is_found(look: Look, finding: str, told: str) -> None:
    says = only(look("servers' network", probed(servers={"db-1": finding, "db-2": "fine"})), Verdict.ERROR)
    assert says.startswith("db-1: ")
    assert told in says


def test_servers_that_the_functions_could_not_read_are_not_called_good(look: Look) -> None:
    assert only(look("servers' network", probed(servers=None)), Verdict.NOT_AVAILABLE)
    says = only(look("servers' network", failed_probe()), Verdict.NOT_AVAILABLE)
    assert says == "The function ProbeNetwork failed."


@pytest.mark.parametrize(
    "changed",
    [{"services": None}, {"servers": ["db-1"]}, {"servers": {"db-1": "of_another_version"}}, {"clock": "noon"}],
)
def test_a_probe_of_another_version_is_told_and_not_guessed_at(look: Look, changed: dict[str, Any]) -> None:
    assert "another version" in only(look("AWS's services", probed(**changed)), Verdict.NOT_AVAILABLE)


@pytest.mark.parametrize(("ahead", "told"), [(60, "behind the"), (-60, "ahead of the")])
def test_a_wrong_clock_is_found(look: Look, ahead: int, told: str) -> None:
    assert told in only(look("clock", probed(clock=time.time() + ahead)), Verdict.ERROR)


def test_a_clock_within_the_time_of_the_answer_is_right(look: Look) -> None:
    assert only(look("clock", probed()), Verdict.OK)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("ResourceNotFoundException", "db-1: its administrator's secret is missing."),
        ({"DeletedDate": datetime.now(UTC)}, "db-1: its administrator's secret is to be deleted."),
    ],
)
def test_a_missing_secret_is_found(look: Look, answer: Any, told: str) -> None:
    calls = [*registered(db_1="verify-full"), ("secretsmanager", "describe_secret", answer)]
    assert only(look("servers' secrets", calls), Verdict.ERROR) == told


@pytest.mark.parametrize("sslmode", ["disable", "require", "verify-ca"])
def test_a_server_that_nobody_verifies_is_told(look: Look, sslmode: str) -> None:
    says = only(look("servers' TLS", registered(db_1=sslmode, db_2="verify-full", lost="disable")), Verdict.HINT)
    assert says.startswith(f"db-1: sslmode is {sslmode}")
    assert only(look("servers' TLS", registered(db_1="verify-full")), Verdict.OK)


def test_a_stack_without_servers_says_so(look: Look) -> None:
    for check in ("servers' TLS", "servers' secrets", "servers' administrators"):
        assert only(look(check, registered()), Verdict.NOT_AVAILABLE) == "No server is registered."


@pytest.mark.parametrize(
    ("status", "body", "verdict", "told"),
    [
        (200, {}, Verdict.OK, "Each server lets"),
        (400, {"message": "The server is PostgreSQL 14.1.", "hint": "15."}, Verdict.ERROR, "db-1: The server is Post"),
        (502, "<html>", Verdict.ERROR, "db-1: the operators API answered 502."),
        (401, {"message": "Unauthorized"}, Verdict.NOT_AVAILABLE, "The operators' API does not take the token."),
        (403, {"message": "Forbidden"}, Verdict.NOT_AVAILABLE, "The operators' API does not take the token."),
    ],
)
def test_the_operators_api_is_asked_with_a_token(
    look: Look, status: int, body: Any, verdict: Verdict, told: str
) -> None:
    with _api(status, body) as (url, asked):
        known = {"api_url": url, "token": "a.b.c"}
        assert only(look("servers' administrators", registered(db_1="disable"), known), verdict).startswith(told)
    assert asked == [("/admin/v1/servers/db-1", "Bearer a.b.c")]


@pytest.mark.parametrize(
    ("concurrency", "tenants", "verdict", "told"),
    [
        ("500", 10, Verdict.HINT, "db-1: 10 tenants could take 4000 sessions by 500 executions at once; it has 200."),
        ("0", 1, Verdict.HINT, "db-1: 1 tenants could take 1000 sessions by 1000 executions at once; it has 200."),
        ("21", 20, Verdict.HINT, "db-1: 20 tenants could take 168 sessions by 21 executions at once; it has 200."),
        ("20", 20, Verdict.OK, "Each server has more sessions"),
    ],
)
def test_the_sum_of_sessions_is_told_before_it_is_reached(
    look: Look, concurrency: str, tenants: int, verdict: Verdict, told: str
) -> None:
    with _api(200, {"check": {"tenants": tenants, "max_connections": 200}}) as (url, _):
        known = {"api_url": url, "token": "a.b.c"}
        found = look("servers' sessions", registered(db_1="disable"), known, QueryConcurrency=concurrency)
        assert only(found, verdict).startswith(told)


@pytest.mark.parametrize(("pool_size", "verdict"), [("9", Verdict.HINT), ("8", Verdict.OK)])
def test_a_pool_bounds_the_sum_of_sessions(look: Look, pool_size: str, verdict: Verdict) -> None:
    calls = registered(db_1="disable")
    calls[0][2]["Items"][0] |= {"pooler_port": {"S": "6432"}, "pool_size": {"S": pool_size}}  # type: ignore[index,operator]
    with _api(200, {"check": {"tenants": 10, "max_connections": 200}}) as (url, _):
        found = look("servers' sessions", calls, {"api_url": url, "token": "a.b.c"}, QueryConcurrency="500")
        assert only(found, verdict)


def test_nobody_is_asked_without_a_token(look: Look) -> None:
    for token in ("", "a\nb", "tokén"):
        findings = look("servers' administrators", registered(db_1="disable"), {"token": token})
        assert only(findings, Verdict.NOT_AVAILABLE) in {"Nobody asked the operators' API.", "That is no token."}


def test_an_api_that_does_not_answer_is_found(look: Look) -> None:
    findings = look("servers' administrators", registered(db_1="disable"), {"token": "a.b.c"})
    assert only(findings, Verdict.ERROR) == "db-1: the operators' API did not answer."


@contextmanager
def _api(status: int, body: Any) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    asked: list[tuple[str, str | None]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()

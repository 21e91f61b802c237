"""The same read with an endpoint that fetches the secret and connects for each request, and with ours."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import httpx

from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import PROJECT, Stage, python_module
from benchmarks.timing import take_turns, time_calls
from local.ports import LOOPBACK, free_ports
from local.processes import ChildProcess
from tenantry.domain.credentials import secret_name
from tenantry.domain.tenant import Role, TenantId, database_role

TENANT_VARIABLE = "BENCH_TENANT"
SECRET_VARIABLE = "BENCH_SECRET"
ROLE_VARIABLE = "BENCH_ROLE"

_TENANT = TenantId("versus-naive")
_ROUNDS, _CALLS = 15, 20


def run(stage: Stage) -> list[Result]:
    """p50 over HTTP of a FastAPI endpoint that fetches the secret and connects for each request, over that of
    query_tenant behind an equally thin FastAPI route; same client, secrets, database and rows, 300 calls of each.
    """
    stage.make_tenant_with_people(_TENANT)
    with (
        _serve(stage, "field_endpoint") as naive_url,
        _serve(stage, "tenantry_endpoint") as our_url,
        httpx.Client(timeout=10) as client,
    ):
        _require_same_rows(client, naive_url, our_url)
        naive, ours = take_turns(_block(client, naive_url), _block(client, our_url), rounds=_ROUNDS)
    return [Result("versus_naive", "ms", median(naive) * 1e3, median(ours) * 1e3, at_least=8.0)]


def _block(client: httpx.Client, url: str) -> Callable[[], list[float]]:
    return lambda: time_calls(lambda: client.get(url).raise_for_status(), _CALLS)


def _require_same_rows(client: httpx.Client, naive_url: str, our_url: str) -> None:
    naive, ours = (client.get(url).raise_for_status().json() for url in (naive_url, our_url))
    if naive != ours or len(ours) != 20:
        raise BenchmarkFailed("the two endpoints do not answer alike")


@contextmanager
def _serve(stage: Stage, module: str) -> Iterator[str]:
    port = free_ports(1)[0]
    command = python_module("uvicorn", f"benchmarks.{module}:app", "--host", LOOPBACK, "--port", str(port))
    server = ChildProcess(
        module,
        [*command, "--log-level", "warning", "--no-access-log"],
        log=stage.directory / f"{module}.log",
        environment={
            **stage.environment,
            TENANT_VARIABLE: _TENANT.value,
            SECRET_VARIABLE: secret_name(stage.environment["STAGE"], _TENANT),
            ROLE_VARIABLE: database_role(_TENANT, Role.VIEWER),
        },
        directory=PROJECT,
    )
    try:
        server.wait_until(lambda: _answers(f"http://{LOOPBACK}:{port}/openapi.json"), within=30)
        yield f"http://{LOOPBACK}:{port}/candidates"
    finally:
        server.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False

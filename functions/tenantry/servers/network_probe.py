"""Tries what can be reached from the functions' network: AWS's services, and the registered servers with their TLS.

Nobody logs in, and no secret is read. What is told has names of services and ids of servers, and no address.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

from tenantry.aws.service_probe import is_reached, service_endpoints
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server, ServerStatus
from tenantry.servers.tls_probe import TlsFinding, probe_tls

_STEP_SECONDS: Final = 3.0
# A name that no resolver answers is waited for beyond the time limit of a step.
_ALL_SECONDS: Final = 20.0
_TRIED_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether each service is reached, by its name in our documents; what was found of each server, by its id."""

    services: Mapping[str, bool]
    servers: Mapping[str, TlsFinding]


def probe_network(
    region: str, servers: list[Server], *, step_seconds: float = _STEP_SECONDS, seconds: float = _ALL_SECONDS
) -> Reach:
    """Try everything side by side. Servers that are lost are left out: nobody expects an answer.

    :param step_seconds: the time limit of each step of a try: to connect, to ask for TLS, to shake hands.
    :param seconds: the time limit of all of them; what has not answered by then is not reached.
    """
    endpoints = service_endpoints(region)
    expected = [server for server in servers if server.status is not ServerStatus.LOST]
    pool = ThreadPoolExecutor(_TRIED_AT_ONCE)
    try:
        reached = {name: pool.submit(is_reached, at, step_seconds) for name, at in endpoints.items()}
        found = {each.server_id: pool.submit(_probe_server(each), step_seconds) for each in expected}
        tried: list[Future[Any]] = [*reached.values(), *found.values()]
        wait(tried, seconds)
        return Reach(
            {name: _result(future, otherwise=False) for name, future in reached.items()},
            {name: _result(future, otherwise=TlsFinding.UNREACHABLE) for name, future in found.items()},
        )
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _probe_server(server: Server) -> Callable[[float], TlsFinding]:
    address = Credentials(server.host, server.port, "", "", "", server.sslmode, server.sslrootcert)
    return lambda seconds: probe_tls(address, seconds)


def _result[T](future: Future[T], *, otherwise: T) -> T:
    # A host that is no name at all raises an error of its own.
    return future.result() if future.done() and not future.exception() else otherwise

"""Many clients of one tenant, each with a connection of its own, through a pooler and directly."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

from psycopg2 import sql

from benchmarks.results import Result
from benchmarks.stage import Stage, read_event
from benchmarks.timing import take_turns
from handlers import query_tenant
from handlers.settings.query import query_settings
from tenantry.aws.api_gateway import caller_of
from tenantry.aws.gateway_answers import answer
from tenantry.data_api.catalogues import Catalogues
from tenantry.data_api.connection_cache import ConnectionCache
from tenantry.data_api.data_request import DataRequests
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import TenantId
from tenantry.postgrest import Kind, RequestLimits
from tests.pooler import temporary_pooler

_TENANT = TenantId("pooled")
_CLIENTS, _POOL, _ROUNDS, _REQUESTS = 64, 8, 10, 20
_CONNECT = ConnectSettings(statement_timeout_ms=30_000, work_mem_kb=4096, through_pooler=True)


class _OneSecret:
    """The secret of the one tenant, as an environment has it in its cache."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def read(self, _tenant_id: TenantId, *, refresh: bool = False) -> Credentials:  # noqa: ARG002 - as the real one
        return self._credentials


class _Clients:
    """64 environments; each sends one request after the other, and all at the same time."""

    def __init__(self, credentials: Credentials) -> None:
        self.failed = 0
        self._event, self._settings = read_event(_TENANT), query_settings()
        self._environments = [_environment(credentials) for _ in range(_CLIENTS)]
        self._threads = ThreadPoolExecutor(_CLIENTS)
        self._together = threading.Barrier(_CLIENTS)

    def send(self) -> list[float]:
        """Send the requests of one round; returns the seconds of each."""
        return [each for client in self._threads.map(self._send, self._environments) for each in client]

    def close(self) -> None:
        """Close all connections."""
        self._threads.shutdown()
        for environment in self._environments:
            environment.close()

    def _send(self, environment: DataRequests) -> list[float]:
        seconds = []
        self._together.wait(60)
        for _ in range(_REQUESTS):
            started = perf_counter()
            self.failed += self._request(environment)["statusCode"] != 200
            seconds.append(perf_counter() - started)
        return seconds

    def _request(self, environment: DataRequests) -> dict[str, Any]:
        """Do as the handler does, whose process has one environment only."""
        event = self._event
        call = query_tenant._call(event, caller_of(event), Kind.TABLE, "candidates", self._settings)  # noqa: SLF001
        found = environment.run(call)
        return answer(found.status, found.body, self._settings.cors_origin, found.headers)


@contextmanager
def _clients(credentials: Credentials) -> Iterator[_Clients]:
    made = _Clients(credentials)
    with closing(made):
        made.send()
        yield made


def _environment(credentials: Credentials) -> DataRequests:
    return DataRequests(
        _OneSecret(credentials),  # type: ignore[arg-type]
        ConnectionCache(1, 900, 900),
        _CONNECT,
        RequestLimits(),
        Catalogues(1, 300),
    )


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 95 // 100] * 1e3


def run(stage: Stage) -> list[Result]:
    """p50 of 64 clients of one tenant over a pool of 8 against that of 64 direct connections, 12,800 reads of each."""
    credentials = stage.make_tenant_with_people(_TENANT)
    with closing(stage.connect("postgres")) as admin, admin.cursor() as cursor:
        login = sql.Identifier(credentials.username)
        cursor.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(login, sql.Literal(2 * _CLIENTS)))
    with temporary_pooler(stage.postgres, default_pool_size=str(_POOL)) as pooler:
        pooler.write_users()
        with (
            _clients(replace(credentials, pooler=pooler.pooler)) as pooled,
            _clients(credentials) as direct,
        ):
            through, past = take_turns(pooled.send, direct.send, rounds=_ROUNDS)
            failed = pooled.failed + direct.failed
    print(f"    {failed} requests failed; p95 {_p95(through):.1f} ms through the pooler, {_p95(past):.1f} directly")
    return [
        Result("pooler", "ms", median(through) * 1e3, median(past) * 1e3, at_most=1.5),
        Result("pooler_failed", "requests", pooled.failed, len(through), at_most=0.0),
    ]

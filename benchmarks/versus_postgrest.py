"""The same requests to the real PostgREST and to ours, with a network delay to the database."""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from benchmarks.counting_proxy import open_proxy
from benchmarks.library import EMBED, library_event, make_library
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage, call_handler
from benchmarks.timing import time_calls
from local.ports import LOOPBACK
from tenantry.domain.tenant import Role, TenantId, database_role
from tests.differential.postgrest_server import postgrest_program, running_postgrest

_TENANT = TenantId("versus-postgrest")
_DELAY = 0.02
_CALLS = 30
_READ = {"select": "id,title,pages", "order": "id", "limit": "20"}
_EMBED = {"select": EMBED, "order": "id", "limit": "20"}
_CALL = {"author": "3", "select": "id,title"}
_CHANGE = {"id": "eq.7"}
_BODY = {"pages": 321}


def run(stage: Stage) -> list[Result]:
    """p50 of reads, embedded tables, calls and updates in equal parts, one connection each, 20 ms of delay on the
    database's wire: our handler in this process over PostgREST 12.0.2 behind HTTP on loopback (some 0.5 ms of it).
    """
    with open_proxy(stage.postgres.port) as proxy:
        make_library(stage, _TENANT, proxy.port)
        settings = _settings(stage, proxy.port)
        with (
            running_postgrest(_program(), settings) as port,
            httpx.Client(base_url=f"http://{LOOPBACK}:{port}") as http,
        ):
            pairs = list(zip(_ours(), _theirs(http), strict=True))
            for pair in pairs:
                for call in pair:
                    call()
            proxy.delay = _DELAY
            ours = [time_calls(mine, _CALLS) for mine, _ in pairs]
            theirs = [time_calls(other, _CALLS) for _, other in pairs]
    return [Result("versus_postgrest", "ms", _median(ours), _median(theirs), at_most=0.3)]


def _median(seconds: list[list[float]]) -> float:
    return median([each for kind in seconds for each in kind]) * 1e3


def _program() -> str:
    try:
        return postgrest_program()
    except (pytest.skip.Exception, pytest.fail.Exception) as exc:
        raise BenchmarkFailed(str(exc)) from exc


def _settings(stage: Stage, port: int) -> dict[str, str]:
    postgres = stage.postgres
    user = f"{postgres.admin_user}:{postgres.admin_password}"
    return {
        "PGRST_DB_URI": f"postgres://{user}@{LOOPBACK}:{port}/{_TENANT.value}",
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_ANON_ROLE": database_role(_TENANT, Role.EDITOR),
    }


def _ours() -> list[Callable[[], None]]:
    books = {"table": "books"}
    event = partial(library_event, _TENANT)
    return [
        partial(call_handler, event(books, _READ), 200),
        partial(call_handler, event(books, _EMBED), 200),
        partial(call_handler, event({"function": "books_of"}, _CALL), 200),
        partial(call_handler, event(books, _CHANGE, method="PATCH", body=_BODY), 204),
    ]


def _theirs(http: httpx.Client) -> list[Callable[[], None]]:
    return [
        partial(_get, http, f"/books?{urlencode(_READ)}"),
        partial(_get, http, f"/books?{urlencode(_EMBED)}"),
        partial(_get, http, f"/rpc/books_of?{urlencode(_CALL)}"),
        partial(_patch, http, f"/books?{urlencode(_CHANGE)}", _BODY),
    ]


def _get(http: httpx.Client, url: str) -> None:
    http.get(url).raise_for_status()


def _patch(http: httpx.Client, url: str, body: dict[str, Any]) -> None:
    http.patch(url, json=body).raise_for_status()

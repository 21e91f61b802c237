"""The function that watches sessions, on two servers of which one is not there."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from handlers import watch_sessions
from handlers.settings.sessions import session_settings
from local.ports import free_ports
from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation
from tests.integration.conftest import REGION, STAGE, World
from tests.integration.relocation.conftest import Yard, second_postgres, servers_of_the_module, superuser

__all__ = ["second_postgres", "servers_of_the_module"]


def clear() -> None:
    for cached in (session_settings, watch_sessions._watch, watch_sessions._quotas):
        cached.cache_clear()


@pytest.fixture
def yard(servers_of_the_module: tuple[World, PostgresServer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setenv("LOCK_HOLDER_SECONDS", "0")
    clear()
    made = Yard(*servers_of_the_module)
    try:
        yield made
    finally:
        made.drop()
        clear()


def test_it_ends_who_stops_others_and_says_whom_it_could_not_look_at(
    world: World, yard: Yard, capsys: pytest.CaptureFixture[str]
) -> None:
    there = yard.postgres["there"]
    gone = replace(superuser(there), port=free_ports(1)[0])
    ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write("there", gone)
    yard.world.registry.put_server(Server("there", REGION, gone.host, gone.port, sslmode="disable"))
    tenant = yard.add(Isolation.POOLED)
    with closing(yard.connect(tenant)) as connection:
        connection.autocommit = False
        connection.cursor().execute("SELECT 1")
        answer = watch_sessions.handler({}, None)
    quotas = answer.pop("quotas")
    assert answer == {"servers": 2, "ended": {"idle_in_transaction": 1}, "unwatched": {"there": "08001"}}
    # The two that nobody has told the administrator of count as unmeasured.
    assert quotas == {"measured": 1, "over": 0, "near": 0}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    counted = {name: line[name] for line in lines if "_aws" in line for name in line if name[0].isupper()}
    assert counted.items() >= {"SessionsEnded": [1.0], "ServersUnwatched": [1.0], "TenantsUnmeasured": [2.0]}.items()
    (told,) = [line for line in lines if line.get("reason")]
    assert (told["server_id"], told["role"], told["database"]) == ("here", f"{tenant}_login_a", "tenantry_pool")


def test_it_finds_nothing_where_nobody_stops_anybody(yard: Yard) -> None:
    tenant = yard.add(Isolation.POOLED)
    with closing(yard.connect(tenant)) as connection:
        connection.cursor().execute("SELECT 1")
        assert watch_sessions.handler({}, None)["ended"] == {}
        connection.cursor().execute("SELECT 1")

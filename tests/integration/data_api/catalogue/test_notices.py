"""A database announces that its schema has changed, and a connection hears it without a round trip."""

import select
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from tenantry.database.connecting import ConnectSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.tenant import Role, TenantId, database_role, owner_role
from tenantry.revisions.running import upgrade_schema
from tests.integration.conftest import World

RELOAD = "NOTIFY pgrst, 'reload schema'"
ROUND_TRIP = ("SELECT 1", ())


@pytest.fixture
def tenant(world: World) -> TenantId:
    return world.tenants[0]


@pytest.fixture
def connection(world: World, tenant: TenantId) -> Iterator[TenantConnection]:
    made = opened(world, tenant)
    yield made
    made.close()


def opened(world: World, tenant: TenantId, **changes: Any) -> TenantConnection:
    return TenantConnection(tenant, replace(world.credentials[tenant], **changes), ConnectSettings())


def pid_of(connection: TenantConnection) -> int:
    return int(connection._connection.info.backend_pid)


def hears(connection: TenantConnection, within: float = 5) -> bool:
    """Wait until some input has arrived by itself, and look at it."""
    assert select.select([connection._connection], [], [], within)[0]
    assert connection.is_alive
    return connection.take_notice()


def test_a_change_is_told_once(world: World, tenant: TenantId, connection: TenantConnection) -> None:
    assert (connection.is_alive, connection.take_notice()) == (True, False)
    world.execute(RELOAD, tenant.value)
    assert hears(connection)
    assert (connection.is_alive, connection.take_notice()) == (True, False)


@pytest.mark.parametrize(
    ("statement", "counts"),
    [
        ("NOTIFY pgrst", True),
        (RELOAD, True),
        ("NOTIFY pgrst, 'reload config'", False),
        ("NOTIFY pgrst, 'reload schemata'", False),
        ("BEGIN; NOTIFY pgrst, 'reload config'; NOTIFY pgrst, 'reload schema'; COMMIT", True),
    ],
)
def test_what_is_said_matters(
    world: World, tenant: TenantId, connection: TenantConnection, statement: str, counts: bool
) -> None:
    world.execute(statement, tenant.value)
    assert hears(connection) is counts
    assert connection.is_alive


def test_anybody_of_the_tenants_may_say_it(world: World, tenant: TenantId, connection: TenantConnection) -> None:
    with closing(opened(world, tenant)) as other:
        role = database_role(tenant, Role.VIEWER)
        text = "SELECT pg_notify('pgrst', 'reload schema')::text"
        other.run(role, "{}", text, (), reads_only=True)
    assert hears(connection)


def test_the_migration_of_an_application_announces_itself(
    world: World, tenant: TenantId, connection: TenantConnection
) -> None:
    world.execute(f"CREATE TABLE announced (id int); DROP TABLE announced; {RELOAD}", tenant.value, owner_role(tenant))
    assert hears(connection)


def test_revisions_announce_themselves_when_they_have_been_run(
    world: World, tenant: TenantId, connection: TenantConnection
) -> None:
    owner = owner_role(tenant)
    world.execute(f'CREATE SCHEMA behind AUTHORIZATION "{owner}"', tenant.value)
    try:
        with closing(world.admin(tenant.value)) as administrator:
            upgrade_schema(administrator, owner, "behind")
        assert hears(connection)
    finally:
        world.execute("DROP SCHEMA behind CASCADE", tenant.value)


def test_nothing_is_announced_that_did_not_happen(world: World, tenant: TenantId, connection: TenantConnection) -> None:
    world.execute(f"BEGIN; {RELOAD}; ROLLBACK", tenant.value)
    assert connection.read_json(*ROUND_TRIP) == 1
    assert not connection.take_notice()


def test_another_databases_notices_are_not_heard(world: World, connection: TenantConnection) -> None:
    world.execute(RELOAD, world.tenants[1].value)
    assert connection.read_json(*ROUND_TRIP) == 1
    assert not connection.take_notice()


def test_a_notice_that_comes_with_an_answer_is_heard(
    world: World, tenant: TenantId, connection: TenantConnection
) -> None:
    """PostgreSQL delivers notices committed before a statement ended together with that statement's result."""
    world.execute(RELOAD, tenant.value)
    assert connection.read_json(*ROUND_TRIP) == 1
    assert connection.take_notice()


def test_its_own_notice_is_heard(tenant: TenantId, connection: TenantConnection) -> None:
    role = database_role(tenant, Role.EDITOR)
    connection.run(role, "{}", "SELECT pg_notify('pgrst', '')::text", (), reads_only=False)
    assert connection.take_notice()


def test_many_notices_take_no_room(world: World, tenant: TenantId, connection: TenantConnection) -> None:
    world.execute("SELECT pg_notify('pgrst', repeat('x', 7000) || i) FROM generate_series(1, 500) i", tenant.value)
    assert connection.read_json(*ROUND_TRIP) == 1
    assert connection.is_alive
    assert connection._connection.notifies == []
    assert not connection.take_notice()


def test_a_session_that_was_ended_is_not_alive(world: World, connection: TenantConnection) -> None:
    assert connection.is_alive
    world.execute(f"SELECT pg_terminate_backend({pid_of(connection)}, 5000)")
    assert not connection.is_alive


def test_it_is_not_alive_though_a_notice_came_before_the_end(
    world: World, tenant: TenantId, connection: TenantConnection
) -> None:
    world.execute(RELOAD, tenant.value)
    assert select.select([connection._connection], [], [], 5)[0]
    world.execute(f"SELECT pg_terminate_backend({pid_of(connection)}, 5000)")
    assert not connection.is_alive


def test_a_closed_connection_is_not_alive(connection: TenantConnection) -> None:
    connection.close()
    assert not connection.is_alive
    assert not connection.take_notice()


def test_it_listens_in_a_session_that_may_only_read(world: World, tenant: TenantId) -> None:
    """A session is read-only while its tenant is moved: the fence applies to the tenant's logins."""
    login = world.credentials[tenant].username
    world.execute(f'ALTER ROLE "{login}" SET default_transaction_read_only = on')
    try:
        with closing(opened(world, tenant)) as reader:
            assert reader.read_json("SHOW transaction_read_only", ()) == "on"
            world.execute(RELOAD, tenant.value)
            assert hears(reader)
    finally:
        world.execute(f'ALTER ROLE "{login}" RESET default_transaction_read_only')


def test_opening_costs_no_round_trip_more(world: World, connection: TenantConnection) -> None:
    """The session has listened since its first message, which is still the last that the server has received."""
    ((last,),) = world.execute(f"SELECT query FROM pg_stat_activity WHERE pid = {pid_of(connection)}")
    assert last.split()[:3] == ["LISTEN", "pgrst;", "SELECT"]

"""The budget of sessions on a server, compared with its real sessions."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.credentials import Credentials
from tenantry.domain.pooler import Pooler
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tenantry.reports.connections import ConnectionBudget, ConnectionReport, ServerBudget, Verdict
from tests.integration.conftest import REGION, STAGE, TABLE, World

# What the server of the tests is set to, and what every login of the world may have.
MAX_CONNECTIONS, RESERVED, LIMIT = 200, 3, 10
# What the two logins for a tenant's backups may open, beside its own.
FOR_BACKUPS = 2 * 6
BY_LIMITS = 4 * LIMIT + 2 * FOR_BACKUPS


@pytest.fixture
def administrators(world: World) -> Iterator[ServerSecrets]:
    """The server, registered."""
    server, store = world.server, ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    world.registry.put_server(Server("local", REGION, server.host, server.port, sslmode="disable"))
    login = Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")
    store.write("local", login)
    yield store
    world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": "local"}})


def report(
    world: World, administrators: ServerSecrets, concurrency: int = 5, per_environment: int = 50
) -> ConnectionReport:
    return ConnectionBudget(world.registry, world.secrets, administrators, concurrency, per_environment).run()


def only(found: ConnectionReport) -> ServerBudget:
    (server,) = found.servers
    return server


def test_few_environments_fit(world: World, administrators: ServerSecrets) -> None:
    budget = only(report(world, administrators))
    assert (budget.verdict, budget.tenants) == (Verdict.FITS, 2)
    assert (budget.max_connections, budget.reserved) == (MAX_CONNECTIONS, RESERVED)
    # Two tenants with two logins each, and the two for its backups.
    assert budget.possible_by_limits == BY_LIMITS
    assert (budget.possible_by_concurrency, budget.possible) == (10, 10)
    assert budget.possible <= budget.available <= MAX_CONNECTIONS - RESERVED


def test_limits_hold_where_concurrency_would_not(world: World, administrators: ServerSecrets) -> None:
    budget = only(report(world, administrators, concurrency=1000))
    assert (budget.possible_by_concurrency, budget.possible) == (2000, BY_LIMITS)
    assert budget.verdict is Verdict.FITS


def test_a_pool_bounds_what_the_functions_can_open(world: World, administrators: ServerSecrets) -> None:
    server = world.registry.server("local")
    assert server
    world.registry.put_server(replace(server, pooler=Pooler(6432), pool_size=8))
    budget = only(report(world, administrators, concurrency=1000))
    # Two tenants, with two logins each.
    assert (budget.possible_by_pooler, budget.possible, budget.verdict) == (32, 32, Verdict.FITS)


def test_who_could_take_nearly_all_is_warned(world: World, administrators: ServerSecrets) -> None:
    fits = only(report(world, administrators))
    login = world.credentials[world.tenants[0]].username
    world.execute(f'ALTER ROLE "{login}" CONNECTION LIMIT {fits.available - 60}')
    try:
        budget = only(report(world, administrators, concurrency=fits.available - 20, per_environment=1))
    finally:
        world.execute(f'ALTER ROLE "{login}" CONNECTION LIMIT {LIMIT}')
    assert (budget.possible, budget.verdict) == (fits.available - 20, Verdict.TIGHT)


def test_logins_without_a_limit_can_use_all_sessions_up(world: World, administrators: ServerSecrets) -> None:
    login = world.credentials[world.tenants[0]].username
    world.execute(f'ALTER ROLE "{login}" CONNECTION LIMIT -1')
    try:
        budget = only(report(world, administrators, concurrency=1000))
        one_kept = only(report(world, administrators, concurrency=150, per_environment=1))
    finally:
        world.execute(f'ALTER ROLE "{login}" CONNECTION LIMIT {LIMIT}')
    assert budget.possible_by_limits is None
    assert (budget.possible, budget.verdict) == (1000 + 2 * LIMIT + FOR_BACKUPS, Verdict.CAN_BE_EXHAUSTED)
    # The functions could not, and whoever has the password of that login can.
    assert (one_kept.possible, one_kept.possible_by_one) == (150, None)
    assert one_kept.verdict is Verdict.CAN_BE_EXHAUSTED


def test_sessions_are_counted_for_their_tenant_and_others_take_places_away(
    world: World, administrators: ServerSecrets
) -> None:
    tenant = world.tenants[0]
    sessions = [connect(world.credentials[tenant], ConnectSettings()) for _ in range(3)]
    others = [world.admin() for _ in range(2)]
    try:
        budget = only(report(world, administrators))
    finally:
        for session in (*sessions, *others):
            session.close()
    assert budget.used_by_tenant == {tenant.value: 3}
    held_by_others = budget.used - 3
    assert held_by_others >= 2
    assert budget.available == MAX_CONNECTIONS - RESERVED - held_by_others


def test_what_can_not_be_asked_is_told_by_its_code(world: World, administrators: ServerSecrets) -> None:
    world.registry.put_tenant(Tenant(TenantId("half-made"), TenantStatus.PROVISIONING, Isolation.DATABASE, "nowhere"))
    try:
        found = report(world, administrators)
    finally:
        world.registry.delete_tenant(TenantId("half-made"))
    assert found.unchecked == {"half-made": "credentials_missing"}
    assert [(server.server, server.verdict, server.code) for server in found.servers] == [
        ("local", Verdict.FITS, ""),
        ("nowhere", Verdict.UNKNOWN, "server_unknown"),
    ]
    text = json.dumps(found.to_json())
    assert world.server.admin_password not in text
    assert all(credentials.password not in text for credentials in world.credentials.values())

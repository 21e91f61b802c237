"""Drills on a server that is labelled for them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from handlers import drill_backup
from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server, ServerStatus
from tenantry.domain.tenant import Home, Isolation, TenantId
from tests.integration.conftest import REGION, STAGE
from tests.integration.fleet.conftest import Fleet
from tests.integration.restores.drills.test_drills import _servers, back_up, drill, left_over, verification  # noqa: F401
from tests.postgres import temporary_postgres


@pytest.fixture(scope="module")
def lab(fleet: Fleet, _servers: None) -> Iterator[PostgresServer]:  # noqa: F811
    """A second server in the region, labelled and drained."""
    with temporary_postgres("for drills") as server:
        place = Server("lab", REGION, server.host, server.port, sslmode="disable", status=ServerStatus.DRAINING)
        fleet.world.registry.put_server(replace(place, labels=frozenset({"drills"})))
        ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write(
            "lab",
            Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable"),
        )
        yield server


def traces(server: PostgresServer, tenant: TenantId) -> list[str]:
    connection = server.connect("postgres")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %(name)s) "
            "UNION ALL SELECT rolname FROM pg_roles WHERE starts_with(rolname, %(name)s)",
            {"name": tenant.value},
        )
        found = [name for (name,) in cursor.fetchall()]
    connection.close()
    return found


def test_it_is_restored_there_and_nothing_stays(fleet: Fleet, lab: PostgresServer) -> None:
    tenant = fleet.world.tenants[0]
    backup_id = back_up(tenant)
    assert drill(tenant, backup_id)["passed"] is True
    assert verification(fleet, tenant, backup_id).server_id == "lab"
    assert traces(lab, tenant) == []
    assert left_over(fleet.world, tenant) == []
    # The tenant's own roles, on its own server, are untouched.
    assert fleet.world.call(tenant).status == 200


def test_what_a_dead_drill_left_there_is_dropped(fleet: Fleet, lab: PostgresServer) -> None:
    tenant = fleet.world.tenants[0]
    connection = lab.connect("postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{tenant}_owner"')
        cursor.execute(f"COMMENT ON ROLE \"{tenant}_owner\" IS 'tenantry tenant={tenant} stage={STAGE}'")
        cursor.execute(f'CREATE DATABASE "{tenant}_drill_0123456789" OWNER "{tenant}_owner"')
    connection.close()
    backup_id = back_up(tenant)
    assert drill(tenant, backup_id)["passed"] is True
    assert traces(lab, tenant) == []


def test_a_server_where_somebody_has_such_names_is_none(fleet: Fleet, lab: PostgresServer) -> None:
    """A role and a database there are named like a dead drill's, and are not ours: they stay."""
    tenant = fleet.world.tenants[0]
    kept = [f"{tenant}_drill_0123456789", f"{tenant}_owner"]
    with closing(lab.connect("postgres")) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f'CREATE ROLE "{tenant}_owner"')
        cursor.execute(f'CREATE DATABASE "{tenant}_drill_0123456789" OWNER "{tenant}_owner"')
        backup_id = back_up(tenant)
        assert drill(tenant, backup_id)["passed"] is True
        assert traces(lab, tenant) == kept
        assert verification(fleet, tenant, backup_id).server_id == "local"
        cursor.execute(f'DROP DATABASE "{kept[0]}"')
        cursor.execute(f'DROP ROLE "{kept[1]}"')


def test_a_home_that_the_tenant_can_go_back_to_is_left_alone(fleet: Fleet, lab: PostgresServer) -> None:
    tenant = fleet.world.tenants[0]
    registered = fleet.world.registry.tenant(tenant)
    assert registered
    former = Home("lab", Isolation.DATABASE, tenant.value, "public")
    fleet.world.registry.put_tenant(replace(registered, former_home=former))
    try:
        backup_id = back_up(tenant)
        assert drill(tenant, backup_id)["passed"] is True
    finally:
        fleet.world.registry.put_tenant(registered)
    assert verification(fleet, tenant, backup_id).server_id == "local"


def test_a_server_of_another_region_is_none(fleet: Fleet, lab: PostgresServer) -> None:
    tenant = fleet.world.tenants[0]
    place = fleet.world.registry.server("lab")
    assert place
    fleet.world.registry.put_server(replace(place, region="eu-west-1"))
    try:
        backup_id = back_up(tenant)
        drill_backup.handler({"tenant_id": tenant.value, "backup_id": backup_id}, None)
    finally:
        fleet.world.registry.put_server(place)
    assert verification(fleet, tenant, backup_id).server_id == "local"

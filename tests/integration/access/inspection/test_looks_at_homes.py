"""Inspections of tenants in shared databases, by administrators who are no superusers, and of tenants that go."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.errors import Conflict
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.reports.isolation.audit import IsolationAudit
from tenantry.reports.isolation.probe import DatedSecrets
from tenantry.servers.tenant_removal import TenantRemoval
from tests.integration.access.inspection.conftest import Desk
from tests.integration.conftest import REGION, STAGE, World
from tests.integration.homes.conftest import new_id, provision, remove

ADD = "INSERT INTO {schema}candidates (name, job_role, email) VALUES ('{name}', 'Engineer', '{name}@example.com')"


@pytest.fixture
def made(world: World) -> Iterator[list[TenantId]]:
    """Tenants of a test's own, which are removed in the end."""
    tenants: list[TenantId] = []
    yield tenants
    for tenant in tenants:
        remove(world, tenant)


def test_a_look_into_a_schema_finds_its_tables_and_not_the_neighbours(desk: Desk, made: list[TenantId]) -> None:
    made += [new_id(), new_id()]
    mine, theirs = made
    for tenant in made:
        home = provision(desk.world, tenant, Isolation.SCHEMA)
        desk.world.execute(ADD.format(schema=f'"{tenant}".', name=tenant), home.dbname, owner_role(tenant))
    look = desk.open(mine)
    assert desk.ask(look, "SELECT name FROM candidates") == [(str(mine),)]
    assert desk.refused(look, f'SELECT name FROM "{theirs}".candidates') == "42501"
    assert desk.close(look).status is OperationStatus.SUCCEEDED
    assert desk.logins() == []


def test_a_tenant_in_shared_tables_is_refused_with_the_reason(desk: Desk, made: list[TenantId]) -> None:
    """An inspection that sees no row would suggest that the tenant has none."""
    made.append(new_id())
    provision(desk.world, made[0], Isolation.POOLED)
    with pytest.raises(Conflict) as refusal:
        desk.open(desk.world.tenants[0], made[0])
    assert refusal.value.code == "pooled"
    assert str(made[0]) in refusal.value.message
    assert desk.logins() == []


def test_an_open_look_is_no_hole(desk: Desk) -> None:
    desk.open(*desk.world.tenants)
    secrets = aws_client("secretsmanager", REGION)
    audit = IsolationAudit(
        desk.world.registry, DatedSecrets(secrets, STAGE), ServerSecrets(secrets, STAGE), timedelta(days=1)
    )
    report = audit.run()
    mine = {str(tenant) for tenant in desk.world.tenants}
    assert [finding for finding in report.findings if finding.tenant in mine or "_inspect_" in finding.where] == []


def test_an_erasure_takes_the_looks_with_it(desk: Desk, made: list[TenantId]) -> None:
    made += [new_id(), new_id()]
    gone, stays = made
    for tenant in made:
        provision(desk.world, tenant, Isolation.SCHEMA)
    look = desk.open(gone, stays)
    removal = TenantRemoval(desk.world.admin)
    found = removal.find_roles(gone)
    inspector = look.servers["Servers"]["1"]["Username"]
    assert inspector in found
    removal.drop_roles([inspector])
    removal.drop_roles([inspector])
    assert desk.logins() == [look.servers["Servers"]["2"]["Username"]]
    # What closes the look finds one of its logins gone.
    assert desk.close(look).status is OperationStatus.SUCCEEDED
    assert desk.logins() == []


@pytest.fixture
def ordinary(desk: Desk) -> Iterator[str]:
    """Make an administrator who may make roles and databases, and makes the first tenant's; returns the name."""
    world, name, password = desk.world, "ordinary", "an-ordinary-password"
    administrators = ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    kept = administrators.find("local")
    assert kept is not None
    tenant = world.tenants[0]
    world.execute(f"CREATE ROLE {name} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'")
    world.execute(f'GRANT CONNECT ON DATABASE postgres, "{tenant}" TO {name}')
    world.execute(f'GRANT "{tenant}_owner", "{tenant}_viewer" TO {name} WITH ADMIN OPTION')
    administrators.write("local", replace(kept, username=name, password=password))
    try:
        yield name
    finally:
        administrators.write("local", kept)
        world.execute(f'DROP OWNED BY {name}; REVOKE CONNECT ON DATABASE "{tenant}" FROM {name}; DROP ROLE {name}')


def test_an_administrator_who_is_no_superuser_opens_and_closes_a_look(desk: Desk, ordinary: str) -> None:
    mine = desk.world.tenants[0]
    look = desk.open(mine)
    (login,) = desk.logins()
    assert desk.ask(look, "SELECT count(*) FROM candidates") == [(10,)]
    with closing(desk.connect(look)) as connection, connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off; COMMIT; SET ROLE NONE; SELECT lo_create(0)")
        desk.world.execute(f'GRANT SELECT ON candidates TO "{login}"', str(mine), role=f"{mine}_owner")
        assert desk.close(look).status is OperationStatus.SUCCEEDED
    assert desk.logins() == []

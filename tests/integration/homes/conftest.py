"""Tenants of all three isolation models on one server, served by the real handler."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from handlers import query_tenant
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.homes.factory import home_of
from tenantry.homes.home_admin import HomeAdmin
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.integration.conftest import REGION, World

MODELS = list(Isolation)
SHARED = [Isolation.SCHEMA, Isolation.POOLED]


def new_id(prefix: str = "h") -> TenantId:
    return TenantId(f"{prefix}{uuid.uuid4().hex[:10]}")


def provision(
    world: World, tenant_id: TenantId, isolation: Isolation | None = None, connect: Any = None, limit: int = 10
) -> Credentials:
    return provision_tenant(
        TenantRequest(tenant_id, connection_limit=limit, isolation=isolation),
        server=Server("local", REGION, world.server.host, world.server.port, sslmode="disable"),
        admin=ServerAdmin(connect or world.admin),
        secret_store=world.secrets,
        registry=world.registry,
    )


def home(world: World, tenant_id: TenantId) -> HomeAdmin:
    """Administer the tenant's present home."""
    tenant = world.registry.tenant(tenant_id)
    assert tenant
    return ServerAdmin(world.admin).home(tenant_id, home_of(tenant, world.secrets.find(tenant_id)))


def remove(world: World, tenant_id: TenantId) -> None:
    """Remove everything of a tenant from the server."""
    if world.registry.tenant(tenant_id):
        home(world, tenant_id).drop()
    roles = ", ".join(
        f'"{tenant_id}_{suffix}"' for suffix in ("dump", "count", "login_a", "login_b", "viewer", "editor", "owner")
    )
    world.execute(f"DROP ROLE IF EXISTS {roles}")
    world.registry.delete_tenant(tenant_id)
    world.secrets.delete(tenant_id)


def candidate(name: str, **more: str) -> dict[str, str]:
    return {"name": name, "job_role": "Engineer", "email": f"{name}@example.com", **more}


def rows(world: World, credentials: Credentials, statement: str, role: str) -> list[Any]:
    """Run a statement as a tenant's login that has taken a role."""
    login = {"user": credentials.username, "password": credentials.password}
    with closing(world.server.connect(credentials.dbname, **login)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f'SET ROLE "{role}"')
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def tenant_id(world: World) -> Iterator[TenantId]:
    """An id whose tenant is removed in the end."""
    made = new_id()
    yield made
    query_tenant._data_requests()._connections.close()
    remove(world, made)


@pytest.fixture(scope="module")
def fleet(world: World) -> Iterator[dict[Isolation, list[TenantId]]]:
    """Two tenants of each model, each with one candidate of its own name."""
    made = {model: [new_id(model.value[0]), new_id(model.value[0])] for model in MODELS}
    tenants = [(model, tenant) for model, pair in made.items() for tenant in pair]
    try:
        for model, tenant in tenants:
            world.credentials[tenant] = provision(world, tenant, model)
            reply = world.call(tenant, "POST", body=candidate(tenant.value))
            assert reply.status == 201, reply.text
        yield made
    finally:
        query_tenant._data_requests()._connections.close()
        for _, tenant in tenants:
            world.credentials.pop(tenant, None)
            remove(world, tenant)

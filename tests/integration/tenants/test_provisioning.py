"""A tenant is made completely, and a call that was cut off is finished by the next."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId, TenantStatus
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.integration.conftest import REGION, World


@dataclass
class Cut:
    """Wraps an adapter and fails at one call."""

    adapter: Any
    at: str

    def __getattr__(self, name: str) -> Any:
        if name == self.at:
            raise DependencyFailed(code="cut")
        return getattr(self.adapter, name)


@pytest.fixture
def tenant_id(world: World) -> Iterator[TenantId]:
    tenant = TenantId(f"p{uuid.uuid4().hex[:10]}")
    yield tenant
    world.execute(f'DROP DATABASE IF EXISTS "{tenant}" WITH (FORCE)')
    for suffix in ("dump", "count", "login_a", "login_b", "viewer", "editor", "owner"):
        world.execute(f'DROP ROLE IF EXISTS "{tenant}_{suffix}"')


def provision(world: World, tenant_id: TenantId, cut_at: str = "") -> Credentials:
    return provision_tenant(
        TenantRequest(tenant_id, connection_limit=3),
        server=Server("local", REGION, world.server.host, world.server.port, sslmode="disable"),
        admin=Cut(ServerAdmin(world.admin), cut_at),  # type: ignore[arg-type]
        secret_store=Cut(world.secrets, cut_at),  # type: ignore[arg-type]
        registry=world.registry,
    )


def status(world: World, tenant_id: TenantId) -> TenantStatus | None:
    tenant = world.registry.tenant(tenant_id)
    return tenant.status if tenant else None


@pytest.mark.parametrize("cut_at", ["find", "make_roles", "home", "write"])
def test_a_call_that_was_cut_is_finished_by_the_next(world: World, tenant_id: TenantId, cut_at: str) -> None:
    with pytest.raises(DependencyFailed):
        provision(world, tenant_id, cut_at)
    assert status(world, tenant_id) is TenantStatus.PROVISIONING
    assert world.call(tenant_id).status in {404, 403, 503}
    credentials = provision(world, tenant_id)
    assert status(world, tenant_id) is TenantStatus.ACTIVE
    connect(credentials, ConnectSettings()).close()


def test_repeating_keeps_the_password(world: World, tenant_id: TenantId) -> None:
    first = provision(world, tenant_id)
    assert provision(world, tenant_id) == first


def test_roles_have_no_attributes_and_a_limit(world: World, tenant_id: TenantId) -> None:
    provision(world, tenant_id)
    rows = world.execute(
        f"""SELECT rolname, rolcanlogin, rolconnlimit FROM pg_roles
            WHERE rolname LIKE '{tenant_id}\\_%' AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication
                  OR rolbypassrls OR rolinherit)"""
    )
    logins = {name: limit for name, can_login, limit in rows if can_login}
    assert logins[f"{tenant_id}_login_a"] == 3
    assert {f"{tenant_id}_{role}" for role in ("owner", "editor", "viewer")} <= {name for name, *_ in rows}


def test_nobody_else_may_connect(world: World, tenant_id: TenantId) -> None:
    provision(world, tenant_id)
    (granted,) = world.execute(
        f"""SELECT count(*) FROM pg_database, aclexplode(datacl)
            WHERE datname IN ('{tenant_id}', 'postgres', 'template1') AND grantee = 0 AND privilege_type = 'CONNECT'"""
    )
    assert granted == (0,)


def test_the_password_is_stored_as_a_verifier_and_not_logged(world: World, tenant_id: TenantId) -> None:
    credentials = provision(world, tenant_id)
    (row,) = world.execute(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{credentials.username}'")
    assert row[0].startswith("SCRAM-SHA-256$")
    assert credentials.password not in world.server.log.read_text()

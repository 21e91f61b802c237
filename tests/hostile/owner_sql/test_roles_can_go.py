"""A tenant, or its neighbour, ties the tenant's roles to something elsewhere: they can be dropped all the same."""

import pytest

from tenantry.domain.tenant import Isolation, TenantId
from tests.hostile.owner_sql.test_rights_go_along import run
from tests.integration.restores.conftest import Vault

# What keeps a role, said by its own tenant's owner in the database that it shares or has.
TIES = {
    "defaults": 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{t}_viewer", PUBLIC',
    "large objects": "SELECT lo_create(0)",
    "given away": 'GRANT USAGE ON SCHEMA {s} TO "{o}_owner";'
    'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{o}_owner"',
}
# The same, said by another tenant's owner, where that lives.
NEIGHBOURS = {
    "grant": 'GRANT SELECT ON candidates TO "{t}_viewer" WITH GRANT OPTION',
    "column": 'GRANT SELECT (name) ON candidates TO "{t}_login_a"',
    "defaults": 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{t}_editor"',
    "policy": 'CREATE POLICY theirs ON candidates TO "{t}_owner" USING (true)',
    "database": 'GRANT CONNECT ON DATABASE "{o}" TO "{t}_login_b"',
    "read only": 'GRANT SELECT ON candidates TO "{t}_viewer";'
    'ALTER DATABASE "{o}" SET default_transaction_read_only = on',
    "closed": 'GRANT SELECT ON candidates TO "{t}_viewer"',
}
MODELS = [Isolation.DATABASE, Isolation.SCHEMA]


def assert_can_go(vault: Vault, tenant: TenantId) -> None:
    """Erase what PostgreSQL has of it, as an erasure does."""
    vault.servers.home(tenant, vault.home(tenant)).drop()
    removal = vault.servers.removal("here")
    removal.drop_roles(removal.find_roles(tenant))
    assert vault.execute("here", f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{tenant}_')") == []


def run_of(vault: Vault, whose: TenantId, statement: str, **names: TenantId) -> None:
    for word, name in names.items():
        statement = statement.replace(f"{{{word}}}", name.value)
    run(vault, whose, "owner", statement)


@pytest.mark.parametrize("isolation", MODELS)
@pytest.mark.parametrize("tie", TIES)
def test_a_tenant_ties_its_own_roles(vault: Vault, isolation: Isolation, tie: str) -> None:
    """Default privileges, large objects and gifts lie in no schema: they go with the tenant."""
    tenant, other = vault.add(isolation), vault.add(isolation)
    run_of(vault, tenant, TIES[tie], t=tenant, o=other)
    assert_can_go(vault, tenant)
    run(vault, other, "viewer", "SELECT FROM candidates")


@pytest.mark.parametrize("tie", NEIGHBOURS)
@pytest.mark.parametrize("isolation", MODELS)
def test_a_neighbour_ties_a_tenants_roles(vault: Vault, isolation: Isolation, tie: str) -> None:
    """A neighbour gives the tenant's roles something of its own: they can go, and the neighbour has lost nothing."""
    if isolation is Isolation.SCHEMA and tie in {"database", "read only", "closed"}:
        pytest.skip("the shared database is not a tenant's to change")
    tenant, other = vault.add(isolation), vault.add(isolation)
    run_of(vault, other, NEIGHBOURS[tie], t=tenant, o=other)
    if tie == "closed":
        # Its owner can, from another database of its own.
        vault.execute("here", f'ALTER DATABASE "{other}" ALLOW_CONNECTIONS false')
    assert_can_go(vault, tenant)
    if tie == "closed":
        assert vault.execute("here", f"SELECT datallowconn FROM pg_database WHERE datname = '{other}'") == [(False,)]
    else:
        assert vault.run_as(other, "SELECT count(*) FROM candidates") == [(200,)]


def test_what_a_dead_worker_has_left_does_not_keep_a_role(vault: Vault) -> None:
    """A drill's database is there still, and one that somebody has given to the tenant: the first one goes."""
    tenant = vault.add()
    scratch, given = f"{tenant}_drill_0123456789", f"given-{tenant}"
    for name in (scratch, given):
        vault.execute("here", f'CREATE DATABASE "{name}" OWNER "{tenant}_owner"')
    try:
        assert_can_go(vault, tenant)
        left = vault.execute("here", f"SELECT datname FROM pg_database WHERE datname IN ('{scratch}', '{given}')")
        assert left == [(given,)]
    finally:
        vault.execute("here", f'DROP DATABASE IF EXISTS "{given}"')

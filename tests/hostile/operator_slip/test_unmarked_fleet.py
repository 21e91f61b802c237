"""A fleet that was made before there were marks goes on, and gets its marks by and by."""

from collections.abc import Iterator

import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation, TenantId, TenantStatus
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.servers.role_renaming import TenantRenaming
from tenantry.servers.tenant_removal import TenantRemoval
from tests.hostile.adopted_database.test_drills_and_restores import Adopted
from tests.integration.conftest import World
from tests.integration.homes.conftest import MODELS, new_id, provision
from tests.integration.restores.conftest import Vault
from tests.postgres import temporary_postgres

ROLES = ("login_a", "login_b", "viewer", "editor", "owner")
UNMARK = """
DO $unmark$
DECLARE named record;
BEGIN
    FOR named IN SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE 'tenantry %' LOOP
        IF named.rolname ~ '_(dump|count)$' THEN
            -- There were none of these before there were marks.
            EXECUTE format('DROP OWNED BY %I; DROP ROLE %I', named.rolname, named.rolname);
        ELSE
            EXECUTE format('COMMENT ON ROLE %I IS NULL', named.rolname);
        END IF;
    END LOOP;
    FOR named IN SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE 'tenantry %' LOOP
        EXECUTE format('COMMENT ON DATABASE %I IS NULL', named.datname);
    END LOOP;
END
$unmark$
"""
MARKS = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE 'tenantry %'"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own: its marks are taken."""
    with temporary_postgres("without marks") as server:
        yield server


def marked(world: World, tenant_id: TenantId) -> set[str]:
    return {name for (name,) in world.execute(MARKS) if name.startswith(f"{tenant_id}_")}


@pytest.mark.parametrize("model", MODELS)
def test_repeating_the_call_that_made_a_tenant_marks_it(vault: Vault, model: Isolation) -> None:
    """An operator repeats the call for a tenant of before: its roles are marked, and neighbours come as ever."""
    tenant_id = vault.add(model)
    vault.world.execute(UNMARK)
    assert marked(vault.world, tenant_id) == set()
    provision(vault.world, tenant_id, model)
    made = ROLES if model is Isolation.POOLED else (*ROLES, "dump", "count")
    assert marked(vault.world, tenant_id) == {f"{tenant_id}_{suffix}" for suffix in made}
    vault.add(model)


@pytest.mark.parametrize("model", MODELS)
def test_what_else_is_done_to_a_tenant_of_before_is_done(vault: Vault, model: Isolation) -> None:
    """A tenant of before is backed up, restored, drilled, moved, brought back, cloned and renamed."""
    tenant_id, new = vault.add(model), new_id("n")
    vault.made.append(new)
    backup = vault.back_up(tenant_id)
    for server in vault.postgres:
        vault.execute(server, UNMARK)
    vault.scratches().drill(vault.order(backup))
    vault.perform_well(vault.start(backup))
    vault.execute("here", UNMARK)
    vault.perform_well(vault.relocations.undo(tenant_id, "op-1"))
    vault.perform_well(vault.relocations.confirm(tenant_id, "op-1"))
    vault.execute("here", UNMARK)
    vault.perform_well(vault.relocations.move(tenant_id, "there", "op-1"))
    vault.execute("here", UNMARK)
    vault.perform_well(vault.relocations.undo(tenant_id, "op-1"))
    for server in vault.postgres:
        vault.execute(server, UNMARK)
    vault.perform_well(vault.clones.start(CloneOrder(tenant_id, new, "here"), "op-1"))


def test_a_rename_marks_what_it_renames(vault: Vault) -> None:
    """A tenant of before is renamed: its roles are marked with the new id, and the old marks are gone."""
    for unmarked in (True, False):
        tenant_id, new = vault.add(), new_id("n")
        vault.made.append(new)
        if unmarked:
            vault.world.execute(UNMARK)
        renaming = TenantRenaming(vault.servers.connector("here"))
        for _ in range(2):
            renaming.rename_roles(tenant_id, new, f"{new}_login_a", "a password")
        rows = vault.world.execute(
            f"""SELECT DISTINCT shobj_description(oid, 'pg_authid') FROM pg_roles
                WHERE starts_with(rolname, '{new}_')"""
        )
        assert rows == [(f"tenantry tenant={new} stage=test",)]


@pytest.mark.parametrize("model", MODELS)
def test_an_erasure_finds_what_was_never_marked(vault: Vault, model: Isolation) -> None:
    """A tenant of before is erased: all five roles go."""
    tenant_id = vault.add(model)
    vault.world.execute(UNMARK)
    removal = TenantRemoval(vault.servers.connector("here"))
    assert set(removal.find_roles(tenant_id)) == {f"{tenant_id}_{suffix}" for suffix in ROLES}


@pytest.mark.parametrize("shared_with", ["", "of-the-same-application"])
@pytest.mark.parametrize("owner", ["", "tenantry_admin"])
def test_an_erasure_finds_what_an_adoption_of_before_made(vault: Vault, shared_with: str, owner: str) -> None:
    """An adopted database may belong to its application, or to an administrator: its tenant's roles go all the same."""
    adopted = Adopted(vault, f"adopted-{new_id()}")
    try:
        adopted.adopt(shared_with=shared_with)
        if owner:
            vault.world.execute(f'ALTER DATABASE "{adopted.database}" OWNER TO {owner}')
        vault.world.execute(UNMARK)
        removal = TenantRemoval(vault.servers.connector("here"))
        assert set(removal.find_roles(adopted.tenant_id)) == {f"{adopted.tenant_id}_{suffix}" for suffix in ROLES}
    finally:
        if owner:
            vault.world.execute(f'ALTER DATABASE "{adopted.database}" OWNER TO "{adopted.user}"')
        adopted.drop()


def test_the_registry_alone_proves_a_tenant_that_is_complete(vault: Vault) -> None:
    """An unmarked role lost what we make of it; the registry knows the tenant there, complete: it is the tenant's."""
    tenant_id = vault.add()
    vault.world.execute(UNMARK)
    vault.world.execute(f'ALTER DATABASE "{tenant_id}" RESET tenantry.tenant_id')
    provision(vault.world, tenant_id)
    assert len(marked(vault.world, tenant_id)) == len((*ROLES, "dump", "count"))
    vault.world.execute(UNMARK)
    vault.world.execute(f'ALTER DATABASE "{tenant_id}" RESET tenantry.tenant_id')
    tenant = vault.tenant(tenant_id)
    vault.world.registry.delete_tenant(tenant_id)
    with pytest.raises(Conflict) as refusal:
        provision(vault.world, tenant_id)
    assert refusal.value.code == "name_taken"
    assert tenant.status is TenantStatus.ACTIVE

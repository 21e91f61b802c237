"""An operator chooses an id whose names on the server are somebody else's: nothing of theirs is touched."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.servers.role_renaming import TenantRenaming
from tenantry.servers.server_admin import ServerAdmin
from tenantry.servers.tenant_removal import TenantRemoval
from tests.integration.conftest import World
from tests.integration.homes.conftest import MODELS, new_id, provision, remove
from tests.integration.restores.conftest import Vault

SUFFIXES = ("owner", "editor", "viewer", "login_a", "login_b", "copy", "dump", "count")
ATTRIBUTES = {
    "owner": "LOGIN PASSWORD 'theirs' SUPERUSER",
    "editor": "LOGIN CREATEDB",
    "viewer": "NOLOGIN",
    "login_a": "LOGIN PASSWORD 'theirs'",
    "login_b": "LOGIN INHERIT",
    "copy": "LOGIN PASSWORD 'theirs' VALID UNTIL 'infinity'",
    "dump": "LOGIN PASSWORD 'theirs' BYPASSRLS",
    "count": "NOLOGIN CREATEROLE",
}


def everything(world: World, prefix: str) -> dict[str, list[Any]]:
    """What a server knows of roles and databases whose names begin so, with passwords, members and rights."""
    return {
        "roles": world.execute(f"SELECT * FROM pg_authid WHERE starts_with(rolname, '{prefix}') ORDER BY rolname"),
        "members": world.execute(
            f"""SELECT a.* FROM pg_auth_members a JOIN pg_roles r ON r.oid IN (a.roleid, a.member)
                WHERE starts_with(r.rolname, '{prefix}') ORDER BY a.oid"""
        ),
        "databases": world.execute(
            f"""SELECT datname, datdba, datacl, datallowconn, datistemplate, datconnlimit FROM pg_database
                WHERE starts_with(datname, '{prefix}') OR datname LIKE 'tenantry%' ORDER BY 1"""
        ),
    }


def assert_refused(world: World, tenant_id: TenantId, call: Callable[[], object], taken: str) -> None:
    before = everything(world, tenant_id.value)
    with pytest.raises(Conflict) as refusal:
        call()
    assert (refusal.value.code, taken in str(refusal.value.details)) == ("name_taken", True), refusal.value.details
    assert everything(world, tenant_id.value) == before
    assert world.registry.tenant(tenant_id) is None
    assert world.secrets.find(tenant_id) is None


@pytest.fixture
def unlucky(world: World) -> Any:
    tenant_id = new_id("u")
    yield tenant_id
    for (database,) in world.execute(f"SELECT datname FROM pg_database WHERE starts_with(datname, '{tenant_id}')"):
        world.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
    for (role,) in world.execute(f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{tenant_id}')"):
        world.execute(f'DROP ROLE "{role}"')


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("model", MODELS)
def test_a_role_of_somebody_elses_is_left_as_it_is(
    world: World, unlucky: TenantId, suffix: str, model: Isolation
) -> None:
    """The id makes a role's name that a role has which is not ours: refused, and that role is what it was."""
    world.execute(f'CREATE ROLE "{unlucky}_{suffix}" {ATTRIBUTES[suffix]}')
    world.execute(f'GRANT pg_read_all_data TO "{unlucky}_{suffix}"')
    assert_refused(world, unlucky, lambda: provision(world, unlucky, model), f"role {unlucky}_{suffix}")


def test_a_comment_that_is_no_mark_proves_nothing(world: World, unlucky: TenantId) -> None:
    """A role of somebody else's has a comment, another tenant's mark even: it is not this tenant's."""
    for comment in ("the owner of the shop", "tenantry tenant=another", f"tenantry tenant={unlucky}-prod"):
        world.execute(f'DROP ROLE IF EXISTS "{unlucky}_owner"; CREATE ROLE "{unlucky}_owner" LOGIN')
        world.execute(f"COMMENT ON ROLE \"{unlucky}_owner\" IS '{comment}'")
        assert_refused(world, unlucky, lambda: provision(world, unlucky), f"role {unlucky}_owner")


def test_another_stages_role_is_not_ours(world: World, vault: Vault, unlucky: TenantId) -> None:
    """Two stages share a server, and both want one id: the second is refused."""
    world.execute(f'CREATE ROLE "{unlucky}_owner"')
    world.execute(f"COMMENT ON ROLE \"{unlucky}_owner\" IS 'tenantry tenant={unlucky} stage=prod'")
    admin = vault.servers.admin("here")
    assert_refused(world, unlucky, lambda: admin.require_names(unlucky, None), f"role {unlucky}_owner")
    with pytest.raises(Conflict):
        admin.make_roles(unlucky, f"{unlucky}_login_a", "a password", 5)


def test_a_database_of_somebody_elses_is_left_as_it_is(world: World, unlucky: TenantId) -> None:
    """The id is the name of a database that is not ours: refused, and no role is made."""
    world.execute(f'CREATE DATABASE "{unlucky}"')
    assert_refused(world, unlucky, lambda: provision(world, unlucky), f"database {unlucky}")


def test_a_schema_of_somebody_elses_is_left_as_it_is(world: World, unlucky: TenantId) -> None:
    """The id is the name of a schema of the shared database that is not ours: refused, and no role is made."""
    neighbour = new_id()
    provision(world, neighbour, Isolation.SCHEMA)
    try:
        world.execute(f'CREATE SCHEMA "{unlucky}"', "tenantry_schemas")
        assert_refused(world, unlucky, lambda: provision(world, unlucky, Isolation.SCHEMA), f"schema {unlucky}")
    finally:
        world.execute(f'DROP SCHEMA IF EXISTS "{unlucky}"', "tenantry_schemas")
        remove(world, neighbour)


@pytest.mark.parametrize("change", ["clone", "move", "restore", "rename", "promote"])
def test_no_other_way_to_a_name_takes_it(vault: Vault, unlucky: TenantId, change: str) -> None:
    """A tenant is cloned, moved, restored, renamed or promoted to names that are somebody else's: refused likewise."""
    world = vault.world
    tenant_id = vault.add(Isolation.POOLED if change == "promote" else Isolation.DATABASE)
    backup = vault.back_up(tenant_id) if change == "restore" else None
    server = "there" if change == "move" else "here"
    name = tenant_id if change in ("move", "promote") else unlucky
    role = f"{name}_copy" if change == "promote" else f"{name}_viewer"
    vault.execute(server, f'CREATE ROLE "{role}" LOGIN PASSWORD \'theirs\'; GRANT pg_read_all_data TO "{role}"')
    query = f"SELECT * FROM pg_authid WHERE starts_with(rolname, '{name}_')"
    before = vault.execute(server, query)
    entry = world.registry.tenant(tenant_id)
    with pytest.raises(Conflict) as refusal:
        begin(vault, change, tenant_id, unlucky, backup)
    assert refusal.value.code == "name_taken"
    assert role in str(refusal.value.details)
    assert vault.execute(server, query) == before
    assert world.registry.tenant(tenant_id) == entry
    assert world.registry.tenant(unlucky) is None
    vault.execute(server, f'DROP ROLE "{role}"')


def begin(vault: Vault, change: str, tenant_id: TenantId, new: TenantId, backup: Any) -> None:
    from tenantry.tenants.rename_requests import RenameRequests

    match change:
        case "clone":
            vault.clones.start(CloneOrder(tenant_id, new), "op-1")
        case "move":
            vault.relocations.move(tenant_id, "there", "op-1")
        case "restore":
            vault.start(backup, into=new)
        case "rename":
            registry, secrets = vault.world.registry, vault.world.secrets
            RenameRequests(registry, secrets, vault.servers, vault.leases, vault.operations).start(
                tenant_id, new, "op-1"
            )
        case "promote":
            vault.relocations.promote(tenant_id, Isolation.DATABASE, "op-1")


def test_memberships_that_are_not_ours_are_taken_back(world: World, unlucky: TenantId) -> None:
    """A tenant's roles were made members of others, and another tenant's of them: the next call takes that back."""
    other = new_id()
    try:
        provision(world, unlucky)
        provision(world, other)
        for role in ("pg_read_all_data", f"{other}_owner"):
            world.execute(f'GRANT "{role}" TO "{unlucky}_login_a", "{unlucky}_viewer"')
        world.execute(f'GRANT "{unlucky}_owner" TO "{other}_login_b"')
        world.execute(f'GRANT "{unlucky}_owner" TO "{unlucky}_viewer"')
        provision(world, unlucky)
        for role in ("pg_write_all_data", f"{other}_owner"):
            world.execute(f'GRANT "{role}" TO "{unlucky}_dump", "{unlucky}_count"')
        provision(world, unlucky)
        logins = {
            (f"{unlucky}_login_{login}", f"{unlucky}_{role}")
            for login in "ab"
            for role in ("owner", "editor", "viewer")
        }
        for_backups = {(f"{unlucky}_dump", "pg_read_all_data"), (f"{unlucky}_count", f"{unlucky}_owner")}
        assert set(memberships(world, unlucky)) == logins | for_backups
    finally:
        remove(world, unlucky)
        remove(world, other)


def memberships(world: World, tenant_id: TenantId) -> list[Any]:
    return world.execute(
        f"""SELECT m.rolname, g.rolname FROM pg_auth_members a
            JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
            WHERE NOT m.rolsuper
              AND (starts_with(m.rolname, '{tenant_id}_') OR starts_with(g.rolname, '{tenant_id}_'))"""
    )


def test_what_is_somebody_elses_is_not_dropped(world: World, vault: Vault, unlucky: TenantId) -> None:
    """Roles and databases are named like a tenant's leftovers: no removal and no sweep takes them."""
    drill = f"{unlucky}_drill_0123456789"
    world.execute(f'CREATE ROLE "{unlucky}_owner"')
    world.execute(f"CREATE ROLE \"{unlucky}_copy\" LOGIN VALID UNTIL 'infinity'")
    world.execute(f'CREATE ROLE "{unlucky}_inspect_0123abcd" LOGIN')
    world.execute(f'CREATE DATABASE "{unlucky}"')
    world.execute(f'CREATE DATABASE "{drill}"')
    before = everything(world, unlucky.value)
    assert TenantRemoval(world.admin).find_roles(unlucky) == []
    with pytest.raises(Conflict):
        vault.scratches().sweep("here", unlucky)
    world.execute(f'DROP ROLE "{unlucky}_copy"')
    assert vault.scratches().sweep("here", unlucky) == []
    vault.servers.inspector_roles("here").drop(f"{unlucky}_inspect_0123abcd")
    after = everything(world, unlucky.value)
    assert after["databases"] == before["databases"]
    assert [role for role in before["roles"] if f"{unlucky}_copy" not in role] == after["roles"]


@pytest.mark.parametrize("model", [Isolation.SCHEMA, Isolation.POOLED])
def test_a_shared_database_of_somebody_elses_is_left(vault: Vault, unlucky: TenantId, model: Isolation) -> None:
    """The server has a database, or a role, with the name of what tenants share: it is not taken for ours."""
    from tests.postgres import temporary_postgres

    with temporary_postgres("with foreign names") as server:
        world = World(server, vault.world.registry, vault.world.secrets)
        database = "tenantry_schemas" if model is Isolation.SCHEMA else "tenantry_pool"
        for name in (database, f"{database}_draft"):
            world.execute(f'CREATE DATABASE "{name}"')
            with pytest.raises(Conflict) as refusal:
                provision(world, unlucky, model)
            assert refusal.value.code == "name_taken"
            assert world.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'")
            world.execute(f'DROP DATABASE "{name}"')
            remove(world, unlucky)
        world.execute("CREATE ROLE tenantry_pool_editor LOGIN; CREATE ROLE tenantry_template LOGIN SUPERUSER")
        assert_refused(world, unlucky, lambda: provision(world, unlucky, Isolation.POOLED), "tenantry_pool_editor")
        assert_refused(world, unlucky, lambda: provision(world, unlucky), "tenantry_template")
        with closing(server.connect("postgres")):
            pass


def test_names_are_looked_at_again_where_they_are_made(world: World, unlucky: TenantId) -> None:
    """Somebody makes a role between the check and the call that makes ours: that call refuses it as well."""
    world.execute(f'CREATE ROLE "{unlucky}_login_b" LOGIN')
    admin = ServerAdmin(world.admin)
    with pytest.raises(Conflict) as refusal:
        admin.make_roles(unlucky, f"{unlucky}_login_a", "a password", 5)
    assert refusal.value.code == "name_taken"
    assert world.execute(f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{unlucky}_')") == [
        (f"{unlucky}_login_b",)
    ]


@pytest.mark.parametrize("suffix", ["copy", "login_b", "owner"])
def test_a_renamed_tenant_finds_all_of_its_names_free(vault: Vault, unlucky: TenantId, suffix: str) -> None:
    """A role has a name that only a later copy would need: the rename is refused, not each backup's drill after it."""
    tenant_id = vault.add()
    vault.execute("here", f'CREATE ROLE "{unlucky}_{suffix}" LOGIN')
    found = TenantRenaming(vault.servers.connector("here")).find_taken(unlucky, vault.home(tenant_id))
    assert found == [f"role {unlucky}_{suffix}"]


@pytest.mark.parametrize("change", ["make", "clone", "restore"])
def test_nobody_gets_the_rows_of_a_tenant_that_was_lost(vault: Vault, unlucky: TenantId, change: str) -> None:
    """Shared tables have rows under an id that nobody has: whoever is to get that id is refused, and they stay."""
    tenant_id = vault.add(Isolation.POOLED)
    backup = vault.back_up(tenant_id)
    values = f"'{unlucky}', 'Lost', 'none', 'l@example.com'"
    lost = f"INSERT INTO candidates (tenant_id, name, job_role, email) VALUES ({values})"
    vault.execute("here", f"SET ROLE tenantry_pool; {lost}", "tenantry_pool")
    try:
        with pytest.raises(Conflict) as refusal:
            if change == "make":
                provision(vault.world, unlucky, Isolation.POOLED)
            elif change == "clone":
                vault.clones.start(CloneOrder(tenant_id, unlucky), "op-1")
            else:
                vault.start(backup, into=unlucky, tenant_id=tenant_id)
        assert (refusal.value.code, refusal.value.details) == ("name_taken", "rows in candidates")
        assert vault.world.registry.tenant(unlucky) is None
    finally:
        vault.execute("here", f"DELETE FROM candidates WHERE tenant_id = '{unlucky}'", "tenantry_pool")

"""The logins for backups come, change and go with their tenant, wherever it lives."""

from contextlib import closing
from typing import Any

import psycopg2
import pytest

from tenantry.backups import take
from tenantry.backups.logins import BackupLogins, choose_logins
from tenantry.database.logins import backup_logins, dump_login
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.restores.conftest import Vault


def as_whom(vault: Vault, tenant_id: TenantId) -> set[str]:
    """Back a tenant up; say which logins were chosen for it."""
    chosen: set[str] = set()

    def choose(*asked: Any) -> BackupLogins:
        logins = choose_logins(*asked)
        chosen.update({logins.dump.username, logins.count.username})
        return logins

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(take, "choose_logins", choose)
        assert vault.back_up(tenant_id).manifest
    return chosen


def roles(vault: Vault, server: str, tenant_id: TenantId) -> list[Any]:
    """List the logins, and whether they read past owners and policies."""
    return vault.execute(
        server,
        f"""SELECT rolname, rolbypassrls, pg_has_role(oid, 'pg_read_all_data', 'USAGE'), rolconfig FROM pg_roles
            WHERE rolname IN ('{tenant_id}_dump', '{tenant_id}_count') ORDER BY 1""",
    )


def strong(tenant_id: TenantId) -> list[Any]:
    count, dump = f"{tenant_id}_count", f"{tenant_id}_dump"
    return [(count, False, False, None), (dump, True, True, ["lo_compat_privileges=on"])]


def past_policies(tenant_id: TenantId) -> list[Any]:
    return [(f"{tenant_id}_count", False, False, None), (f"{tenant_id}_dump", True, False, None)]


def weak(tenant_id: TenantId) -> list[Any]:
    return [(name, False, False, None) for name in sorted(backup_logins(tenant_id))]


def test_a_move_takes_them_along(vault: Vault) -> None:
    tenant_id = vault.add_with_tables()
    assert as_whom(vault, tenant_id) == set(backup_logins(tenant_id))
    password = vault.world.secrets.find_dump_password(tenant_id)
    vault.perform_well(vault.relocations.move(tenant_id, "there", "op-1"))
    assert as_whom(vault, tenant_id) == set(backup_logins(tenant_id))
    assert vault.world.secrets.find_dump_password(tenant_id) == password
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        vault.postgres["here"].connect(tenant_id.value, user=dump_login(tenant_id), password=password)
    vault.perform_well(vault.relocations.confirm(tenant_id, "op-1"))
    assert (roles(vault, "here", tenant_id), roles(vault, "there", tenant_id)) == ([], strong(tenant_id))
    # Erased with the others.
    assert set(backup_logins(tenant_id)) <= set(vault.servers.removal("there").find_roles(tenant_id))
    vault.world.secrets.delete(tenant_id)
    assert vault.world.secrets.find_dump_password(tenant_id) is None


def test_they_read_as_much_as_the_home_is_the_tenants(vault: Vault) -> None:
    """Pooled rows have none, a schema has those that read what its owner may, a database those that read all."""
    tenant_id = vault.add(Isolation.POOLED)
    assert roles(vault, "here", tenant_id) == []
    for isolation, expected in ((Isolation.SCHEMA, past_policies), (Isolation.DATABASE, strong)):
        vault.perform_well(vault.relocations.promote(tenant_id, isolation, "op-1"))
        assert roles(vault, "here", tenant_id) == expected(tenant_id)
        assert as_whom(vault, tenant_id) == set(backup_logins(tenant_id))
        if isolation is Isolation.SCHEMA:
            vault.perform_well(vault.relocations.confirm(tenant_id, "op-1"))
    vault.perform_well(vault.relocations.undo(tenant_id, "op-1"))
    assert roles(vault, "here", tenant_id) == past_policies(tenant_id)
    assert as_whom(vault, tenant_id) == set(backup_logins(tenant_id))


@pytest.mark.parametrize("suffix", ["dump", "count"])
def test_what_others_call_like_them_is_left_alone(vault: Vault, suffix: str) -> None:
    """A role of such a name is no login of ours: nothing is made, and a tenant from before goes on as it was."""
    tenant_id = vault.add_with_tables()
    name = f"{tenant_id}_{suffix}"
    vault.servers.admin("here").dump_logins.drop(tenant_id)
    vault.world.secrets.delete_dump_password(tenant_id)
    vault.execute("here", f'CREATE ROLE "{name}" LOGIN')
    try:
        with pytest.raises(Conflict) as refusal:
            vault.servers.admin("here").dump_logins.make(tenant_id, "a password", Isolation.DATABASE)
        assert (refusal.value.code, refusal.value.details) == ("name_taken", f"role {name}")
        assert as_whom(vault, tenant_id) == {f"{tenant_id}_login_a"}
        vault.perform_well(vault.relocations.move(tenant_id, "there", "op-1"))
        assert as_whom(vault, tenant_id) == set(backup_logins(tenant_id))
        vault.perform_well(vault.relocations.confirm(tenant_id, "op-1"))
        assert name in {role for role, *_ in roles(vault, "here", tenant_id)}
        assert name not in vault.servers.removal("here").find_roles(tenant_id)
    finally:
        vault.execute("here", f'DROP ROLE "{name}"')


def test_an_administrator_that_is_no_superuser_gives_what_it_may(vault: Vault) -> None:
    """It makes the logins, which read what the tenant's owner does, and with the rights to give them more, more."""
    tenant_id, admin = vault.add_with_tables(), "plain_for_dumps"
    vault.servers.admin("here").dump_logins.drop(tenant_id)
    vault.execute("here", f"CREATE ROLE {admin} LOGIN CREATEROLE PASSWORD 'plain'")
    vault.execute("here", f"GRANT CONNECT ON DATABASE postgres TO {admin}")
    vault.execute("here", f'GRANT "{tenant_id}_owner" TO {admin} WITH ADMIN OPTION')
    try:
        password = vault.world.secrets.find_dump_password(tenant_id)
        assert password

        def connect(database: str) -> Any:
            connection = vault.postgres["here"].connect(database, user=admin, password="plain")
            connection.autocommit = True
            return connection

        logins = type(vault.servers.admin("here").dump_logins)(connect)
        logins.make(tenant_id, password, Isolation.DATABASE)
        assert roles(vault, "here", tenant_id) == weak(tenant_id)
        vault.servers.home(tenant_id, vault.home(tenant_id)).open()
        assert as_whom(vault, tenant_id) == set(backup_logins(tenant_id))
        vault.execute("here", f"ALTER ROLE {admin} BYPASSRLS; GRANT pg_read_all_data TO {admin} WITH ADMIN OPTION")
        vault.execute("here", f"GRANT SET ON PARAMETER lo_compat_privileges TO {admin}")
        logins.make(tenant_id, password, Isolation.DATABASE)
        assert roles(vault, "here", tenant_id) == strong(tenant_id)
        logins.drop(tenant_id)
        assert roles(vault, "here", tenant_id) == []
    finally:
        with closing(vault.postgres["here"].connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(f"DROP OWNED BY {admin} CASCADE")
            cursor.execute(f"DROP ROLE IF EXISTS {admin}")

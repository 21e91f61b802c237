"""A tenant gets its state of a backup again; its rows from before the restore are kept until somebody confirms."""

from typing import Any

import pytest

from tenantry.domain.errors import Conflict
from tenantry.domain.restore import is_kept
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.restores.conftest import ROWS, Vault

MODELS = [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED]
LOST = "DELETE FROM candidates WHERE id % 2 = 0; UPDATE candidates SET name = 'lost'"
NEW = "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')"


def rights(vault: Vault, tenant_id: TenantId) -> list[Any]:
    """List the rights of roles other than the owner on the tenant's tables, schema and database."""
    place = vault.credentials(tenant_id)
    found = vault.execute(
        "here",
        f"""SELECT c.relname::text, a.grantee::regrole::text, a.privilege_type
            FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = '"{place.schema}"'::regnamespace
            UNION ALL SELECT 'schema', a.grantee::regrole::text, a.privilege_type
            FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = '{place.schema}'
            UNION ALL SELECT 'database', a.grantee::regrole::text, a.privilege_type
            FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = '{place.dbname}'
              AND starts_with(a.grantee::regrole::text, '"{tenant_id}')
            UNION ALL SELECT 'default', a.grantee::regrole::text, a.privilege_type
            FROM pg_default_acl d, aclexplode(d.defaclacl) a
            WHERE d.defaclnamespace = '"{place.schema}"'::regnamespace
            ORDER BY 1, 2, 3""",
        place.dbname,
    )
    return [right for right in found if not right[1].strip('"').endswith("_owner")]


@pytest.mark.parametrize("isolation", MODELS)
def test_what_was_lost_comes_back_and_what_was_there_is_kept(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation) if isolation is Isolation.POOLED else vault.add_with_tables(isolation)
    before, had = vault.run_as(tenant, ROWS), rights(vault, tenant)
    backup = vault.back_up(tenant)
    vault.run_as(tenant, LOST)
    lost = vault.run_as(tenant, ROWS)
    done = vault.perform_well(vault.start(backup))
    assert vault.run_as(tenant, ROWS) == before
    assert rights(vault, tenant) == had
    assert done.facts["rows"] >= 200
    assert vault.world.call(tenant, limit="1000").status == 200
    assert len(vault.world.call(tenant, limit="1000").json) == 200
    kept = vault.tenant(tenant).former_home
    assert is_kept(tenant, kept)
    # Undone, with what was written since kept in its turn.
    vault.run_as(tenant, NEW)
    since = vault.run_as(tenant, ROWS)
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert vault.run_as(tenant, ROWS) == lost
    assert rights(vault, tenant) == had
    vault.run_as(tenant, NEW)
    vault.run_as(tenant, "DELETE FROM candidates WHERE email = 'new'")
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert vault.run_as(tenant, ROWS) == since
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    assert vault.leftovers(tenant) == []
    assert vault.tenant(tenant).former_home is None
    assert vault.tenant(tenant).relocation == ""
    assert vault.run_as(tenant, ROWS) == since
    assert vault.world.call(tenant, "POST", body={"name": "n", "job_role": "x", "email": "y"}).status == 201


def test_settings_and_others_rights_come_along(vault: Vault) -> None:
    tenant = vault.add_with_tables()
    vault.execute("here", f"ALTER DATABASE \"{tenant}\" SET work_mem = '7MB'")
    vault.execute("here", f'ALTER DATABASE "{tenant}" SET search_path = public, "a b"')
    vault.execute("here", f'ALTER ROLE "{tenant}_login_a" IN DATABASE "{tenant}" SET lock_timeout = 4321')
    vault.run_as(tenant, f'REVOKE ALL ON people FROM "{tenant}_viewer"')
    query = """SELECT r.rolname, unnest(setconfig) FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = setrole
               WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = '{}') ORDER BY 1, 2"""
    had, set_to = rights(vault, tenant), vault.execute("here", query.format(tenant))
    vault.perform_well(vault.start(vault.back_up(tenant)))
    assert vault.execute("here", query.format(tenant)) == set_to
    assert rights(vault, tenant) == had


def test_a_second_restore_waits_for_the_first_to_be_confirmed(vault: Vault) -> None:
    tenant = vault.add()
    backup = vault.back_up(tenant)
    vault.perform_well(vault.start(backup))
    with pytest.raises(Conflict) as refusal:
        vault.start(backup)
    assert refusal.value.code == "move_unconfirmed"

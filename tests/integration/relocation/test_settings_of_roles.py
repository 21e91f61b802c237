"""What a tenant's roles are set to in its database, and what everybody may do with it, go along."""

import uuid

import pytest

from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder
from tests.integration.restores.conftest import Vault, s3, vault  # noqa: F401

SETTINGS = """
SELECT replace(r.rolname, '{t}_', ''), setting
FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase,
     unnest(s.setconfig) setting
WHERE starts_with(r.rolname, '{t}_') AND d.datname = current_database() AND setting ~ '^(work_mem|Date)'
ORDER BY 1, 2
"""
SET = 'ALTER ROLE "{t}_owner" IN DATABASE "{d}" SET work_mem = \'3MB\''
AS_LOGIN = 'ALTER ROLE "{t}_login_a" IN DATABASE "{d}" SET datestyle = \'SQL, DMY\''
RESET = 'ALTER ROLE "{t}_login_a" IN DATABASE "{d}" RESET datestyle'
RIGHTS = """
SELECT privilege_type FROM pg_database d, aclexplode(d.datacl) a
WHERE datname = current_database() AND grantee = 0 ORDER BY 1
"""


def settings(vault: Vault, tenant: TenantId) -> list[tuple[str, str]]:  # noqa: F811
    return vault.run_as(tenant, SETTINGS.format(t=tenant))


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_settings_of_roles_go_along(vault: Vault, isolation: Isolation) -> None:  # noqa: F811
    tenant, clone = vault.add(isolation), TenantId(f"c{uuid.uuid4().hex[:10]}")
    vault.made.append(clone)
    names = {"t": tenant, "d": vault.credentials(tenant).dbname}
    vault.run_as(tenant, f"{SET.format(**names)}; RESET ROLE; {AS_LOGIN.format(**names)}")
    wanted = [("login_a", "DateStyle=SQL, DMY"), ("owner", "work_mem=3MB")]
    assert settings(vault, tenant) == wanted
    vault.perform_well(vault.clones.start(CloneOrder(tenant, clone), "op-1"))
    assert settings(vault, clone) == wanted
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    assert settings(vault, tenant) == wanted
    # Set anew in the new place, and to nothing any more.
    anew, reset = (text.format(**names) for text in (SET.replace("3MB", "5MB"), RESET))
    vault.run_as(tenant, f"{anew}; RESET ROLE; {reset}")
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert settings(vault, tenant) == [("owner", "work_mem=5MB")]


def test_settings_of_roles_survive_the_undo_of_a_promotion(vault: Vault) -> None:  # noqa: F811
    tenant = vault.add(Isolation.SCHEMA)
    vault.perform_well(vault.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    vault.run_as(tenant, SET.format(t=tenant, d=tenant) + "; DELETE FROM candidates WHERE id = 1")
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert settings(vault, tenant) == [("owner", "work_mem=3MB")]
    assert len(vault.run_as(tenant, "SELECT id FROM candidates")) == 199


def test_what_everybody_may_do_with_a_database_is_restored(vault: Vault) -> None:  # noqa: F811
    tenant = vault.add()
    vault.run_as(tenant, f'GRANT TEMPORARY, CREATE ON DATABASE "{tenant}" TO PUBLIC')
    backup = vault.back_up(tenant)
    vault.perform_well(vault.start(backup))
    assert vault.run_as(tenant, RIGHTS) == [("CREATE",), ("TEMPORARY",)]
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    vault.execute("here", f'DROP DATABASE "{tenant}" WITH (FORCE)')
    vault.perform_well(vault.start(backup))
    assert vault.run_as(tenant, RIGHTS) == [("CREATE",), ("TEMPORARY",)]

"""The owner of a home drops what is in it, the home's schema even: what operators do then ends, and says why."""

from dataclasses import replace

import pytest

from tenantry.domain.errors import Conflict, CopyFailed
from tenantry.domain.tenant import Isolation
from tenantry.tenants.rename_checks import check_renaming
from tests.integration.homes.conftest import new_id, provision
from tests.integration.restores.conftest import ROWS, Vault


@pytest.mark.parametrize("model", [Isolation.SCHEMA, Isolation.DATABASE])
def test_a_rename_without_a_home_changes_nothing(vault: Vault, model: Isolation) -> None:
    """There is nothing to rename: it is refused before the tenant is served under neither id."""
    tenant_id = vault.add(model)
    if model is Isolation.SCHEMA:
        vault.run_as(tenant_id, f'DROP SCHEMA "{tenant_id}" CASCADE')
    else:
        vault.execute("here", f'DROP DATABASE "{tenant_id}" WITH (FORCE)')
    with pytest.raises(Conflict) as refusal:
        check_renaming(
            tenant_id,
            new_id("n"),
            "",
            registry=vault.world.registry,
            secrets=vault.world.secrets,
            servers=vault.servers,
        )
    assert refusal.value.code == "home_missing"
    if model is Isolation.SCHEMA:
        # Repeating the call that made it makes its home anew.
        provision(vault.world, tenant_id, model)
        assert vault.run_as(tenant_id, ROWS) == []


def test_a_move_without_a_schema_says_what_failed(vault: Vault) -> None:
    """Its login may not look at locks where tenants share a database: that is not what the copy failed of."""
    tenant_id = vault.add(Isolation.SCHEMA)
    before = vault.tenant(tenant_id)
    vault.run_as(tenant_id, f'DROP SCHEMA "{tenant_id}" CASCADE')
    move = vault.relocations.move(tenant_id, "there", "op-1")
    with pytest.raises(CopyFailed):
        vault.perform(move)
    assert replace(vault.tenant(tenant_id), relocation="") == before

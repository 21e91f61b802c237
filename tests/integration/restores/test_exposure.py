"""The exposed schemas and the rights on them follow a tenant when it is moved, copied or restored."""

from contextlib import closing
from typing import Any

import psycopg2
import pytest

from tenantry.domain.data_api import DataApiChange, DataApiSettings
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation, TenantId, TenantStatus
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.tenants.exposure import DataApis
from tests.integration.relocation.test_clone import new_id
from tests.integration.restores.conftest import Vault

EXPOSED = DataApiSettings(("public", "api"), aggregates=True, max_rows=20)
MADE = "CREATE SCHEMA IF NOT EXISTS api; CREATE TABLE api.notes (note text); INSERT INTO api.notes VALUES ('one')"


def data_apis(vault: Vault) -> DataApis:
    return DataApis(vault.world.registry, vault.world.secrets, vault.servers, vault.leases)


def expose(vault: Vault, tenant_id: TenantId, *schemas: str) -> None:
    change = DataApiChange(schemas, aggregates=True, max_rows=20)
    data_apis(vault).set(tenant_id, change)


def as_role(vault: Vault, tenant_id: TenantId, role: str, statement: str) -> Any:
    """Run a statement as the data plane does: with the tenant's login, at the place in its secret."""
    with closing(vault.connect(tenant_id)) as connection, connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{tenant_id}_{role}"')
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def assert_exposed(vault: Vault, tenant_id: TenantId) -> None:
    """Check the rights on present and on later objects."""
    assert vault.tenant(tenant_id).data_api == EXPOSED
    assert as_role(vault, tenant_id, "viewer", "TABLE api.notes") == [("one",)]
    assert as_role(vault, tenant_id, "editor", "UPDATE api.notes SET note = 'one'") == 1
    vault.run_as(tenant_id, "CREATE TABLE api.later AS SELECT 7 AS number")
    assert as_role(vault, tenant_id, "viewer", "TABLE api.later") == [(7,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_role(vault, tenant_id, "viewer", "DELETE FROM api.later")


@pytest.fixture
def exposed(vault: Vault) -> TenantId:
    tenant_id = vault.add()
    vault.run_as(tenant_id, MADE)
    expose(vault, tenant_id, "public", "api")
    return tenant_id


def test_a_move_takes_them_along_and_an_undo_back(vault: Vault, exposed: TenantId) -> None:
    vault.perform_well(vault.relocations.move(exposed, "there", "op-1"))
    assert_exposed(vault, exposed)
    vault.run_as(exposed, "DROP TABLE api.later")
    with pytest.raises(Conflict) as refused:
        expose(vault, exposed, "public")
    assert refused.value.code == "move_unconfirmed"
    vault.perform_well(vault.relocations.undo(exposed, "op-1"))
    assert vault.tenant(exposed).server_id == "here"
    assert_exposed(vault, exposed)


@pytest.mark.parametrize("server", ["here", "there"])
def test_a_clone_has_those_of_the_original(vault: Vault, exposed: TenantId, server: str) -> None:
    clone = new_id(vault)
    vault.perform_well(vault.clones.start(CloneOrder(exposed, clone, server), "op-1"))
    assert vault.tenant(clone).status is TenantStatus.ACTIVE
    assert_exposed(vault, clone)
    assert_exposed(vault, exposed)


@pytest.mark.parametrize("rights", ["archived", "standard"])
def test_a_backup_from_before_is_restored_into_what_is_exposed_now(vault: Vault, rights: str) -> None:
    tenant_id = vault.add()
    vault.run_as(tenant_id, MADE)
    backup = vault.back_up(tenant_id)
    expose(vault, tenant_id, "public", "api")
    vault.perform_well(vault.start(backup, keep_rights=rights == "archived"))
    assert_exposed(vault, tenant_id)


def test_a_schema_that_a_backup_does_not_have_yet_stays_in_the_settings(vault: Vault) -> None:
    tenant_id = vault.add()
    backup = vault.back_up(tenant_id)
    vault.run_as(tenant_id, MADE)
    expose(vault, tenant_id, "public", "api")
    vault.perform_well(vault.start(backup))
    assert vault.tenant(tenant_id).data_api == EXPOSED
    assert vault.run_as(tenant_id, "SELECT to_regnamespace('api')") == [(None,)]
    vault.perform_well(vault.relocations.undo(tenant_id, "op-1"))
    assert_exposed(vault, tenant_id)


def test_a_new_tenant_of_a_backup_has_those_of_the_one_that_was_backed_up(vault: Vault, exposed: TenantId) -> None:
    into = new_id(vault)
    vault.perform_well(vault.start(vault.back_up(exposed), into=into))
    assert_exposed(vault, into)


def test_a_promotion_keeps_all_but_what_it_can_not_have(vault: Vault) -> None:
    """An earlier backup is restored into the isolation model of its time, which has only one schema."""
    tenant_id, into = vault.add(Isolation.SCHEMA), new_id(vault)
    with pytest.raises(Conflict) as refused:
        expose(vault, tenant_id, "public", "api")
    assert refused.value.code == "one_schema"
    expose(vault, tenant_id, "public")
    backup = vault.back_up(tenant_id)
    vault.perform_well(vault.relocations.promote(tenant_id, Isolation.DATABASE, "op-1"))
    assert vault.tenant(tenant_id).data_api == DataApiSettings(aggregates=True, max_rows=20)
    vault.perform_well(vault.relocations.confirm(tenant_id, "op-1"))
    vault.run_as(tenant_id, MADE)
    expose(vault, tenant_id, "public", "api")
    assert_exposed(vault, tenant_id)
    vault.perform_well(vault.start(backup, into=into))
    assert vault.tenant(into).isolation is Isolation.SCHEMA
    assert vault.tenant(into).data_api == DataApiSettings(aggregates=True, max_rows=20)

"""The owner of a home drops what is in it, the home's schema even: what operators do then ends, and says why."""

from dataclasses import replace

import pytest

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.errors import Conflict, CopyFailed
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.tenants.rename_checks import check_renaming
from tests.integration.conftest import REGION, STAGE
from tests.integration.homes.conftest import new_id, provision
from tests.integration.operations.conftest import Desk, desk, wired
from tests.integration.relocation.conftest import superuser
from tests.integration.restores.conftest import ROWS, Vault
from tests.postgres import temporary_postgres

__all__ = ["desk", "wired"]


def drop_home(desk: Desk, tenant_id: TenantId, model: Isolation) -> None:
    if model is Isolation.SCHEMA:
        desk.vault.run_as(tenant_id, f'DROP SCHEMA "{tenant_id}" CASCADE')
    else:
        desk.vault.execute("here", f'DROP DATABASE "{tenant_id}" WITH (FORCE)')


@pytest.mark.parametrize("model", [Isolation.SCHEMA, Isolation.DATABASE])
def test_nobody_takes_an_empty_home_for_a_repair(desk: Desk, model: Isolation) -> None:
    """The call that repairs a tenant makes no empty home in the place of one that is gone, but where it is told to."""
    restored, emptied = desk.add(model), desk.add(model)
    backup, rows = desk.vault.back_up(restored), desk.rows(restored)
    for tenant_id in (restored, emptied):
        # What is there is repaired.
        assert desk.call("PUT", f"/admin/v1/tenants/{tenant_id}", {}).status == 200
        drop_home(desk, tenant_id, model)
        traces = desk.vault.traces(tenant_id)
        refused = desk.call("PUT", f"/admin/v1/tenants/{tenant_id}", {})
        assert (refused.status, refused.json["code"], refused.json["hint"]) == (
            409,
            "home_missing",
            "Restore its newest backup in its place.",
        )
        assert desk.vault.traces(tenant_id) == traces
    call = f"POST /tenants/{restored}/backups/{backup.backup_id}/restore"
    desk.do(call, {"tenant_id": restored.value})
    assert desk.rows(restored) == rows
    assert desk.call("PUT", f"/admin/v1/tenants/{emptied}", {"empty_home": True}).json["status"] == "active"
    assert desk.rows(emptied) == []


def test_shared_tables_that_are_gone_are_not_made_anew_by_one_tenant(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooled tenant without rows is one; a server without the shared tables has lost everybody's."""
    with temporary_postgres("to lose its pool") as server:
        ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write("third", superuser(server))
        desk.vault.world.registry.put_server(Server("third", REGION, server.host, server.port, sslmode="disable"))
        monkeypatch.setitem(desk.vault.postgres, "third", server)
        tenant_id = desk.add(Isolation.POOLED, "third")
        desk.vault.run_as(tenant_id, "DELETE FROM candidates")
        assert desk.call("PUT", f"/admin/v1/tenants/{tenant_id}", {}).status == 200
        desk.vault.execute("third", "DROP DATABASE tenantry_pool WITH (FORCE)")
        assert desk.call("PUT", f"/admin/v1/tenants/{tenant_id}", {}).json["code"] == "home_missing"
        monkeypatch.undo()
    desk.vault.world.registry.delete_server("third")


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

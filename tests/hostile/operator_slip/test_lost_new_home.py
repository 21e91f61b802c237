"""A tenant was moved, nobody confirmed it, and the new server is lost: what the former one has is all that is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from handlers import perform_operation
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.conftest import REGION, STAGE
from tests.integration.operations.conftest import Desk, Fault, desk, wired
from tests.integration.relocation.conftest import superuser
from tests.postgres import temporary_postgres

__all__ = ["desk", "wired"]


@contextmanager
def going(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server `gone` that is stopped for good in the end, and called lost."""
    with temporary_postgres("to go") as server, monkeypatch.context() as patch:
        ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write("gone", superuser(server))
        desk.vault.world.registry.put_server(Server("gone", REGION, server.host, server.port, sslmode="disable"))
        patch.setitem(desk.vault.postgres, "gone", server)
        # A worker looks the servers up anew when it begins, and the desk's has begun.
        perform_operation._performer()._begin()
        yield
    assert desk.call("POST", "/admin/v1/servers/gone/drain", {"lost": "gone"}).status == 200


def move(desk: Desk, tenant_id: TenantId) -> list[Any]:
    """Move a tenant to where it will be lost, and write there; returns the rows that it had before."""
    rows = desk.rows(tenant_id)
    desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": "gone"})
    desk.write(tenant_id)
    return rows


def rotate(desk: Desk, tenant_id: TenantId) -> None:
    """Give the tenant another password where it is, as a rotation does: the former place has the old one."""
    credentials = replace(desk.vault.credentials(tenant_id), password="another")
    desk.vault.execute("gone", f"ALTER ROLE \"{credentials.username}\" PASSWORD 'another'")
    desk.vault.world.secrets.write(tenant_id, credentials)


def restore(desk: Desk, tenant_id: TenantId, server_id: str) -> None:
    backup = desk.vault.back_up(tenant_id)
    call = f"POST /tenants/{tenant_id}/backups/{backup.backup_id}/restore"
    desk.do(call, {"tenant_id": tenant_id.value, "server_id": server_id})


def test_who_was_moved_comes_back_to_what_is_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with going(desk, monkeypatch):
        residents: dict[TenantId, list[Any]] = {desk.add(model): [] for model in Isolation}
        for tenant_id in residents:
            residents[tenant_id] = move(desk, tenant_id)
            rotate(desk, tenant_id)
        restored = desk.add()
        rows = desk.rows(restored)
        restore(desk, restored, "gone")
        rotate(desk, restored)
    for tenant_id, before in residents.items():
        refused = desk.call("POST", f"/admin/v1/tenants/{tenant_id}/confirm")
        assert (refused.status, refused.json["code"]) == (409, "server_lost")
        told = desk.call("POST", f"/admin/v1/tenants/{tenant_id}/move", {"server_id": "there"}).json["details"]
        assert told == f"Next: POST /admin/v1/tenants/{tenant_id}/undo (undo)."
        begun = desk.do(f"POST /tenants/{tenant_id}/undo")
        moved_at = desk.get(begun)["facts"]["writes_lost_since"]
        assert moved_at <= desk.get(begun)["requested_at"]
        assert desk.rows(tenant_id) == before
        tenant = desk.vault.tenant(tenant_id)
        assert (tenant.server_id, tenant.former_home) == ("here", None)
        # Should its disk be found: what was written there is nowhere else.
        assert [left.home.server_id for left in tenant.left_behind] == ["gone"]
        desk.settle(tenant_id)
    assert desk.call("POST", f"/admin/v1/tenants/{restored}/confirm").json["code"] == "server_lost"
    desk.do(f"POST /tenants/{restored}/undo")
    assert desk.rows(restored) == rows
    # Where it came from is lost: there is no way back, and nothing but that to confirm.
    refused = desk.call("POST", f"/admin/v1/tenants/{restored}/undo")
    assert (refused.json["code"], bool(refused.json["hint"])) == ("server_lost", True)
    desk.settle(restored)
    desk.vault.world.registry.delete_server("gone")


def test_what_was_begun_before_it_was_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A confirmation that has dropped nothing lets go; one that has, or an undo that overwrote, leaves nothing."""
    with going(desk, monkeypatch):
        whole, overwritten, dropped = desk.add(), desk.add(Isolation.SCHEMA), desk.add(Isolation.POOLED)
        backups = {tenant_id: desk.vault.back_up(tenant_id) for tenant_id in (overwritten, dropped)}
        rows = move(desk, whole)
        for tenant_id in (overwritten, dropped):
            move(desk, tenant_id)
        confirming = desk.start(f"POST /tenants/{whole}/confirm")
        undoing = desk.do(f"POST /tenants/{overwritten}/undo", None, Fault("copy", "cut"))
        dropping = desk.do(f"POST /tenants/{dropped}/confirm", None, Fault("drop_former_home", "cut"))
    desk.perform(confirming)
    assert (desk.get(confirming)["error"], desk.get(confirming)["next"][0]["meaning"]) == ("server_lost", "undo")
    desk.follow(confirming)
    assert desk.rows(whole) == rows
    desk.settle(whole)
    desk.perform(undoing)
    desk.perform(desk.start(f"POST /tenants/{overwritten}/undo"))
    assert desk.get(undoing)["error"] == "former_home_damaged"
    assert desk.follow(undoing) == ["confirm"]
    desk.perform(dropping)
    assert desk.follow(dropping) == ["undo", "confirm"]
    for tenant_id, backup in backups.items():
        assert desk.vault.tenant(tenant_id).former_home is None
        call = f"POST /tenants/{tenant_id}/backups/{backup.backup_id}/restore"
        desk.do(call, {"tenant_id": tenant_id.value, "server_id": "here"})
        desk.settle(tenant_id)
    desk.vault.world.registry.delete_server("gone")


def test_a_lost_server_comes_back_while_a_tenant_returns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written there is brought along after all: the undo that was cut looks once more before it switches."""
    tenant_id = desk.add()
    with temporary_postgres("to come back") as server, monkeypatch.context() as patch:
        secrets = ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
        secrets.write("gone", superuser(server))
        known = Server("gone", REGION, server.host, server.port, sslmode="disable")
        desk.vault.world.registry.put_server(known)
        patch.setitem(desk.vault.postgres, "gone", server)
        perform_operation._performer()._begin()
        move(desk, tenant_id)
        rows = desk.rows(tenant_id)
        # Nothing listens there for a while.
        desk.vault.world.registry.put_server(replace(known, port=1))
        secrets.write("gone", replace(superuser(server), port=1))
        assert desk.call("POST", "/admin/v1/servers/gone/drain", {"lost": "gone"}).status == 200
        perform_operation._performer()._begin()
        begun = desk.do(f"POST /tenants/{tenant_id}/undo", None, Fault("look", "cut"))
        desk.vault.world.registry.put_server(known)
        secrets.write("gone", superuser(server))
        perform_operation._performer()._begin()
        desk.follow(begun)
        assert desk.rows(tenant_id) == rows
        desk.settle(tenant_id)
    desk.vault.world.registry.delete_server("gone")

"""One PostgreSQL server under two ids, by whatever address: nobody takes what a tenant lives in for a copy of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from handlers import perform_operation
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.home import credentials_at, moved
from tenantry.domain.server import Server, ServerStatus
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.homes.factory import home_of
from tests.integration.conftest import REGION, STAGE
from tests.integration.operations.conftest import Desk, Fault, desk, wired
from tests.integration.relocation.conftest import superuser

__all__ = ["desk", "wired"]

MODELS = list(Isolation)


def body(desk: Desk, name: str = "here", **change: Any) -> dict[str, Any]:
    server = desk.vault.postgres[name]
    admin = {"username": server.admin_user, "password": server.admin_password}
    place = {"region": REGION, "host": server.host, "port": server.port, "sslmode": "disable"}
    return place | {"admin": admin} | change


def lead(desk: Desk, server_id: str, to: str, host: str = "localhost") -> None:
    """Let an id lead to a server, as somebody may who changes the address behind a name."""
    server = desk.vault.postgres[to]
    credentials = replace(superuser(server), host=host)
    ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write(server_id, credentials)
    desk.vault.world.registry.put_server(Server(server_id, REGION, host, server.port, sslmode="disable"))
    # A worker looks the servers up anew when it begins, and the desk's has begun.
    perform_operation._performer()._begin()


@contextmanager
def twin(desk: Desk, server_id: str = "twin", host: str = "localhost") -> Iterator[None]:
    """Let an id lead to the server `here`, which has its own."""
    lead(desk, server_id, "here", host)
    try:
        yield
    finally:
        if server_id == "there":
            lead(desk, "there", "there", desk.vault.postgres["there"].host)
        else:
            desk.vault.world.registry.delete_server(server_id)


def moved_by_an_older_version(desk: Desk, isolation: Isolation) -> TenantId:
    """Make a tenant that was `moved` to the server that it lies on, where nothing was copied."""
    tenant_id = desk.add(isolation)
    tenant, credentials = desk.vault.tenant(tenant_id), desk.vault.credentials(tenant_id)
    home, server = home_of(tenant, credentials), desk.vault.servers.get("twin")
    desk.vault.world.secrets.write(tenant_id, credentials_at(credentials, moved(home, "twin"), server))
    desk.vault.world.registry.put_tenant(replace(tenant, server_id="twin", former_home=home))
    return tenant_id


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_server_is_registered_under_one_id(desk: Desk, host: str) -> None:
    before = desk.call("GET", "/admin/v1/servers").json
    refused = desk.call("PUT", "/admin/v1/servers/second", body(desk, host=host))
    assert (refused.status, refused.json["code"], refused.json["details"]) == (409, "same_server", "here, second")
    assert desk.call("GET", "/admin/v1/servers").json == before
    assert ServerSecrets(aws_client("secretsmanager", REGION), STAGE).find("second") is None
    # The same id may get another address, also while another server does not answer.
    desk.vault.world.registry.put_server(Server("silent", REGION, "127.0.0.1", 1, sslmode="disable"))
    assert desk.call("PUT", "/admin/v1/servers/here", body(desk, host=host)).status == 200
    assert desk.call("PUT", "/admin/v1/servers/here", body(desk)).status == 200
    desk.vault.world.registry.delete_server("silent")


def test_nobody_is_taken_to_the_server_that_it_lies_on(desk: Desk) -> None:
    with twin(desk):
        for isolation in MODELS:
            tenant_id = desk.add(isolation)
            backup, rows = desk.vault.back_up(tenant_id), desk.rows(tenant_id)
            restore = f"/admin/v1/tenants/{tenant_id}/backups/{backup.backup_id}/restore"
            calls = [(f"/admin/v1/tenants/{tenant_id}/move", {"server_id": "twin"})]
            calls += [(restore, {"tenant_id": tenant_id.value, "server_id": "twin"})]
            for call, order in calls:
                refused = desk.call("POST", call, order)
                assert (refused.status, refused.json["code"], refused.json["details"]) == (
                    409,
                    "same_server",
                    "here, twin",
                )
            assert desk.rows(tenant_id) == rows
            desk.settle(tenant_id)


@pytest.mark.parametrize("call", ["confirm", "undo"])
def test_who_was_moved_to_where_it_was_keeps_what_it_has(desk: Desk, call: str) -> None:
    """An older version took the two ids for two servers: whatever is called then, nothing is dropped."""
    with twin(desk):
        for isolation in MODELS:
            tenant_id = moved_by_an_older_version(desk, isolation)
            desk.write(tenant_id)
            rows, traces = desk.rows(tenant_id), desk.vault.traces(tenant_id)
            desk.do(f"POST /tenants/{tenant_id}/{call}")
            assert (desk.rows(tenant_id), desk.vault.traces(tenant_id)) == (rows, traces)
            tenant = desk.vault.tenant(tenant_id)
            assert (tenant.server_id, tenant.former_home) == ("here" if call == "undo" else "twin", None)
            desk.settle(tenant_id)


@pytest.mark.parametrize(
    ("isolation", "step"), [(Isolation.DATABASE, "prepare"), (Isolation.SCHEMA, "copy"), (Isolation.POOLED, "copy")]
)
def test_an_address_is_changed_while_a_tenant_moves(desk: Desk, isolation: Isolation, step: str) -> None:
    """The id of the new server leads to the old one by now: the move fails, and is abandoned without a loss."""
    tenant_id = desk.add(isolation)
    rows = desk.rows(tenant_id)
    begun = desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": "there"}, Fault(step, "cut"))
    with twin(desk, "there"):
        desk.perform(begun)
        assert desk.get(begun)["error"] == "same_server"
        assert desk.rows(tenant_id) == rows
        desk.follow(begun, 1)
        assert desk.rows(tenant_id) == rows
        desk.settle(tenant_id)


@pytest.mark.parametrize(
    ("isolation", "step"), [(Isolation.DATABASE, "keep"), (Isolation.SCHEMA, "find"), (Isolation.POOLED, "keep")]
)
def test_an_address_is_changed_while_a_tenant_is_restored_elsewhere(
    desk: Desk, isolation: Isolation, step: str
) -> None:
    tenant_id = desk.add(isolation)
    backup, rows = desk.vault.back_up(tenant_id), desk.rows(tenant_id)
    call = f"POST /tenants/{tenant_id}/backups/{backup.backup_id}/restore"
    order = {"tenant_id": tenant_id.value, "server_id": "there"}
    begun = desk.do(call, order, Fault(step, "cut"))
    with twin(desk, "there"):
        desk.perform(begun)
        assert desk.get(begun)["error"] == "same_server"
        assert desk.rows(tenant_id) == rows
        desk.settle(tenant_id)


def test_an_address_is_changed_before_a_move_is_confirmed(desk: Desk) -> None:
    """The former server's id leads to the new one: the place that would be dropped is the one that is lived in."""
    tenant_id = desk.add(server="there")
    desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": "here"})
    rows = desk.rows(tenant_id)
    with twin(desk, "there"):
        desk.do(f"POST /tenants/{tenant_id}/confirm")
        assert desk.rows(tenant_id) == rows
        desk.settle(tenant_id)


def test_a_server_is_taken_off_when_nothing_names_it(desk: Desk) -> None:
    def delete() -> Any:
        return desk.call("DELETE", "/admin/v1/servers/spare")

    lead(desk, "spare", "there")
    desk.vault.world.registry.delete_server("there")
    try:
        tenant_id = desk.add()
        begun = desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": "spare"}, Fault("prepare", "cut"))
        assert (delete().status, delete().json["details"]) == (409, f"is on the way: {tenant_id}")
        desk.follow(begun)
        assert delete().json["details"] == f"lives there: {tenant_id}"
        desk.do(f"POST /tenants/{tenant_id}/confirm")
        desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": "here"})
        refused = delete()
        assert (refused.json["code"], refused.json["details"]) == ("server_in_use", f"may return there: {tenant_id}")
        assert refused.json["hint"]
        assert desk.vault.servers.get("spare").status is ServerStatus.ACTIVE
        desk.do(f"POST /tenants/{tenant_id}/confirm")
        assert delete().status == 200
        assert (delete().status, delete().json["code"]) == (404, "server_unknown")
        assert "spare" not in [server["server_id"] for server in desk.call("GET", "/admin/v1/servers").json["items"]]
        assert ServerSecrets(aws_client("secretsmanager", REGION), STAGE).find("spare") is None
        # So a server gets another id.
        assert desk.call("PUT", "/admin/v1/servers/there", body(desk, "there")).status == 200
    finally:
        lead(desk, "there", "there", desk.vault.postgres["there"].host)
        desk.vault.world.registry.delete_server("spare")

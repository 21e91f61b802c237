"""What an operator is told who meets a tenant that has been renamed, taken apart by hand, or is being read."""

from typing import Any

import pytest

from tenantry.domain.tenant import Isolation
from tests.integration.operations.conftest import (
    Desk,
    Fault,
    desk,
    erasure,
    s3,
    second_postgres,
    servers_of_the_module,
    wired,
)

__all__ = ["desk", "s3", "second_postgres", "servers_of_the_module", "wired"]

POOLED = Isolation.POOLED


def refusal(desk: Desk, method: str, path: str, body: Any = None) -> dict[str, Any]:
    reply = desk.call(method, f"/admin/v1{path}", body)
    assert reply.status >= 400, reply.text
    assert reply.json["hint"]
    return {"status": reply.status, **reply.json}


def test_whoever_calls_a_tenant_by_a_former_id_is_told_the_present_one(desk: Desk) -> None:
    old, new = desk.add(POOLED), desk.free_id()
    desk.do(f"POST /tenants/{old}/rename", {"tenant_id": new.value})
    calls: dict[str, Any] = {"undo": None, "confirm": None, "clone": {"tenant_id": "some-clone"}}
    calls |= {"move": {"server_id": "there"}, "promote": {"isolation": "schema"}, "suspend": None}
    for call, body in calls.items():
        told = refusal(desk, "POST", f"/tenants/{old}/{call}", body)
        assert (told["status"], told["code"], told["details"]) == (404, "tenant_renamed", f"It is {new} now.")
    told = refusal(desk, "PUT", f"/tenants/{old}/limits", {})
    assert (told["code"], told["details"]) == ("tenant_renamed", f"It is {new} now.")
    assert refusal(desk, "POST", "/tenants/nobody/undo")["code"] == "tenant_unknown"


def test_a_login_that_is_gone_is_told_in_our_words(desk: Desk) -> None:
    tenant_id = desk.add(POOLED)
    login = f'"{tenant_id}_login_b"'
    desk.vault.execute("here", f"DROP OWNED BY {login}; DROP ROLE {login}", "tenantry_pool")
    told = refusal(desk, "PUT", f"/tenants/{tenant_id}/limits", {"connections": 7})
    assert (told["status"], told["code"], told["details"]) == (404, "role_missing", f"{tenant_id}_login_b")
    # What the hint says mends it, with the limits that were asked for.
    repaired = desk.call("PUT", f"/admin/v1/tenants/{tenant_id}", {})
    assert (repaired.status, repaired.json["limits"]["connections"]) == (200, 7)
    assert desk.call("PUT", f"/admin/v1/tenants/{tenant_id}/limits", {"connections": 8}).status == 200


def test_no_text_of_postgresql_reaches_an_operator(desk: Desk) -> None:
    """A tenant names its things as it likes, and PostgreSQL repeats that."""
    tenant_id = desk.add()
    desk.vault.run_as(tenant_id, "CREATE SCHEMA extra; CREATE TABLE extra.notes (id int)")
    desk.vault.execute("here", f'ALTER ROLE "{tenant_id}_viewer" RENAME TO "hunter2"')
    try:
        reply = desk.call("PUT", f"/admin/v1/tenants/{tenant_id}/data-api", {"schemas": ["public", "extra"]})
    finally:
        desk.vault.execute("here", f'ALTER ROLE "hunter2" RENAME TO "{tenant_id}_viewer"')
    assert (reply.status >= 400, reply.json["code"]) == (True, "42704")
    assert f"{tenant_id}_viewer" not in (reply.json["message"] + str(reply.json["details"]))
    assert reply.json["hint"]


def test_a_database_that_is_gone_is_not_to_be_tried_again(desk: Desk) -> None:
    tenant_id = desk.add()
    desk.vault.execute("here", f'DROP DATABASE "{tenant_id}" WITH (FORCE)')
    told = refusal(desk, "POST", f"/tenants/{tenant_id}/clone", {"tenant_id": desk.free_id().value})
    assert (told["status"], told["code"], told["message"]) == (503, "3D000", "The database is not there.")
    assert "in a moment" not in told["hint"]
    served = desk.vault.world.call(tenant_id)
    assert (served.status, served.json["code"], served.json["message"]) == (503, "3D000", "The database is not there.")


@pytest.mark.parametrize(("isolation", "way"), [(Isolation.SCHEMA, "Promote it"), (POOLED, "Leave `isolation` out")])
def test_another_model_is_promoted_to_or_there_is_no_way(desk: Desk, isolation: Isolation, way: str) -> None:
    tenant_id = desk.add(POOLED if way.startswith("Promote") else Isolation.SCHEMA)
    told = refusal(desk, "PUT", f"/tenants/{tenant_id}", {"isolation": isolation.value})
    assert (told["status"], told["code"]) == (409, "other_isolation")
    assert told["hint"].startswith(way)


@pytest.mark.parametrize("path", ["/admin/v1/operations", "/admin/v1/audit"])
def test_a_target_has_its_kind(desk: Desk, path: str) -> None:
    refused = desk._operator.call("GET", path, target="acme")
    assert (refused.status, refused.json["code"]) == (400, "invalid_target")
    assert "tenant/acme" in refused.json["hint"]
    for target in ("tenant/acme", "server/first", "fleet/drift"):
        assert desk._operator.call("GET", path, target=target).status == 200


def test_what_is_being_cloned_is_not_erased(desk: Desk) -> None:
    source, clone = desk.add(POOLED), desk.free_id()
    begun = desk.do(f"POST /tenants/{source}/clone", {"tenant_id": clone.value}, Fault("prepare", "cut"))
    for hours in (0, 72):
        body = erasure(source) | {"undo_hours": hours}
        told = refusal(desk, "DELETE", f"/tenants/{source}", body)
        assert (told["status"], told["code"], told["details"]) == (409, "tenant_cloned", f"The clone is {clone}.")
    assert desk.vault.tenant(source).status.value == "active"
    desk.perform(begun)
    assert desk.get(begun)["status"] == "succeeded"
    # A clone that has failed reads nothing, and keeps nobody.
    second = desk.free_id()
    desk.do(f"POST /tenants/{source}/clone", {"tenant_id": second.value}, Fault("prepare"))
    desk.do(f"DELETE /tenants/{source}", erasure(source))
    for tenant_id in (clone, second):
        desk.do(f"DELETE /tenants/{tenant_id}", erasure(tenant_id))


def test_a_manifest_shows_no_comments_and_rights(desk: Desk) -> None:
    tenant_id = desk.add()
    desk.vault.execute("here", f"COMMENT ON DATABASE \"{tenant_id}\" IS 'secret comment hunter2'")
    desk.vault.execute("here", "COMMENT ON SCHEMA public IS 'hunter3'", tenant_id.value)
    backup = desk.vault.back_up(tenant_id)
    shown = desk.call("GET", f"/admin/v1/tenants/{tenant_id}/backups/{backup.backup_id}")
    assert "hunter" not in shown.text
    assert shown.json["manifest"]["database"]["name"] == tenant_id.value
    assert not {"grants", "rights", "comment", "settings", "casts"} & set(shown.json["manifest"])
    assert "comment" not in shown.json["manifest"]["database"]
    told = refusal(
        desk,
        "POST",
        f"/tenants/{tenant_id}/backups/{backup.backup_id}/restore",
        {"tenant_id": tenant_id.value, "tables": ["candidates"]},
    )
    # And what it could have been: a name that can be pasted.
    assert told["code"] == "table_unknown"
    assert told["details"] == 'candidates. It has "public"."alembic_version", "public"."candidates".'


def test_a_table_for_a_spreadsheet_has_no_words_of_pythons(desk: Desk) -> None:
    tenant_id = desk.add(POOLED)
    desk.vault.back_up(tenant_id)
    desk.do("POST /reports/backups")
    table = desk._operator.call("GET", "/admin/v1/reports/backups", format="csv").text
    assert tenant_id.value in table
    assert "False" not in table
    assert ",false" in table
    assert "None" not in table

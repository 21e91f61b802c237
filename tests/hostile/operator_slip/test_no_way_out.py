"""Operators, or those who look after the machines, take something away that an operation needs: there is a way out.

A server goes for good, a home, a secret or a backup is deleted by hand, a worker dies while it takes things back. What
the operation then says is `next` is accepted and leads to where the tenant is free: backed up, moved and erased.
"""

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from handlers import drill_backup
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import secret_name
from tenantry.domain.errors import Conflict, DatabaseUnavailable
from tenantry.domain.server import Server, ServerStatus
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.residence import Residence
from tests.integration.conftest import REGION, STAGE
from tests.integration.operations.conftest import Desk, Fault, Lodgers, desk, erasure, lodgers, other, wired
from tests.integration.relocation.conftest import Cut, superuser
from tests.integration.restores.conftest import BUCKET, Context
from tests.postgres import temporary_postgres

__all__ = ["desk", "lodgers", "wired"]

UNCHANGED = "suppress_redundant_updates_trigger"
DATABASE, SCHEMA, POOLED = Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED


def move(desk: Desk, tenant_id: TenantId, server: str, fault: Fault | None = None) -> str:
    return desk.do(f"POST /tenants/{tenant_id}/move", {"server_id": server}, fault)


def restore(desk: Desk, tenant_id: TenantId, fault: Fault | None = None, body: dict[str, Any] | None = None) -> str:
    backup = desk.vault.back_up(tenant_id)
    call = f"POST /tenants/{tenant_id}/backups/{backup.backup_id}/restore"
    return desk.do(call, body or {"tenant_id": tenant_id.value}, fault)


def certificate(desk: Desk, tenant_id: TenantId) -> dict[str, Any]:
    (found,) = desk.call("GET", f"/admin/v1/tenants/{tenant_id}/certificates").json["items"]
    return dict(found)


def erase(desk: Desk, tenant_id: TenantId) -> list[str]:
    """Erase a tenant; returns what the certificate says remains."""
    desk.do(f"DELETE /tenants/{tenant_id}", erasure(tenant_id))
    return [found["what"] for found in certificate(desk, tenant_id)["remains"]]


@pytest.mark.parametrize("refusal", ["another password", "no session left", "no right to connect"])
def test_a_server_that_refuses_us_is_not_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch, refusal: str) -> None:
    """It answers, and tenants live there: nothing may go on without it."""
    with temporary_postgres("to refuse") as server:
        administrator = superuser(server)
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("CREATE ROLE keeper LOGIN CREATEROLE CREATEDB CONNECTION LIMIT 1 PASSWORD 'first'")
            if refusal == "no right to connect":
                cursor.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
        known = replace(administrator, username="keeper", password="first")
        password = "second" if refusal == "another password" else "first"
        ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write("wary", replace(known, password=password))
        desk.vault.world.registry.put_server(Server("wary", REGION, server.host, server.port, sslmode="disable"))
        taken = server.connect(user="keeper", password="first") if refusal == "no session left" else None
        try:
            refused = desk.call("POST", "/admin/v1/servers/wary/drain", {"lost": "wary"})
        finally:
            if taken:
                taken.close()
        assert (refused.status, refused.json["code"]) == (409, "server_answers")
        found = desk.vault.world.registry.server("wary")
        assert found
        assert found.status is ServerStatus.ACTIVE


def test_a_server_goes_for_good(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is stopped for ever under moves, restores, renames, clones and erasures: each has its way out."""
    with temporary_postgres("to go") as server:
        ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write("gone", superuser(server))
        desk.vault.world.registry.put_server(Server("gone", REGION, server.host, server.port, sslmode="disable"))
        monkeypatch.setitem(desk.vault.postgres, "gone", server)
        residents = [desk.add(model, "gone") for model in (DATABASE, SCHEMA, POOLED)]
        backups = {tenant_id: desk.vault.back_up(tenant_id) for tenant_id in residents}
        going, came, restored, renamed = (
            desk.add(),
            desk.add(POOLED, "gone"),
            desk.add(SCHEMA),
            desk.add(POOLED, "gone"),
        )
        new, clone = desk.free_id(), desk.free_id()
        abandoned = move(desk, going, "gone", Fault("compare", "cut"))
        move(desk, came, "here")
        order = {"tenant_id": clone.value, "server_id": "gone"}
        copied = desk.do(f"POST /tenants/{restored}/clone", order, Fault("prepare"))
        elsewhere = restore(desk, restored, Fault("beside", "cut"), {"tenant_id": restored.value, "server_id": "gone"})
        begun = desk.do(f"POST /tenants/{renamed}/rename", {"tenant_id": new.value}, Fault("stop", "cut"))
        refused = desk.call("POST", "/admin/v1/servers/gone/drain", {"lost": "gone"})
        assert (refused.status, refused.json["code"]) == (409, "server_answers")
        monkeypatch.undo()
    # What is held stays held as long as the server may come back, and says what to do.
    undo = desk.start(f"POST /tenants/{came}/undo")
    desk.perform(undo)
    assert [call["meaning"] for call in desk.get(undo)["next"]] == ["repeat", "confirm"]
    slip = desk.call("POST", "/admin/v1/servers/gone/drain", {"lost": "here"})
    assert (slip.status, slip.json["code"]) == (400, "not_confirmed")
    assert desk.call("POST", "/admin/v1/servers/gone/drain", {"lost": "gone"}).json["status"] == "lost"

    desk.follow(abandoned, 1)
    desk.settle(going)
    assert [left.home.server_id for left in desk.vault.tenant(going).left_behind] == ["gone"]
    assert erase(desk, going) == [f"database {going}"]
    desk.follow(undo, 1)
    desk.settle(came)
    desk.follow(elsewhere, 1)
    desk.use_up(restored)
    desk.follow(begun)
    assert erase(desk, new) == ["tenantry_pool.public"] * 2
    desk.follow(copied, 1)
    assert desk.call("GET", f"/admin/v1/tenants/{clone}").status == 404

    for tenant_id in residents[:2]:
        assert desk.call("POST", f"/admin/v1/tenants/{tenant_id}/suspend").status == 200
        desk.start(f"POST /tenants/{tenant_id}/resume")
        call = f"POST /tenants/{tenant_id}/backups/{backups[tenant_id].backup_id}/restore"
        desk.do(call, {"tenant_id": tenant_id.value, "server_id": "here"})
        desk.settle(tenant_id)
        assert len(erase(desk, tenant_id)) == 1
    assert erase(desk, residents[2]) == ["tenantry_pool.public"]


@pytest.mark.parametrize("step", ["prepare", "compare"])
def test_a_home_is_dropped_by_hand_while_it_is_moved(desk: Desk, step: str) -> None:
    """Whoever drops the home that a tenant leaves finds what was copied kept, and the tenant is restored."""
    tenant_id = desk.add()
    backup = desk.vault.back_up(tenant_id)
    begun = move(desk, tenant_id, "there", Fault(step, "cut"))
    desk.vault.execute("here", f'DROP DATABASE "{tenant_id}" WITH (FORCE)')
    if step == "prepare":
        # What the same call meets is written down, and the way back is still there.
        desk.perform(desk.start(f"POST /tenants/{tenant_id}/move", {"server_id": "there"}))
        desk.follow(begun, 1)
    else:
        desk.follow(desk.do(f"POST /tenants/{tenant_id}/undo"))
    left = desk.vault.tenant(tenant_id).left_behind
    assert ([one.home.server_id for one in left], desk.vault.tenant(tenant_id).relocation) == (["there"], "")
    assert f"database {tenant_id}" in desk.vault.traces(tenant_id)["there"]
    desk.do(f"POST /tenants/{tenant_id}/backups/{backup.backup_id}/restore", {"tenant_id": tenant_id.value})
    desk.use_up(tenant_id)


@pytest.mark.parametrize("step", ["find", "keep", "swap"])
def test_a_backup_vanishes_under_its_restore(desk: Desk, lodgers: Lodgers, step: str) -> None:
    """The backup is deleted while its restore is cut: what was swapped is finished, and else the tenant is free."""
    with lodgers.lodge(DATABASE) as tenant_id:
        new = desk.free_id()
        begun = restore(desk, tenant_id, Fault(step, "cut"))
        made = restore(desk, tenant_id, Fault(step, "cut"), {"into": new.value}) if step == "find" else ""
        for found in desk.vault.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"tenants/{tenant_id}/")["Contents"]:
            desk.vault.s3.delete_object(Bucket=BUCKET, Key=found["Key"])
        desk.follow(begun)
        desk.settle(tenant_id)
        if made:
            # A new tenant can't be finished: the call is taken, and then erasing it is all that is left.
            assert desk.follow(made) == ["repeat", "erase"]
            assert desk.call("GET", f"/admin/v1/tenants/{new}").status == 404


def test_a_secret_is_deleted_by_hand(desk: Desk) -> None:
    """A move without its secret is abandoned, a rename makes it anew, and an erasure needs none."""
    moving, old, new, gone, kept = desk.add(), desk.add(POOLED), desk.free_id(), desk.add(POOLED), desk.add(POOLED)
    secrets = aws_client("secretsmanager", REGION)
    begun = move(desk, moving, "there", Fault("fence", "cut"))
    secrets.delete_secret(SecretId=secret_name(STAGE, moving), ForceDeleteWithoutRecovery=True)
    desk.perform(desk.start(f"POST /tenants/{moving}/move", {"server_id": "there"}))
    assert desk.get(begun)["error"] == "credentials_missing"
    desk.follow(begun, 1)
    desk.start(f"PUT /tenants/{moving}", {})
    desk.use_up(moving)

    begun = desk.do(f"POST /tenants/{old}/rename", {"tenant_id": new.value}, Fault("rename_roles"))
    secrets.delete_secret(SecretId=secret_name(STAGE, old), ForceDeleteWithoutRecovery=True)
    desk.follow(begun)
    desk.settle(new)

    secrets.delete_secret(SecretId=secret_name(STAGE, gone), ForceDeleteWithoutRecovery=True)
    assert erase(desk, gone) == []
    # Deleted in the console, it is kept for a month.
    secrets.delete_secret(SecretId=secret_name(STAGE, kept), RecoveryWindowInDays=30)
    refused = desk.call("POST", f"/admin/v1/tenants/{kept}/move", {"server_id": "there"})
    assert (refused.status, refused.json["code"]) == (409, "secret_deleted")
    assert erase(desk, kept) == []


@pytest.mark.parametrize("how", [DatabaseUnavailable, Cut])
def test_taking_back_fails_itself(
    desk: Desk, lodgers: Lodgers, monkeypatch: pytest.MonkeyPatch, how: type[BaseException]
) -> None:
    """The server is away, or the worker dies, while a failed move, undo or restore is taken back."""

    def fail(*_: Any) -> None:
        raise how

    with lodgers.lodge(SCHEMA) as tenant_id:
        here = desk.vault.tenant(tenant_id).server_id
        there = other(here)
        for call in ("repeat", "abandon"):
            with monkeypatch.context() as patch:
                patch.setattr(Residence, "reopen", fail)
                begun = move(desk, tenant_id, there, Fault("copy"))
            assert call in desk.follow(begun, ("repeat", "abandon").index(call))
            moved = desk.vault.tenant(tenant_id).server_id == there
            desk.settle(tenant_id)
            if moved:
                move(desk, tenant_id, here)
                desk.settle(tenant_id)
        move(desk, tenant_id, there)
        with monkeypatch.context() as patch:
            patch.setattr(Residence, "reopen", fail)
            begun = desk.do(f"POST /tenants/{tenant_id}/undo", None, Fault("look"))
        desk.follow(begun)
        with monkeypatch.context() as patch:
            patch.setattr("tenantry.restores.steps.Restoration.take_back", fail)
            begun = restore(desk, tenant_id, Fault("compare"))
        desk.follow(begun, 1)


def test_a_second_operator_is_told_who_holds_the_tenant(desk: Desk) -> None:
    """Every refusal that is due to an operation names it and what can be called, also at the very same time."""
    tenant_id, new = desk.add(POOLED), desk.free_id()
    begun = move(desk, tenant_id, "there", Fault("fence"))
    calls: list[tuple[str, str, Any]] = [
        ("POST", "promote", {"isolation": "schema"}),
        ("POST", "rename", {"tenant_id": new.value}),
        ("PUT", "limits", {}),
        ("DELETE", "", erasure(tenant_id)),
        ("POST", "confirm", None),
        ("POST", "clone", {"tenant_id": new.value}),
    ]
    for method, path, body in calls:
        refused = desk.call(method, f"/admin/v1/tenants/{tenant_id}/{path}".rstrip("/"), body)
        assert refused.status == 409, refused.text
        told = refused.json["details"]
        assert f"move_tenant {begun} (failed, 08006)" in told
        assert f'POST /admin/v1/tenants/{tenant_id}/move {{"server_id": "there"}} (repeat)' in told
        assert f"POST /admin/v1/tenants/{tenant_id}/undo (abandon)" in told
        assert refused.json["hint"]
    with desk.vault.leases.hold("tenant", tenant_id.value):
        refused = desk.call("POST", f"/admin/v1/tenants/{tenant_id}/undo")
        assert (refused.status, refused.json["code"]) == (409, "operation_in_progress")
        assert begun in refused.json["details"]
    desk.follow(begun, 1)
    move(desk, tenant_id, "there")
    refused = desk.call("POST", f"/admin/v1/tenants/{tenant_id}/move", {"server_id": "here"})
    assert (refused.json["code"], "/confirm (confirm)" in refused.json["details"]) == ("move_unconfirmed", True)
    desk.use_up(tenant_id)


def test_what_was_never_complete_is_kept_as_it_was(desk: Desk, lodgers: Lodgers) -> None:
    """A clone is erased by mistake and kept: it is incomplete again, and its own call finishes it."""
    clone = desk.free_id()
    with lodgers.lodge(POOLED) as source:
        begun = desk.do(f"POST /tenants/{source}/clone", {"tenant_id": clone.value}, Fault("copy"))
        desk.start(f"DELETE /tenants/{clone}", erasure(clone) | {"undo_hours": 5})
        assert [call["meaning"] for call in desk.get(begun)["next"]] == ["nothing to do"]
        kept = desk.call("POST", f"/admin/v1/tenants/{clone}/keep")
        assert (kept.status, kept.json["status"]) == (200, "provisioning")
        assert desk.follow(begun) == ["repeat"]
        desk.use_up(clone)


def test_a_rename_that_was_reserved_is_given_up(desk: Desk, lodgers: Lodgers) -> None:
    """Something takes the new name's place after the reservation: the rename is abandoned, and the tenant free."""
    with lodgers.lodge(POOLED) as tenant_id:
        new = desk.free_id()
        begun = desk.do(f"POST /tenants/{tenant_id}/rename", {"tenant_id": new.value}, Fault("reserve", "cut"))
        desk.vault.execute("here", f'CREATE ROLE "{new}_owner"')
        assert desk.call("POST", f"/admin/v1/tenants/{tenant_id}/rename", {"tenant_id": new.value}).status == 409
        assert desk.follow(begun, 1) == ["abandon", "nothing to do"]
        assert desk.call("GET", f"/admin/v1/tenants/{new}").status == 404


def begin_as_an_older_version(desk: Desk, operation_id: str, server: str, tenant_id: TenantId) -> None:
    """Take away what an older version did not write down: the operation's fact, and the marks of the roles."""
    operation = desk.vault.store.get(operation_id)
    assert operation
    operation.facts.pop("marked")
    desk.vault.store.put(operation)
    for role in ("owner", "editor", "viewer", "login_a", "login_b"):
        desk.vault.execute(server, f'COMMENT ON ROLE "{tenant_id}_{role}" IS NULL')


def test_what_an_older_version_began(desk: Desk) -> None:
    """Roles from before there were marks are no stranger's: what made them goes on, or is abandoned and leaves none."""
    for which in (0, 1):
        tenant_id = desk.add(POOLED)
        begun = move(desk, tenant_id, "there", Fault("prepare", "cut"))
        begin_as_an_older_version(desk, begun, "there", tenant_id)
        desk.follow(begun, which)
        if which:
            assert desk.vault.traces(tenant_id)["there"] == []
        desk.settle(tenant_id)
    begun = restore(desk, tenant_id, Fault("find", "cut"), {"tenant_id": tenant_id.value, "server_id": "there"})
    begin_as_an_older_version(desk, begun, "there", tenant_id)
    desk.follow(begun)
    desk.settle(tenant_id)
    new, clone = desk.free_id(), desk.free_id()
    begun = desk.do(f"POST /tenants/{tenant_id}/rename", {"tenant_id": new.value}, Fault("rename_roles", "cut"))
    begin_as_an_older_version(desk, begun, "there", new)
    desk.follow(begun)
    desk.settle(new)
    begun = desk.do(f"POST /tenants/{new}/clone", {"tenant_id": clone.value}, Fault("prepare", "cut"))
    begin_as_an_older_version(desk, begun, "there", clone)
    desk.follow(begun)
    desk.use_up(clone)


def test_an_undo_that_is_refused_for_ever_is_confirmed(desk: Desk) -> None:
    """An editor owns a table, so that rows can't be brought back as the owner: the promotion is confirmed instead."""
    tenant_id = desk.add(SCHEMA)
    notes = f'"{tenant_id}".notes'
    statements = (
        f'GRANT CREATE ON SCHEMA "{tenant_id}" TO "{tenant_id}_editor"',
        f'SET ROLE "{tenant_id}_editor"',
        f"CREATE TABLE {notes} (id int PRIMARY KEY)",
        f'GRANT ALL ON {notes} TO "{tenant_id}_owner"',
        # Only its owner may disable it while rows are brought back.
        f"CREATE TRIGGER kept BEFORE UPDATE ON {notes} FOR EACH ROW EXECUTE FUNCTION {UNCHANGED}()",
    )
    desk.vault.execute("here", "; ".join(statements), "tenantry_schemas")
    desk.do(f"POST /tenants/{tenant_id}/promote", {"isolation": "database"})
    desk.write(tenant_id)
    begun = desk.start(f"POST /tenants/{tenant_id}/undo")
    for _ in range(2):
        desk.perform(begun)
        assert desk.get(begun)["status"] == "failed"
        desk.start(f"POST /tenants/{tenant_id}/undo")
    desk.perform(begun)
    assert [call["meaning"] for call in desk.get(begun)["next"]] == ["repeat", "confirm"]
    desk.follow(begun, 1)
    assert desk.vault.tenant(tenant_id).isolation is DATABASE
    desk.use_up(tenant_id)


def test_a_drill_that_keeps_failing_holds_nothing(desk: Desk, lodgers: Lodgers) -> None:
    """A backup whose dump is gone fails every drill: the next backup is drilled, and the tenant is free meanwhile."""
    with lodgers.lodge(POOLED) as tenant_id:
        backup = desk.vault.back_up(tenant_id)
        assert backup.manifest
        desk.vault.s3.delete_object(Bucket=BUCKET, Key=backup.manifest.dump.key)
        event = {"tenant_id": tenant_id.value, "backup_id": backup.backup_id.value}
        for _ in range(2):
            with pytest.raises(Conflict, match="can't be restored"):
                drill_backup.handler(event, Context())
        newer = desk.vault.back_up(tenant_id)
        assert drill_backup.handler(event | {"backup_id": newer.backup_id.value}, Context())["passed"]

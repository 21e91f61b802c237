"""Drills through the real handlers: every model, every kind of bad backup, and nothing left behind in any case."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from handlers import back_up_tenant, drill_backup, plan_drills
from handlers.settings.backups import drill_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict, NotFound, TenantryError
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.domain.verification import Verification
from tenantry.fleet.run import RunKind, new_run
from tenantry.operations.leases import Leases
from tests.integration.conftest import REGION, STAGE, TABLE, World
from tests.integration.fleet.conftest import BUCKET, Context, Fleet
from tests.integration.homes.conftest import fleet as models  # noqa: F401


@pytest.fixture(scope="module", autouse=True)
def _servers(fleet: Fleet) -> Iterator[None]:
    """The server is registered, with its administrator."""
    server = fleet.world.server
    fleet.world.registry.put_server(Server("local", REGION, server.host, server.port, sslmode="disable"))
    ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write(
        "local",
        Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable"),
    )
    for cached in (drill_settings, drill_backup._wired, plan_drills._adapters):
        cached.cache_clear()
    yield
    for cached in (drill_settings, drill_backup._wired, plan_drills._adapters):
        cached.cache_clear()


def back_up(tenant: TenantId) -> str:
    answer = back_up_tenant.handler({"tenant_id": tenant.value}, Context())
    return str(answer["backup_id"])


def drill(tenant: TenantId, backup_id: str, **event: str) -> dict[str, Any]:
    return drill_backup.handler({"tenant_id": tenant.value, "backup_id": backup_id, **event}, Context())


def verification(fleet: Fleet, tenant: TenantId, backup_id: str) -> Verification:
    return Verification.model_validate(fleet.json(f"tenants/{tenant}/backups/{backup_id}/verified.json"))


def kinds(fleet: Fleet, tenant: TenantId, backup_id: str) -> set[str]:
    listed = fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"tenants/{tenant}/backups/{backup_id}/")
    return {item["Key"].rpartition("/")[2] for item in listed["Contents"]}


def left_over(world: World, tenant: TenantId) -> list[Any]:
    return world.execute(
        f"""SELECT datname FROM pg_database WHERE datname LIKE '{tenant}\\_%'
            UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE '{tenant}\\_copy%'
            UNION ALL SELECT usename FROM pg_stat_activity WHERE usename LIKE '{tenant}\\_copy%'"""
    )


@pytest.mark.parametrize("model", list(Isolation))
def test_a_backup_of_any_model_is_restored_and_compared(
    fleet: Fleet,
    models: dict[Isolation, list[TenantId]],  # noqa: F811
    model: Isolation,
) -> None:
    tenant = models[model][0]
    backup_id = back_up(tenant)
    assert drill(tenant, backup_id) == {
        "tenant_id": tenant.value,
        "backup_id": backup_id,
        "passed": True,
        "was_there": False,
    }
    found = verification(fleet, tenant, backup_id)
    assert (found.passed, found.server_id, found.tenant_id) == (True, "local", tenant.value)
    assert {(t.table, t.rows) for t in found.tables} >= {("candidates", 1)}
    assert found.restored_bytes > 0
    assert found.seconds > 0
    assert kinds(fleet, tenant, backup_id) == {"dump.zst", "manifest.json", "verified.json"}
    assert left_over(fleet.world, tenant) == []


def test_a_drill_that_is_delivered_twice_finds_what_the_first_has_found(fleet: Fleet) -> None:
    tenant = fleet.world.tenants[0]
    backup_id = back_up(tenant)
    drill(tenant, backup_id)
    before = verification(fleet, tenant, backup_id)
    assert drill(tenant, backup_id)["was_there"] is True
    assert verification(fleet, tenant, backup_id) == before


def test_a_backup_that_lies_about_its_rows_fails_its_drill_for_good(fleet: Fleet) -> None:
    tenant = fleet.world.tenants[0]
    backup_id = back_up(tenant)
    key = f"tenants/{tenant}/backups/{backup_id}/manifest.json"
    content = fleet.json(key)
    content["tables"] = [table | {"rows": table["rows"] + 1} for table in content["tables"]]
    fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content))
    assert drill(tenant, backup_id)["passed"] is False
    found = verification(fleet, tenant, backup_id)
    assert not any(table.matches for table in found.tables)
    assert left_over(fleet.world, tenant) == []


def test_one_flipped_byte_is_a_finding(fleet: Fleet) -> None:
    tenant = fleet.world.tenants[0]
    backup_id = back_up(tenant)
    dump = fleet.s3.get_object(Bucket=BUCKET, Key=f"tenants/{tenant}/backups/{backup_id}/dump.zst")["Body"].read()
    flipped = bytearray(dump)
    flipped[len(dump) // 2] ^= 1
    damage(fleet, tenant, backup_id, bytes(flipped))
    assert drill(tenant, backup_id)["passed"] is False
    assert verification(fleet, tenant, backup_id).digest_matches is False
    assert left_over(fleet.world, tenant) == []


def damage(fleet: Fleet, tenant: TenantId, backup_id: str, dump: bytes) -> None:
    """Overwrite the dump, and let the manifest name the new version, as if S3 itself had stored wrong bytes."""
    prefix = f"tenants/{tenant}/backups/{backup_id}/"
    version = fleet.s3.put_object(Bucket=BUCKET, Key=f"{prefix}dump.zst", Body=dump)["VersionId"]
    content = fleet.json(f"{prefix}manifest.json")
    assert content["dump"]["sha256"] != hashlib.sha256(dump).hexdigest()
    content["dump"]["version_id"] = version
    fleet.s3.put_object(Bucket=BUCKET, Key=f"{prefix}manifest.json", Body=json.dumps(content))


def test_the_live_database_is_not_touched(fleet: Fleet) -> None:
    tenant = fleet.world.tenants[1]
    backup_id = back_up(tenant)
    owner = owner_role(tenant)
    fleet.world.execute("INSERT INTO candidates (name) VALUES ('after the backup')", tenant.value, owner)
    before = fleet.world.execute("SELECT count(*), max(name) FROM candidates", tenant.value)
    assert drill(tenant, backup_id)["passed"] is True
    assert fleet.world.execute("SELECT count(*), max(name) FROM candidates", tenant.value) == before


def test_nothing_is_drilled_that_is_no_backup(fleet: Fleet) -> None:
    tenant = fleet.world.tenants[0]
    backup_id = back_up(tenant)
    (manifest,) = [one for one in fleet.manifests(tenant.value) if one.backup_id == backup_id]
    fleet.s3.delete_object(Bucket=BUCKET, Key=manifest.dump.key, VersionId=manifest.dump.version_id)
    with pytest.raises(Conflict) as refusal:
        drill(tenant, backup_id)
    assert refusal.value.code == "backup_broken"
    with pytest.raises(NotFound):
        drill(tenant, "01K8YEVWG0ZZZZZZZZZZZZZZZZ")
    with pytest.raises(NotFound):
        drill(TenantId("nobody"), backup_id)


def test_a_drill_and_whoever_works_on_the_tenant_take_turns(fleet: Fleet) -> None:
    tenant = fleet.world.tenants[0]
    backup_id = back_up(tenant)
    run = new_run(RunKind.DRILLS, datetime.now(UTC), backup_id)
    with Leases(aws_client("dynamodb", REGION), TABLE, 900).hold("tenant", tenant.value), pytest.raises(Conflict):
        drill(tenant, backup_id, run=run.prefix)
    word = fleet.json(f"{run}outcomes/{tenant}.json")
    assert (word["result"], word["code"]) == ("skipped", "operation_in_progress")
    drill(tenant, backup_id, run=run.prefix)
    assert fleet.json(f"{run}outcomes/{tenant}.json")["result"] == "done"


def test_what_a_dead_drill_left_is_dropped_by_the_next_of_anybody(fleet: Fleet) -> None:
    mine, other = fleet.world.tenants[:2]
    left = f"{other}_drill_0123456789"
    fleet.world.execute(f'CREATE DATABASE "{left}" OWNER "{other}_owner"')
    try:
        backup_id = back_up(mine)
        with Leases(aws_client("dynamodb", REGION), TABLE, 900).hold("tenant", other.value):
            drill(mine, backup_id)
            # Somebody works on that tenant: it may be a drill that lives.
            assert left_over(fleet.world, other) == [(left,)]
        drill(mine, back_up(mine))
        assert left_over(fleet.world, other) == []
    finally:
        with suppress(TenantryError):
            fleet.world.execute(f'DROP DATABASE IF EXISTS "{left}"')


def test_a_run_drills_the_newest_backups_that_are_not_verified(fleet: Fleet) -> None:
    first, second = fleet.world.tenants[:2]
    newest = {tenant.value: back_up(tenant) for tenant in (first, second)}
    drill(first, newest[first.value])
    order = {"tenants": [first.value, second.value]}
    plan = plan_drills.handler({"order": order, "execution_name": "run"}, Context())
    assert {name: event["backup_id"] for name, event in fleet.events(plan).items()} == {
        second.value: newest[second.value]
    }
    (event,) = fleet.events(plan).values()
    drill_backup.handler(event, Context())
    summary = fleet.summarise(plan)
    assert (summary["done"], summary["failed"]) == (1, 0)
    again = plan_drills.handler({"order": order, "execution_name": "again"}, Context())
    assert again["tenants"] == 0

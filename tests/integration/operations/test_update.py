"""An operation that is under way while the stack is updated ends well, because stored names do not change."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handlers import perform_operation
from handlers.settings.operation import operation_settings
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Isolation
from tests.integration.conftest import ENVIRONMENT, World
from tests.integration.relocation.conftest import second_postgres, servers_of_the_module
from tests.integration.restores.conftest import (
    ROWS,
    Cut,
    Vault,
    dying_after,
    s3,
    vault,
)

__all__ = ["s3", "second_postgres", "servers_of_the_module", "vault"]

# The steps that version 0.1.0 writes into `done`, by the kind of operation. A step that is taken out or renamed here
# strands the operations that had done it: read its former name, too.
STORED_STEPS = {
    "move_tenant": ("prepare", "fence", "copy", "compare", "switch", "settle"),
    "promote_tenant": ("prepare", "fence", "copy", "compare", "switch", "settle"),
    "abandon_move": ("reopen", "drop_target", "forget"),
    "undo_move": ("fence", "look", "copy", "compare", "unlock", "switch", "drop_new_home", "forget_new_home"),
    "confirm_move": ("drop_former_home", "forget_former_home"),
    "clone_tenant": ("prepare", "copy", "finish"),
    # `carry` is later than 0.1.0.
    "restore_tenant": ("find", "beside", "compare", "prepare", "keep", "carry", "swap", "settle"),
    "restore_tables": ("find", "beside", "compare", "bring", "settle"),
    "undo_restore": ("keep", "swap", "settle"),
    "abandon_restore": ("take_back", "forget"),
    "erase_tenant": (
        "find",
        "drop_database",
        "drop_roles",
        "delete_backups",
        "delete_users",
        "delete_usage_key",
        "delete_secret",
        "certify",
    ),
    "erase_remains": ("find", "delete_backups", "certify"),
    "rename_tenant": (
        "reserve",
        "stop",
        "rename_roles",
        "rename_home",
        "rename_secret",
        "usage_key",
        "serve",
        "users",
        "finish",
    ),
    "apply_retention": ("plan", "delete"),
    "plan_retention": ("plan",),
    "audit_isolation": ("audit",),
    "report_drift": ("compare",),
    "report_cost": ("estimate",),
    "report_backups": ("judge",),
    "close_pgadmin": ("drop_logins", "delete_secret"),
}


@pytest.fixture
def workflows(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """The steps of each kind of operation, as the worker is wired."""
    for name, value in (ENVIRONMENT | {"BACKUP_BUCKET": "backups"}).items():
        monkeypatch.setenv(name, value)
    caches = (operation_settings.cache_clear, perform_operation._performer.cache_clear)
    for clear in caches:
        clear()
    found = perform_operation._performer()._workflows
    yield {kind: [step.name for step in steps] for kind, steps in found.items()}
    for clear in caches:
        clear()


def test_every_step_that_was_ever_stored_is_known(workflows: dict[str, list[str]]) -> None:
    for kind, stored in STORED_STEPS.items():
        assert [step for step in workflows[kind] if step in stored] == list(stored), kind


def test_every_kind_of_operation_has_its_steps_pinned(workflows: dict[str, list[str]]) -> None:
    missing = sorted(set(workflows) - set(STORED_STEPS))
    assert not missing, "name their steps here, too: from now on they are stored"


def as_stored_by_0_1_0(operation: Operation, backup: CataloguedBackup, home: dict[str, str]) -> dict[str, Any]:
    """The item of a restore whose worker ended after its comparison, with every fact that version 0.1.0 wrote."""
    facts = {
        "archived": backup.tenant_id.value,
        "backup_id": backup.backup_id.value,
        "home": home,
        "keep_rights": True,
        "has_home": True,
        "former": None,
        "former_revision": operation.facts["former_revision"],
        "admin_email": "",
        "stored_bytes": 2708,
        "dump_bytes": 15881,
        "taken_at": "2026-11-30T22:52:45.339042+00:00",
        "restore_ms": 937,
        "tables": 2,
        "rows": 201,
        "schema_revision": operation.facts["former_revision"],
        "compared": "content",
        "compare_ms": 697,
    }
    return {
        "pk": {"S": "OPERATION"},
        "sk": {"S": operation.operation_id},
        "kind": {"S": "restore_tenant"},
        "target": {"S": f"tenant/{backup.tenant_id}"},
        "requested_by": {"S": "op-1"},
        "requested_at": {"S": "2026-11-30T22:52:44.339042+00:00"},
        "status": {"S": "running"},
        "done": {"S": json.dumps(["find", "beside", "compare"])},
        "facts": {"S": json.dumps(facts)},
    }


# Where each model's tenants live; an empty name is the tenant's id.
HOMES = {
    Isolation.DATABASE: ("", "public"),
    Isolation.SCHEMA: ("tenantry_schemas", ""),
    Isolation.POOLED: ("tenantry_pool", "public"),
}


@pytest.mark.parametrize("isolation", HOMES)
def test_a_restore_that_the_former_version_began_is_finished(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    before = vault.run_as(tenant, ROWS)
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "DELETE FROM candidates WHERE id % 2 = 0")
    operation = vault.start(backup)
    with pytest.raises(Cut):
        vault.perform(operation, dying_after("compare"))
    # What is made next to the live home is found by its name: the former version gave it this one.
    staging = f"{tenant}_restore_{operation.operation_id[-10:].lower()}"
    assert f"database {staging}" in vault.leftovers(tenant)
    database, schema = (name or tenant.value for name in HOMES[isolation])
    home = {"server_id": "here", "isolation": isolation.value, "database": database, "schema": schema}
    begun = vault.store.get(operation.operation_id)
    assert begun
    vault.store._dynamodb.put_item(TableName="registry", Item=as_stored_by_0_1_0(begun, backup, home))

    vault.perform_well(operation)

    assert vault.run_as(tenant, ROWS) == before
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    assert vault.leftovers(tenant) == []


def test_a_move_that_the_former_version_began_is_finished(vault: Vault) -> None:
    tenant = vault.add()
    before = vault.run_as(tenant, ROWS)
    operation = vault.relocations.move(tenant, "there", "op-1")
    with pytest.raises(Cut):
        vault.perform(operation, dying_after("copy"))
    begun = vault.store.get(operation.operation_id)
    assert begun
    home = {"isolation": "database", "database": tenant.value, "schema": "public"}
    facts = {
        "source": {"server_id": "here", **home},
        "target": {"server_id": "there", **home},
        "schema_revision": begun.facts["schema_revision"],
        "former_revision": begun.facts["former_revision"],
        "fenced_at": begun.facts["fenced_at"],
    }
    item = {
        "pk": "OPERATION",
        "sk": operation.operation_id,
        "kind": "move_tenant",
        "target": f"tenant/{tenant}",
        "requested_by": "op-1",
        "requested_at": "2026-11-30T22:52:44.339042+00:00",
        "status": "running",
        "done": json.dumps(["prepare", "fence"]),
        "facts": json.dumps(facts),
    }
    vault.store._dynamodb.put_item(TableName="registry", Item={name: {"S": value} for name, value in item.items()})

    vault.perform_well(operation)

    assert vault.run_as(tenant, ROWS) == before
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))

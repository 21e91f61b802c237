"""A tenant that can't be moved stays unchanged, and the answer says why."""

from dataclasses import replace
from typing import Any

import pytest

from tenantry.domain.errors import Conflict, CopyFailed, NotFound, TenantryError
from tenantry.domain.operation import OperationStatus
from tenantry.domain.server import ServerStatus
from tenantry.domain.tenant import Isolation, TenantStatus
from tests.integration.relocation.conftest import Cut, Yard, dying_after


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(TenantryError) as refusal:
        call(*arguments)
    return refusal.value.code


def test_where_it_can_not_go(yard: Yard) -> None:
    tenant_id = yard.add()
    tenant, there = yard.tenant(tenant_id), yard.servers.get("there")
    traces = yard.traces(tenant_id)
    move, put = yard.relocations.move, yard.world.registry.put_server
    assert code_of(move, tenant_id, "here", "op-1") == "same_place"
    assert code_of(move, tenant_id, "nowhere", "op-1") == "server_unknown"
    for change, code in (
        ({"status": ServerStatus.DRAINING}, "server_draining"),
        ({"max_tenants": 0}, "server_full"),
        ({"region": "us-east-1"}, "other_region"),
    ):
        put(replace(there, **change))
        yard.world.registry.put_tenant(replace(tenant, region=yard.servers.get("here").region))
        assert code_of(move, tenant_id, "there", "op-1") == code
        yard.world.registry.put_tenant(tenant)
        put(there)
    for status, code in ((TenantStatus.ERASING, "tenant_erasing"), (TenantStatus.PROVISIONING, "tenant_incomplete")):
        yard.world.registry.put_tenant(replace(tenant, status=status))
        assert code_of(move, tenant_id, "there", "op-1") == code
        yard.world.registry.put_tenant(tenant)
    assert code_of(yard.relocations.promote, tenant_id, Isolation.DATABASE, "op-1") == "same_place"
    assert code_of(yard.relocations.promote, tenant_id, Isolation.SCHEMA, "op-1") == "no_promotion"
    assert code_of(yard.relocations.confirm, tenant_id, "op-1") == "nothing_to_confirm"
    assert code_of(yard.relocations.undo, tenant_id, "op-1") == "nothing_to_undo"
    assert (yard.tenant(tenant_id), yard.traces(tenant_id), yard.invoker.started) == (tenant, traces, [])


def test_others_in_its_database_are_named(yard: Yard) -> None:
    tenant_id = yard.add()
    role = f"{tenant_id}_app"
    yard.execute("here", f'CREATE ROLE "{role}"; GRANT CONNECT ON DATABASE "{tenant_id}" TO "{role}"')
    with pytest.raises(Conflict) as refusal:
        yard.relocations.move(tenant_id, "there", "op-1")
    assert (refusal.value.code, refusal.value.details) == ("foreign_roles", role)
    assert yard.tenant(tenant_id).relocation == ""


def test_one_at_a_time(yard: Yard) -> None:
    tenant_id = yard.add(Isolation.SCHEMA)
    operation = yard.relocations.move(tenant_id, "there", "op-1")
    assert code_of(yard.relocations.promote, tenant_id, Isolation.DATABASE, "op-1") == "tenant_moving"
    assert code_of(yard.relocations.confirm, tenant_id, "op-1") == "tenant_moving"
    with yard.leases.hold("tenant", tenant_id.value):
        assert code_of(yard.relocations.move, tenant_id, "there", "op-1") == "operation_in_progress"
        assert code_of(yard.perform, operation) == "operation_in_progress"
    yard.perform_well(operation)
    assert code_of(yard.relocations.move, tenant_id, "here", "op-1") == "move_unconfirmed"


def test_after_the_switch_it_is_finished_before_it_is_undone(yard: Yard) -> None:
    tenant_id = yard.add()
    operation = yard.relocations.move(tenant_id, "there", "op-1")
    with pytest.raises(Cut):
        yard.perform(operation, dying_after("switch"))
    assert code_of(yard.relocations.undo, tenant_id, "op-1") == "already_switched"
    yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))
    yard.perform_well(yard.relocations.undo(tenant_id, "op-1"))
    assert yard.tenant(tenant_id).server_id == "here"


def test_a_record_that_was_lost_harms_nobody_who_has_arrived(yard: Yard) -> None:
    tenant_id = yard.add()
    operation = yard.relocations.move(tenant_id, "there", "op-1")
    with pytest.raises(Cut):
        yard.perform(operation, dying_after("switch"))
    yard.run_as(tenant_id, "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')")
    yard.store.put(operation)
    yard.perform_well(operation)
    assert yard.run_as(tenant_id, "SELECT count(*) FROM candidates") == [(201,)]
    assert yard.tenant(tenant_id).relocation == ""


def test_a_copy_that_differs_is_not_switched_to(yard: Yard) -> None:
    tenant_id = yard.add()
    # The rows are changed by whoever restores them.
    yard.run_as(
        tenant_id,
        """CREATE FUNCTION lose() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
           CREATE TABLE lost (id int PRIMARY KEY);
           CREATE FUNCTION odd(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT pg_backend_pid()';
           CREATE TABLE computed (id int, pid int GENERATED ALWAYS AS (odd(id)) STORED);
           INSERT INTO computed VALUES (1)""",
    )
    operation = yard.relocations.move(tenant_id, "there", "op-1")
    with pytest.raises(CopyFailed) as failure:
        yard.perform(operation)
    assert (failure.value.code, failure.value.details) == ("copy_differs", "computed")
    failed = yard.store.get(operation.operation_id)
    assert failed
    assert (failed.status, failed.error, failed.done) == (OperationStatus.FAILED, "copy_differs", ())
    assert failed.facts["error_details"] == "computed"
    yard.run_as(tenant_id, "INSERT INTO lost VALUES (1)")
    yard.perform_well(yard.relocations.undo(tenant_id, "op-1"))
    assert yard.run_as(tenant_id, "SELECT * FROM lost") == [(1,)]
    assert yard.traces(tenant_id)["there"] == []


def test_what_was_changed_beyond_a_copy_is_not_undone(yard: Yard) -> None:
    tenant_id = yard.add(Isolation.POOLED)
    yard.perform_well(yard.relocations.promote(tenant_id, Isolation.DATABASE, "op-1"))
    yard.run_as(tenant_id, "ALTER TABLE candidates ADD COLUMN age int")
    with pytest.raises(Conflict) as refusal:
        yard.perform(yard.relocations.undo(tenant_id, "op-1"))
    assert (refusal.value.code, refusal.value.details) == ("changed_since", "candidates")
    yard.run_as(tenant_id, "UPDATE candidates SET age = 7")
    assert yard.tenant(tenant_id).isolation is Isolation.DATABASE


def test_a_deadline_ends_a_copy_and_leaves_nothing(yard: Yard) -> None:
    tenant_id = yard.add_with_tables()
    operation = yard.relocations.move(tenant_id, "there", "op-1")
    with pytest.raises(TenantryError):
        yard.perform(operation, seconds=-1)
    assert [name for name in yard.traces(tenant_id)["there"] if name.startswith("session")] == []
    yard.run_as(tenant_id, "INSERT INTO teams (name) VALUES ('goes on')")
    yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))


def test_an_unknown_tenant(yard: Yard) -> None:
    from tenantry.domain.tenant import TenantId

    with pytest.raises(NotFound):
        yard.relocations.move(TenantId("nobody-at-all"), "there", "op-1")

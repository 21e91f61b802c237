"""After a worker has died at any point of a restore, another one finishes it, or an undo takes it back."""

from collections.abc import Iterator
from typing import Any

import pytest

from tenantry.domain.errors import Conflict, DatabaseUnavailable
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.homes import swapping
from tests.integration.restores.conftest import ROWS, Cut, Shelf, Vault, dying_after

MODELS = [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED]
STEPS = ("find", "beside", "compare", "prepare", "keep", "swap", "settle")
NEW = "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')"
LOST = "DELETE FROM candidates WHERE id % 2 = 0"


def is_as_before(vault: Vault, tenant_id: TenantId, rows: list[Any]) -> None:
    assert vault.run_as(tenant_id, ROWS) == rows
    assert vault.leftovers(tenant_id) == []
    assert vault.tenant(tenant_id).relocation == ""
    vault.run_as(tenant_id, NEW)


def steps_of(isolation: Isolation) -> tuple[str, ...]:
    """Name the steps of a restore; only a schema is carried, all others are swapped in one transaction."""
    return (*STEPS[:5], *(["carry"] if isolation is Isolation.SCHEMA else []), *STEPS[5:])


def dying_after_each(vault: Vault, operation: Operation, steps: tuple[str, ...]) -> Iterator[str]:
    """Let one worker after the other die, each after the next step; give the step's name after each death."""
    for step in steps:
        with pytest.raises(Cut):
            vault.perform(operation, dying_after(step))
        yield step


@pytest.mark.parametrize("isolation", MODELS)
def test_a_worker_that_dies_after_any_step_is_followed_by_one_that_goes_on(
    vault: Vault, shelf: Shelf, isolation: Isolation
) -> None:
    with shelf.lend(isolation) as kept:
        tenant, backup, before = kept.tenant_id, kept.backup, kept.rows
        vault.run_as(tenant, LOST)
        operation = vault.start(backup)
        for step in dying_after_each(vault, operation, steps_of(isolation)):
            if step != "settle":  # else the tenant is at liberty already
                assert vault.start(backup).operation_id == operation.operation_id
        vault.perform_well(operation)
        assert vault.run_as(tenant, ROWS) == before
        vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
        is_as_before(vault, tenant, before)


@pytest.mark.parametrize("isolation", MODELS)
def test_what_was_cut_before_the_swap_is_undone(vault: Vault, shelf: Shelf, isolation: Isolation) -> None:
    with shelf.lend(isolation) as kept:
        tenant, backup = kept.tenant_id, kept.backup
        vault.run_as(tenant, LOST)
        for step in steps_of(isolation)[:-2]:
            lost = vault.run_as(tenant, ROWS)
            with pytest.raises(Cut):
                vault.perform(vault.start(backup), dying_after(step))
            vault.perform_well(vault.relocations.undo(tenant, "op-1"))
            is_as_before(vault, tenant, lost)
            vault.run_as(tenant, "DELETE FROM candidates WHERE email = 'new'")


@pytest.mark.parametrize("isolation", MODELS)
def test_an_undo_that_was_cut_is_finished(vault: Vault, shelf: Shelf, isolation: Isolation) -> None:
    with shelf.lend(isolation) as kept:
        tenant, backup = kept.tenant_id, kept.backup
        vault.run_as(tenant, LOST)
        lost = vault.run_as(tenant, ROWS)
        vault.perform_well(vault.start(backup))
        operation = vault.relocations.undo(tenant, "op-1")
        cuts = ("keep", "swap", "settle")
        assert [*dying_after_each(vault, operation, cuts)] == [*cuts]
        vault.perform_well(operation)
        assert vault.run_as(tenant, ROWS) == lost
        vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
        is_as_before(vault, tenant, lost)


@pytest.mark.parametrize("after", ["shut", "swap_databases", "unshut"], ids=str)
def test_a_worker_that_dies_in_the_middle_of_the_swap(
    vault: Vault, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """Nobody can connect at that moment, and the next worker ends the swap, forward or back."""
    with shelf.lend() as kept:
        tenant, backup, before = kept.tenant_id, kept.backup, kept.rows
        vault.run_as(tenant, LOST)
        real = getattr(swapping, after)

        def die(*arguments: Any) -> None:
            real(*arguments)
            raise Cut

        operation = vault.start(backup)
        with monkeypatch.context() as patch:
            patch.setattr(swapping, after, die)
            with pytest.raises(Cut):
                vault.perform(operation)
        if after == "shut":
            vault.perform_well(vault.relocations.undo(tenant, "op-1"))
            assert len(vault.run_as(tenant, ROWS)) == 100
            assert vault.leftovers(tenant) == []
            return
        with pytest.raises(Conflict) as refusal:
            vault.perform(vault.relocations.undo(tenant, "op-1"))
        assert refusal.value.code == "already_switched"
        vault.perform_well(vault.start(backup))
        assert vault.run_as(tenant, ROWS) == before
        vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
        is_as_before(vault, tenant, before)


@pytest.mark.parametrize("isolation", MODELS)
def test_a_swap_that_the_server_refuses_is_taken_back_and_can_be_repeated(
    vault: Vault, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, isolation: Isolation
) -> None:
    with shelf.lend(isolation) as kept:
        tenant, backup, before = kept.tenant_id, kept.backup, kept.rows
        vault.run_as(tenant, LOST)
        lost = vault.run_as(tenant, ROWS)

        def refuse(*_: Any) -> None:
            raise DatabaseUnavailable

        operation = vault.start(backup)
        with monkeypatch.context() as patch:
            patch.setattr(swapping, "swap_databases", refuse)
            patch.setattr(swapping, "give_way", refuse)
            patch.setattr("tenantry.restores.swap_pooled.copy_rows", refuse)
            with pytest.raises(DatabaseUnavailable):
                vault.perform(operation)
        assert vault.run_as(tenant, ROWS) == lost
        assert vault.leftovers(tenant) == []
        # Lambda delivers the event again: what has failed is over until somebody asks anew.
        with pytest.raises(Exception, match="has failed") as failure:
            vault.perform(operation)
        assert getattr(failure.value, "code", "") == DatabaseUnavailable.code
        assert vault.run_as(tenant, ROWS) == lost
        again = vault.perform_well(vault.start(backup))
        assert again.status is OperationStatus.SUCCEEDED
        assert vault.run_as(tenant, ROWS) == before

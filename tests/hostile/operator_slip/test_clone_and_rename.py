"""An operator renames a tenant while another has it cloned: the clone is finished, and nothing stays half made."""

import time
from dataclasses import replace

import pytest

from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.errors import TenantUnknown
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.tenant import Isolation, TenantStatus
from tenantry.operations.operations import Performer
from tenantry.relocation.clone_requests import CloneOrder, CloneRequests
from tenantry.relocation.workflow import relocation_workflows
from tests.integration.relocation.conftest import BINARIES
from tests.integration.tenants.renaming.conftest import Stand, postgres, servers, stand, world

__all__ = ["postgres", "servers", "stand", "world"]


def clones(stand: Stand) -> CloneRequests:
    found = stand.world
    return CloneRequests(found.registry, found.secrets, stand.servers, stand.leases, stand.operations, lambda *_: None)


def perform(stand: Stand, operation: Operation) -> Operation:
    """Do what the worker does."""
    deadline = time.monotonic() + 60
    workflows, compensations = relocation_workflows(
        stand.world.registry,
        stand.servers,
        stand.world.secrets,
        CopyTools(str(BINARIES), connect_timeout=5, lock_timeout_ms=2000),
        ConnectSettings(application_name="tenantry-move"),
        lambda: deadline,
        lambda tenant, _: replace(tenant, usage_key="key"),
    )
    return Performer(stand.store, stand.leases, workflows, compensations).perform(operation.operation_id)


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED])
def test_a_clone_finds_the_original_that_was_renamed_meanwhile(stand: Stand, isolation: Isolation) -> None:
    """Renames the original between the call and its work: the clone has its rows."""
    old, new, clone = stand.make(isolation), stand.free_id(), stand.free_id()
    rows = stand.names(old)
    operation = clones(stand).start(CloneOrder(old, clone), "op-1")
    stand.rename(old, new)
    assert perform(stand, operation).status is OperationStatus.SUCCEEDED
    assert stand.tenant(clone).status is TenantStatus.ACTIVE
    assert (stand.names(clone), stand.names(new)) == (rows, rows)


def test_a_clone_that_failed_is_taken_up_under_the_new_id(stand: Stand) -> None:
    """Renames the original twice after a clone of it was begun: the same call with its new id finishes that."""
    old, between, new, clone = stand.make(Isolation.DATABASE), stand.free_id(), stand.free_id(), stand.free_id()
    rows = stand.names(old)
    begun = clones(stand).start(CloneOrder(old, clone), "op-1")
    stand.rename(old, between)
    stand.rename(between, new)
    with pytest.raises(TenantUnknown):
        clones(stand).start(CloneOrder(old, clone), "op-1")
    again = clones(stand).start(CloneOrder(new, clone), "op-2")
    assert again.operation_id == begun.operation_id
    assert perform(stand, again).status is OperationStatus.SUCCEEDED
    assert stand.names(clone) == rows

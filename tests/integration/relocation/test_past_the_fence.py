"""A client with the tenant's own secret can write in spite of the fence; that is noticed, and nothing is lost."""

from contextlib import closing
from typing import Any

import pytest

from tenantry.domain.errors import CopyFailed
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.operations.operations import Step
from tests.integration.relocation.conftest import ROWS, Yard, replace_run

LATE = ("Late", "late@example.com")


def write_past(yard: Yard, tenant_id: TenantId) -> None:
    with closing(yard.connect(tenant_id)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW default_transaction_read_only")
        assert cursor.fetchone() == ("on",)
        cursor.execute(
            f"""BEGIN READ WRITE; SET LOCAL ROLE "{owner_role(tenant_id)}";
                SET LOCAL search_path = "{yard.credentials(tenant_id).schema}";
                INSERT INTO candidates (name, job_role, email) VALUES ('{LATE[0]}', 'x', '{LATE[1]}'); COMMIT"""
        )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Isolation.DATABASE, Isolation.DATABASE),
        (Isolation.SCHEMA, Isolation.DATABASE),
        (Isolation.POOLED, Isolation.SCHEMA),
    ],
)
def test_a_write_past_the_fence_stops_the_switch_and_is_copied_by_the_repetition(
    yard: Yard, before: Isolation, after: Isolation
) -> None:
    tenant_id = yard.add(before)

    def begin() -> Operation:
        if before is after:
            return yard.relocations.move(tenant_id, "there", "op-1")
        return yard.relocations.promote(tenant_id, after, "op-1")

    def wrap(step: Step) -> Step:
        def run(operation: Operation) -> Any:
            found = step.run(operation)
            write_past(yard, tenant_id)
            return found

        return replace_run(step, run) if step.name == "compare" else step

    home = yard.credentials(tenant_id)
    with pytest.raises(CopyFailed) as refusal:
        yard.perform(begin(), wrap)
    assert refusal.value.code == "written_meanwhile"
    assert yard.credentials(tenant_id) == home
    assert yard.run_as(tenant_id, ROWS)[-1] == LATE
    # It is served as before, and may write.
    yard.run_as(tenant_id, "UPDATE candidates SET job_role = 'y'")
    yard.perform_well(begin())
    assert yard.credentials(tenant_id) != home
    rows = yard.run_as(tenant_id, ROWS)
    assert (len(rows), rows[-1]) == (201, LATE)

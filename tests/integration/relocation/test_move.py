"""A tenant moves to another server with everything that it has, and back."""

from contextlib import closing

import psycopg2
import pytest

from tenantry.domain.tenant import Isolation
from tests.integration.relocation.conftest import ROWS, Yard

ROLES = [f"role {name}" for name in ("count", "dump", "editor", "login_a", "login_b", "owner", "viewer")]


def test_a_database_goes_to_another_server_with_everything_in_it(yard: Yard) -> None:
    tenant_id = yard.add_with_tables()
    before = [
        yard.run_as(tenant_id, f"SELECT * FROM {table} ORDER BY id") for table in ("people", "teams", "candidates")
    ]
    operation = yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))
    tenant = yard.tenant(tenant_id)
    assert (tenant.server_id, tenant.relocation) == ("there", "")
    assert tenant.former_home
    assert tenant.former_home.server_id == "here"
    assert yard.credentials(tenant_id).port == yard.postgres["there"].port
    after = [
        yard.run_as(tenant_id, f"SELECT * FROM {table} ORDER BY id") for table in ("people", "teams", "candidates")
    ]
    assert after == before
    assert yard.run_as(tenant_id, "INSERT INTO people (team) VALUES (1) RETURNING id, doubled, facts") == [
        (301, 602, {"stamped": True})
    ]
    assert operation.facts["rows"] == 506
    assert operation.facts["write_pause_ms"] >= operation.facts["read_pause_ms"] > 0
    yard.perform_well(yard.relocations.confirm(tenant_id, "op-1"))
    assert yard.traces(tenant_id) == {"here": [], "there": [f"database {tenant_id}", *ROLES]}
    assert yard.tenant(tenant_id).former_home is None


@pytest.mark.parametrize("isolation", [Isolation.SCHEMA, Isolation.POOLED])
def test_other_homes_go_to_another_server(yard: Yard, isolation: Isolation) -> None:
    tenant_id = yard.add(isolation)
    before = yard.run_as(tenant_id, ROWS)
    yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))
    assert yard.run_as(tenant_id, ROWS) == before
    yard.perform_well(yard.relocations.confirm(tenant_id, "op-1"))
    assert yard.traces(tenant_id)["here"] == []


@pytest.mark.parametrize("changed", [False, True])
def test_a_promotion_with_keys_triggers_and_types_is_undone(yard: Yard, changed: bool) -> None:
    """Rows written since the promotion are copied back table by table, and no key or trigger may act on them."""
    tenant_id = yard.add_with_tables(Isolation.SCHEMA)
    yard.perform_well(yard.relocations.promote(tenant_id, Isolation.DATABASE, "op-1"))
    assert yard.credentials(tenant_id).schema == tenant_id.value
    with closing(yard.connect(tenant_id)) as connection, connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{tenant_id}_owner"; SELECT count(*) FROM people')
        assert cursor.fetchone() == (300,)
    if changed:
        yard.run_as(tenant_id, "INSERT INTO teams (name) VALUES ('late'); INSERT INTO people (team) VALUES (6)")
        yard.run_as(tenant_id, "UPDATE people SET facts = facts - 'stamped' WHERE id < 9")
    before = [yard.run_as(tenant_id, f"SELECT * FROM {table} ORDER BY id") for table in ("people", "teams")]
    yard.perform_well(yard.relocations.undo(tenant_id, "op-1"))
    assert yard.tenant(tenant_id).isolation is Isolation.SCHEMA
    assert [yard.run_as(tenant_id, f"SELECT * FROM {table} ORDER BY id") for table in ("people", "teams")] == before
    (added,) = yard.run_as(tenant_id, "INSERT INTO people (team) VALUES (1) RETURNING id, facts")
    assert added == (302 if changed else 301, {"stamped": True})
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        yard.run_as(tenant_id, "INSERT INTO people (team) VALUES (99)")

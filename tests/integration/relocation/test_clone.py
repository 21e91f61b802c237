"""A clone is a tenant of its own, with the rows that the original had at one moment."""

import uuid
from collections.abc import Iterator

import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Isolation, TenantId, TenantStatus
from tenantry.relocation.clone_requests import CloneOrder
from tests.integration.conftest import World
from tests.integration.relocation.conftest import ROWS, Cut, Yard, dying_after

MODELS = [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED]


def new_id(yard: Yard) -> TenantId:
    made = TenantId(f"c{uuid.uuid4().hex[:10]}")
    yard.made.append(made)
    return made


@pytest.fixture(scope="module")
def sources(servers_of_the_module: tuple[World, PostgresServer]) -> Iterator[dict[Isolation, TenantId]]:
    """A tenant of each model, to be cloned: its rows may become fewer, and all else stays."""
    yard = Yard(*servers_of_the_module)
    try:
        yield {isolation: yard.add(isolation) for isolation in MODELS}
    finally:
        yard.drop()


@pytest.mark.parametrize("server", ["here", "there"])
@pytest.mark.parametrize("isolation", MODELS)
def test_a_clone_has_the_rows_and_goes_its_own_way(
    yard: Yard, sources: dict[Isolation, TenantId], isolation: Isolation, server: str
) -> None:
    source, clone = sources[isolation], new_id(yard)
    before = yard.run_as(source, ROWS)
    order = CloneOrder(source, clone, server, "boss@example.com")
    operation = yard.perform_well(yard.clones.start(order, "op-1"))
    assert operation.facts["rows"] >= len(before) > 190
    tenant = yard.tenant(clone)
    assert (tenant.status, tenant.isolation, tenant.server_id) == (TenantStatus.ACTIVE, isolation, server)
    assert (tenant.relocation, tenant.usage_key) == ("", f"key of {clone} boss@example.com")
    assert yard.run_as(clone, ROWS) == before
    yard.run_as(clone, "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')")
    yard.run_as(clone, "DELETE FROM candidates WHERE email = '1@example.com'")
    assert yard.run_as(source, ROWS) == before
    assert yard.world.call(clone, limit="1000").status == 200
    assert len(yard.world.call(clone, limit="1000").json) == len(before)
    assert yard.world.call(clone, "POST", body={"name": "n", "job_role": "x", "email": "y"}).status == 201


def test_a_clone_of_a_database_has_everything_in_it(yard: Yard) -> None:
    source, clone = yard.add_with_tables(), new_id(yard)
    yard.perform_well(yard.clones.start(CloneOrder(source, clone), "op-1"))
    query = "SELECT * FROM grown ORDER BY id"
    assert yard.run_as(clone, query) == yard.run_as(source, query)
    assert yard.run_as(clone, "INSERT INTO people (team) VALUES (1) RETURNING id") == [(301,)]
    owners = "SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class WHERE relname IN ('people', 'grown')"
    assert yard.run_as(clone, owners) == [(f"{clone}_owner",)]


@pytest.mark.parametrize("step", ["prepare", "copy", "finish"])
@pytest.mark.parametrize("isolation", MODELS)
def test_a_clone_that_was_cut_is_finished_by_the_same_call(
    yard: Yard, sources: dict[Isolation, TenantId], isolation: Isolation, step: str
) -> None:
    source, clone = sources[isolation], new_id(yard)
    before = len(yard.run_as(source, ROWS))
    order = CloneOrder(source, clone)
    operation = yard.clones.start(order, "op-1")
    with pytest.raises(Cut):
        yard.perform(operation, dying_after(step))
    if step != "finish":
        yard.run_as(source, "DELETE FROM candidates WHERE id = (SELECT max(id) FROM candidates)")
        assert yard.tenant(clone).status is TenantStatus.PROVISIONING
        assert yard.clones.start(order, "op-1").operation_id == operation.operation_id
    yard.perform_well(operation)
    assert len(yard.run_as(clone, ROWS)) == (before if step == "finish" else before - 1)
    assert yard.tenant(clone).status is TenantStatus.ACTIVE
    assert [name for name in yard.traces(clone)["here"] if name.endswith("copy")] == []


def test_what_can_not_be_cloned(yard: Yard) -> None:
    source, other = yard.add(), yard.add()
    for order, code in (
        (CloneOrder(source, other), "tenant_exists"),
        (CloneOrder(source, source), "tenant_exists"),
        (CloneOrder(source, TenantId("postgres")), "reserved_tenant_id"),
        (CloneOrder(source, new_id(yard), "nowhere"), "server_unknown"),
        (CloneOrder(TenantId("nobody-at-all"), new_id(yard)), "tenant_unknown"),
    ):
        with pytest.raises(TenantryError) as refusal:
            yard.clones.start(order, "op-1")
        assert refusal.value.code == code
    yard.run_as(source, f'CREATE POLICY p ON candidates TO "{source}_viewer" USING (true)')
    with pytest.raises(TenantryError) as refusal:
        yard.clones.start(CloneOrder(source, new_id(yard)), "op-1")
    assert refusal.value.code == "roles_in_policies"
    assert yard.invoker.started == []

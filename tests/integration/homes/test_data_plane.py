"""In every isolation model, two tenants use the same tables over the data API and never see each other's rows."""

import pytest

from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.conftest import World
from tests.integration.homes.conftest import MODELS, candidate, rows

type Fleet = dict[Isolation, list[TenantId]]


@pytest.mark.parametrize("model", MODELS)
def test_each_reads_its_own_rows(world: World, fleet: Fleet, model: Isolation) -> None:
    for tenant in fleet[model]:
        for role in ("viewer", "editor", "admin"):
            reply = world.call(tenant, role=role, select="name")
            assert (reply.status, reply.json) == (200, [{"name": tenant.value}])


@pytest.mark.parametrize("model", MODELS)
def test_each_changes_its_own_rows(world: World, fleet: Fleet, model: Isolation) -> None:
    first, second = fleet[model]
    before = world.call(second).json
    # The same address as the other's: what is unique is so within a tenant.
    assert world.call(first, "POST", body=candidate(second.value)).status == 201
    assert world.call(first, "POST", body=candidate(second.value)).status == 409
    assert world.call(first, "PATCH", body={"phone": "1"}, name=f"eq.{second}", prefer="return=representation").status
    assert world.call(first, "PATCH", body={"phone": "2"}, id="gte.0").status == 204
    assert world.call(second).json == before
    assert world.call(first, "DELETE", name=f"eq.{second}").status == 204
    assert world.call(second).json == before
    assert [row["name"] for row in world.call(first).json] == [first.value]


@pytest.mark.parametrize("model", MODELS)
def test_a_viewer_changes_nothing(world: World, fleet: Fleet, model: Isolation) -> None:
    tenant = fleet[model][0]
    assert world.call(tenant, "POST", role="viewer", body=candidate("x")).status == 403
    assert world.call(tenant, "DELETE", role="viewer", id="gte.0").status == 403


@pytest.mark.parametrize("model", MODELS)
def test_the_revision_is_nobodys_business(world: World, fleet: Fleet, model: Isolation) -> None:
    for role in ("viewer", "editor"):
        assert world.call(fleet[model][0], table="alembic_version", role=role).status == 403


def test_a_row_is_the_tenants_that_is_logged_in(world: World, fleet: Fleet) -> None:
    first, second = fleet[Isolation.POOLED]
    (row,) = world.call(first, select="name,tenant_id").json
    assert row == {"name": first.value, "tenant_id": first.value}
    forged = world.call(first, "POST", body=candidate("forged", tenant_id=second.value))
    assert (forged.status, forged.json["code"]) == (403, "42501")
    moved = world.call(first, "PATCH", body={"tenant_id": second.value}, name=f"eq.{first}")
    assert (moved.status, moved.json["code"]) == (403, "42501")


@pytest.mark.parametrize("setting", ["tenantry.tenant_id", "app.tenant_id"])
def test_what_a_session_says_of_itself_changes_nothing(world: World, fleet: Fleet, setting: str) -> None:
    first, second = fleet[Isolation.POOLED]
    credentials = world.credentials[first]
    for role in ("viewer", "editor", "owner"):
        pretend = f"SET {setting} = '{second}'; SET search_path = public; SELECT name FROM candidates"
        assert rows(world, credentials, pretend, f"{first}_{role}") == [(first.value,)]


def test_nobody_changes_shared_tables(world: World, fleet: Fleet) -> None:
    first = fleet[Isolation.POOLED][0]
    credentials = world.credentials[first]
    for statement in (
        "ALTER TABLE candidates DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE mine (id int)",
        "TRUNCATE candidates",
        "SET ROLE tenantry_pool",
        "SET row_security = off; SELECT 1 FROM candidates",
    ):
        with pytest.raises(Exception) as refusal:  # noqa: PT011
            rows(world, credentials, statement, f"{first}_owner")
        assert getattr(refusal.value, "pgcode", "") == "42501", statement


def test_the_tenants_rows_are_found_by_the_index(world: World, fleet: Fleet) -> None:
    first = fleet[Isolation.POOLED][0]
    explain = "SET enable_seqscan = off; EXPLAIN SELECT 1 FROM candidates"
    plan = "\n".join(line for (line,) in rows(world, world.credentials[first], explain, f"{first}_viewer"))
    assert "Index Cond: (tenant_id = " in plan

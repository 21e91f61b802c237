"""PostgreSQL 15 does not know all settings of today's pg_restore: a dump is restored there completely, or fails."""

from collections.abc import Callable, Iterator

import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.errors import Conflict, CopyFailed
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder
from tests.integration.conftest import World
from tests.integration.relocation.conftest import ROWS, Yard
from tests.oldest_server import oldest_postgres


@pytest.fixture(scope="module")
def old_yard(world: World) -> Iterator[Yard]:
    with oldest_postgres() as server:
        made = Yard(world, server, server)  # type: ignore[arg-type]
        yield made
        made.drop()


@pytest.mark.parametrize("way", [(Isolation.SCHEMA, Isolation.DATABASE), (Isolation.POOLED, Isolation.DATABASE)])
def test_a_tenant_is_promoted_and_brought_back(old_yard: Yard, way: tuple[Isolation, Isolation]) -> None:
    tenant_id = old_yard.add(way[0])
    before = old_yard.run_as(tenant_id, ROWS)
    old_yard.perform_well(old_yard.relocations.promote(tenant_id, way[1], "op-1"))
    assert old_yard.run_as(tenant_id, ROWS) == before
    old_yard.perform_well(old_yard.relocations.undo(tenant_id, "op-1"))
    assert old_yard.run_as(tenant_id, ROWS) == before


def test_another_error_than_the_known_one_fails_the_copy(old_yard: Yard) -> None:
    tenant_id = old_yard.add(Isolation.SCHEMA)
    # What the shared database has, and a database of its own will not.
    old_yard.execute("here", "CREATE SCHEMA elsewhere; CREATE TYPE elsewhere.odd AS ENUM ('a')", "tenantry_schemas")
    old_yard.execute("here", "GRANT USAGE ON SCHEMA elsewhere TO PUBLIC", "tenantry_schemas")
    old_yard.run_as(tenant_id, "CREATE TABLE odd (a elsewhere.odd)")
    with pytest.raises(CopyFailed) as failure:
        old_yard.perform(old_yard.relocations.promote(tenant_id, Isolation.DATABASE, "op-1"))
    assert failure.value.code == "copy_failed"
    old_yard.perform_well(old_yard.relocations.undo(tenant_id, "op-1"))
    assert len(old_yard.run_as(tenant_id, ROWS)) == 200


def test_a_locale_that_another_server_lacks_is_refused(old_yard: Yard, second_postgres: PostgresServer) -> None:
    """PostgreSQL 15 of the system knows ICU, the other one does not: nothing is begun there."""
    tenant, clone = old_yard.add(), TenantId("of-another-locale")
    name = f'"{tenant}"'
    old_yard.execute("here", f"DROP DATABASE {name} WITH (FORCE)")
    make = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'"
    old_yard.execute("here", f'CREATE DATABASE {name} OWNER "{tenant}_owner" {make}')
    old_yard.execute("here", f"ALTER DATABASE {name} SET tenantry.tenant_id = '{tenant}'")
    yard = Yard(old_yard.world, second_postgres, old_yard.postgres["here"])
    calls: list[Callable[[], object]] = [
        lambda: yard.relocations.move(tenant, "there", "op-1"),
        lambda: yard.clones.start(CloneOrder(tenant, clone, "there"), "op-1"),
    ]
    for begin in calls:
        with pytest.raises(Conflict) as refusal:
            begin()
        assert (refusal.value.code, refusal.value.details) == ("locale_unavailable", "icu de-DE, encoding UTF8")
    assert yard.tenant(tenant).relocation == ""
    assert yard.world.registry.tenant(clone) is None
    assert yard.traces(tenant)["there"] == []
    # On its own server a clone is made as it is.
    yard.perform_well(yard.clones.start(CloneOrder(tenant, clone), "op-1"))
    yard.made.append(clone)
    assert yard.execute("here", f"SELECT datlocprovider, daticulocale FROM pg_database WHERE datname = '{clone}'") == [
        ("i", "de-DE")
    ]
    yard.drop()

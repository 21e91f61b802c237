"""A database is named like those that we make and drop ourselves, or is one: it is not adopted, and never dropped."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import Isolation
from tenantry.tenants.adoption import AdoptionRequest, adopt_database
from tests.hostile.adopted_database.test_drills_and_restores import Adopted
from tests.integration.homes.conftest import new_id
from tests.integration.restores.conftest import Vault

NAMES = "SELECT name FROM people ORDER BY id"


@pytest.fixture
def adopted(vault: Vault, request: pytest.FixtureRequest) -> Iterator[Adopted]:
    made = Adopted(vault, "")
    made.database = request.param.format(id=made.tenant_id, other=new_id())
    try:
        yield made
    finally:
        made.drop()


def adopt(vault: Vault, request: AdoptionRequest) -> None:
    adopt_database(
        request,
        server=vault.servers.get("here"),
        admin=vault.servers.admin("here"),
        secret_store=vault.world.secrets,
        registry=vault.world.registry,
    )


@pytest.mark.parametrize(
    "adopted",
    ["{id}_restore_2024", "{id}_drill_x", "{id}_before_the_move", "{id}_restore_of_production"],
    indirect=True,
)
def test_a_database_that_was_restored_by_hand_stays(vault: Vault, adopted: Adopted) -> None:
    """Somebody restored production by hand as `crm_restore_2024`, and it is adopted as `crm`: no drill drops it."""
    adopted.adopt()
    backup = vault.back_up(adopted.tenant_id)
    found = vault.scratches().drill(vault.order(backup))
    assert (found.findings.differing, found.left_behind) == ([], "")
    vault.perform_well(vault.start(backup))
    vault.perform_well(vault.relocations.confirm(adopted.tenant_id, "op-1"))
    assert adopted.run(NAMES) == [("Ada",), ("Grace",)]


@pytest.mark.parametrize("adopted", ["{id}_before"], indirect=True)
@pytest.mark.parametrize("kind", ["restore", "drill"])
def test_one_that_was_adopted_under_such_a_name_before_stays(vault: Vault, adopted: Adopted, kind: str) -> None:
    """It was adopted before such names were refused, or its tenant was renamed: the registry says who lives there."""
    adopted.adopt()
    backup = vault.back_up(adopted.tenant_id)
    name = f"{adopted.tenant_id}_{kind}_2024123123"
    vault.execute("here", f'ALTER DATABASE "{adopted.database}" RENAME TO "{name}"')
    adopted.database = name
    vault.world.registry.put_tenant(replace(vault.tenant(adopted.tenant_id), adopted_database=name))
    vault.world.secrets.write(adopted.tenant_id, replace(vault.credentials(adopted.tenant_id), dbname=name))
    assert vault.scratches().sweep("here", adopted.tenant_id) == []
    vault.scratches().drill(vault.order(backup))
    assert adopted.run(NAMES) == [("Ada",), ("Grace",)]


@pytest.mark.parametrize(
    "adopted",
    ["{id}_restore_2024123123", "{other}_drill_0123456789", "{id}_before_abcdefghij", "tenantry_of_{id}"],
    indirect=True,
)
def test_a_name_that_we_may_give_is_refused(vault: Vault, adopted: Adopted) -> None:
    """Named like what a restore or a drill makes, for whichever tenant, or like what tenants share: refused."""
    with pytest.raises(BadRequest) as refusal:
        adopted.adopt()
    assert refusal.value.code == "database_reserved"
    assert vault.world.registry.tenant(adopted.tenant_id) is None
    assert adopted.run(NAMES) == [("Ada",), ("Grace",)]


@pytest.mark.parametrize("model", [Isolation.SCHEMA, Isolation.POOLED])
def test_a_database_that_tenants_share_is_nobodys(vault: Vault, model: Isolation) -> None:
    """An operator pastes a tenant's own secret into an adoption: its neighbours' schemas and rows stay theirs."""
    neighbour, stranger = vault.add(model), new_id("e")
    found = vault.credentials(neighbour)
    rights = f"SELECT datacl::text FROM pg_database WHERE datname = '{found.dbname}'"
    before = vault.execute("here", rights)
    with pytest.raises(BadRequest) as refusal:
        adopt(vault, AdoptionRequest(stranger, found.dbname, found.username, found.password, schema=found.schema))
    assert refusal.value.code == "database_reserved"
    assert vault.execute("here", rights) == before
    assert vault.execute("here", f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{stranger}')") == []

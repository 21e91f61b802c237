"""A tenant gets another id: its rows are read under it, nothing is left under the old one, and nobody else notices."""

import pytest

from tenantry.domain.data_api import DataApiChange, DataApiSettings
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import Isolation
from tenantry.tenants.exposure import DataApis
from tests.integration.homes.conftest import MODELS, candidate
from tests.integration.tenants.renaming.conftest import STEPS, Stand


@pytest.mark.parametrize("model", MODELS)
def test_the_rows_go_along_and_the_neighbour_stays(stand: Stand, model: Isolation) -> None:
    old, neighbour, new = stand.make(model), stand.make(model, rows=2), stand.free_id()
    names, others = stand.names(old), stand.names(neighbour)
    operation = stand.rename(old, new)
    assert (operation.status, tuple(operation.done)) == (OperationStatus.SUCCEEDED, STEPS)
    assert operation.facts["unserved_ms"] >= 0
    assert operation.facts["users"] == 1
    stand.assert_renamed(old, new, names)
    assert stand.names(neighbour) == others
    assert stand.world.call(new, "POST", body=candidate(f"{new}-more")).status == 201
    assert len(stand.names(new)) == len(names) + 1
    for role in ("viewer", "admin"):
        assert stand.world.call(new, role=role).status == 200


@pytest.mark.parametrize("model", MODELS)
def test_it_is_undone_by_renaming_back(stand: Stand, model: Isolation) -> None:
    old, new = stand.make(model), stand.free_id()
    names = stand.names(old)
    stand.rename(old, new)
    stand.rename(new, old)
    stand.assert_renamed(new, old, names)
    assert stand.tenant(old).former_ids == (new,)
    assert stand.world.registry.former_id(old) is None


def test_every_earlier_id_leads_to_the_newest(stand: Stand) -> None:
    first, second, third = stand.make(Isolation.SCHEMA), stand.free_id(), stand.free_id()
    stand.rename(first, second)
    stand.rename(second, third)
    assert stand.tenant(third).former_ids == (first, second)
    found = [stand.world.registry.former_id(former) for former in (first, second)]
    assert [former.successor for former in found if former] == [third, third]


def test_what_the_data_api_offers_goes_along(stand: Stand) -> None:
    old, new = stand.make(Isolation.DATABASE), stand.free_id()
    stand.world.execute("CREATE SCHEMA api; CREATE TABLE api.notes ()", old.value, f"{old}_owner")
    apis = DataApis(stand.world.registry, stand.world.secrets, stand.servers, stand.leases)
    apis.set(old, DataApiChange(("public", "api"), plans=True))
    stand.rename(old, new)
    assert stand.tenant(new).data_api == DataApiSettings(("public", "api"), plans=True)
    assert stand.world.execute("TABLE api.notes", new.value, f"{new}_viewer") == []
    apis.set(new, DataApiChange(("public",)))
    held = f"SELECT has_schema_privilege('{new}_viewer', 'api', 'USAGE')"
    assert stand.world.execute(held, new.value) == [(False,)]

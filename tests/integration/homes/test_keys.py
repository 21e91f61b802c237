"""In every isolation model, a client names a row's key in the same way, whatever columns the key has inside."""

import pytest

from tenantry.domain.tenant import Isolation
from tests.integration.conftest import World
from tests.integration.homes.conftest import MODELS, candidate
from tests.integration.homes.test_data_plane import Fleet

WHOLE = "return=representation"


@pytest.mark.parametrize("model", MODELS)
def test_an_upsert_by_a_unique_column_changes_ones_own_row(world: World, fleet: Fleet, model: Isolation) -> None:
    first, second = fleet[model]
    before = world.call(second).json
    row = candidate(second.value)
    prefer = f"resolution=merge-duplicates,{WHOLE}"
    made, again = (
        world.call(first, "POST", body=row | {"phone": phone}, prefer=prefer, on_conflict="email")
        for phone in ("1", "2")
    )
    assert (made.status, again.status) == (201, 200)
    assert (again.json[0]["id"], again.json[0]["phone"]) == (made.json[0]["id"], "2")
    assert world.call(second).json == before
    assert world.call(first, "DELETE", id=f"eq.{made.json[0]['id']}").status == 204


@pytest.mark.parametrize("model", MODELS)
def test_a_row_is_put_by_its_id(world: World, fleet: Fleet, model: Isolation) -> None:
    first, second = fleet[model]
    before = world.call(second).json
    row = {"id": 900_007, **candidate("put"), "phone": None, "location": None}
    for phone, status in (("1", 201), ("2", 200)):
        put = world.call(first, "PUT", body=row | {"phone": phone}, prefer=WHOLE, id="eq.900007")
        assert (put.status, put.json[0]["phone"]) == (status, phone), put.text
    assert world.call(second).json == before
    assert world.call(first, "DELETE", id="eq.900007").status == 204

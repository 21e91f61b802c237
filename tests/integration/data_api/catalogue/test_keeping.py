"""Cached catalogues of several tenants: each tenant gets its own, and none that its database has declared outdated."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Barrier

import pytest

from tenantry.data_api.catalogues import Catalogues
from tenantry.database.connecting import ConnectSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.tenant import TenantId, owner_role
from tenantry.postgrest.catalogue.model import Catalogue, Name
from tests.integration.conftest import World

PUBLIC = ("public",)
NOTES, TAGS = Name("public", "notes"), Name("public", "tags")
RELOAD = "NOTIFY pgrst, 'reload schema'"
# The same names mean other things in each: columns, keys and what a function takes.
SCHEMAS = [
    """CREATE TABLE tags (id int PRIMARY KEY);
       CREATE TABLE notes (id int PRIMARY KEY, first_text text, tag int REFERENCES tags);
       CREATE FUNCTION act(first_argument int) RETURNS int LANGUAGE sql AS 'SELECT 1'""",
    """CREATE TABLE tags (name text, second_note int);
       CREATE TABLE notes (number bigint PRIMARY KEY, second_text text[]);
       ALTER TABLE tags ADD FOREIGN KEY (second_note) REFERENCES notes;
       CREATE FUNCTION act(second_argument text) RETURNS text LANGUAGE sql AS 'SELECT $1'""",
]
FACTS = [
    (["id", "first_text", "tag"], ["first_argument"], "many-to-one"),
    (["number", "second_text"], ["second_argument"], "one-to-many"),
]


def facts(catalogue: Catalogue) -> tuple[list[str], list[str], str]:
    (act,) = catalogue.routines[Name("public", "act")]
    (way,) = catalogue.relationships[NOTES]
    return list(catalogue.tables[NOTES].columns), [each.name for each in act.parameters], way.cardinality.value


@pytest.fixture(scope="module")
def tenants(world: World) -> list[TenantId]:
    for tenant, statements in zip(world.tenants, SCHEMAS, strict=True):
        world.execute(statements, tenant.value, owner_role(tenant))
    return world.tenants


@pytest.fixture
def connections(world: World, tenants: list[TenantId]) -> Iterator[list[TenantConnection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(opened(world, tenant))) for tenant in tenants]


def opened(world: World, tenant: TenantId) -> TenantConnection:
    return TenantConnection(tenant, world.credentials[tenant], ConnectSettings())


def kept(capacity: int = 10, max_age: int = 300) -> Catalogues:
    return Catalogues(capacity, max_age)


def test_tenants_in_turn_get_their_own(connections: list[TenantConnection]) -> None:
    catalogues = kept()
    for _ in range(3):
        assert [facts(catalogues.get(each, PUBLIC)) for each in connections] == FACTS


def test_tenants_at_the_same_time_get_their_own(world: World, tenants: list[TenantId]) -> None:
    """There are as many threads as connections. Each thread has its own connection, and all share one cache."""
    rounds, each_has = 20, 2
    catalogues, together = kept(), Barrier(each_has * len(tenants))

    def ask(place: int) -> list[object]:
        with closing(opened(world, tenants[place])) as connection:
            together.wait(30)
            return [facts(catalogues.read(connection, PUBLIC)) for _ in range(rounds)]

    places = list(range(len(tenants))) * each_has
    with ThreadPoolExecutor(len(places)) as threads:
        answers = list(threads.map(ask, places))
    assert answers == [[FACTS[place]] * rounds for place in places]


def test_it_is_read_once(connections: list[TenantConnection]) -> None:
    catalogues = kept()
    first, second = (catalogues.get(each, PUBLIC) for each in connections)
    assert catalogues.get(connections[0], PUBLIC) is first
    assert catalogues.get(connections[1], PUBLIC) is second


def test_it_does_not_grow_old(connections: list[TenantConnection]) -> None:
    catalogues = kept(max_age=0)
    first = catalogues.get(connections[0], PUBLIC)
    assert catalogues.get(connections[0], PUBLIC) is not first


def test_only_so_many_are_kept(connections: list[TenantConnection]) -> None:
    catalogues = kept(capacity=1)
    first = catalogues.get(connections[0], PUBLIC)
    second = catalogues.get(connections[1], PUBLIC)
    assert catalogues.get(connections[1], PUBLIC) is second
    assert catalogues.get(connections[0], PUBLIC) is not first


def test_one_can_be_forgotten(connections: list[TenantConnection]) -> None:
    catalogues = kept()
    first, second = (catalogues.get(each, PUBLIC) for each in connections)
    catalogues.forget(connections[0].tenant_id)
    assert catalogues.get(connections[0], PUBLIC) is not first
    assert catalogues.get(connections[1], PUBLIC) is second


def test_other_schemas_are_another_catalogue(
    world: World, tenants: list[TenantId], connections: list[TenantConnection]
) -> None:
    world.execute("CREATE SCHEMA more; CREATE TABLE more.things (id int)", tenants[0].value)
    catalogues = kept()
    assert Name("more", "things") not in catalogues.get(connections[0], PUBLIC).tables
    assert Name("more", "things") in catalogues.get(connections[0], ("public", "more")).tables
    assert Name("more", "things") not in catalogues.get(connections[0], PUBLIC).tables


def test_what_is_announced_shows_at_once_and_to_its_tenant_alone(
    world: World, tenants: list[TenantId], connections: list[TenantConnection]
) -> None:
    catalogues = kept()
    _, second = (catalogues.get(each, PUBLIC) for each in connections)
    world.execute(f"ALTER TABLE tags ADD announced int; {RELOAD}", tenants[0].value, owner_role(tenants[0]))
    # Whatever is asked next brings the notice with its answer.
    for each in connections:
        assert each.read_json("SELECT 1", ()) == 1
    assert "announced" in catalogues.get(connections[0], PUBLIC).tables[TAGS].columns
    assert catalogues.get(connections[1], PUBLIC) is second


def test_what_changed_while_nobody_listened_shows_too(
    world: World, tenants: list[TenantId], connections: list[TenantConnection]
) -> None:
    catalogues = kept()
    assert "meanwhile" not in catalogues.get(connections[0], PUBLIC).tables[TAGS].columns
    connections[0].close()
    world.execute(f"ALTER TABLE tags ADD meanwhile int; {RELOAD}", tenants[0].value, owner_role(tenants[0]))
    with closing(opened(world, tenants[0])) as again:
        assert "meanwhile" in catalogues.get(again, PUBLIC).tables[TAGS].columns

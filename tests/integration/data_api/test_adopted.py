"""A second schema in a database that an application still uses with its own user."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tenantry.domain.tenant import Home, Isolation
from tenantry.homes.exposure import Exposure
from tests.integration.conftest import World
from tests.integration.tenants.adoption.conftest import Legacy


@pytest.fixture
def legacy(world: World) -> Iterator[Legacy]:
    made = Legacy(world)
    try:
        made.make()
        made.adopt()
        yield made
    finally:
        made.drop()


def run_as_application(legacy: Legacy, statement: str) -> None:
    with closing(legacy.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def rows(legacy: Legacy, table: str) -> list[tuple[int]]:
    return legacy.world.execute(f"SELECT count(*) FROM {table}", legacy.name, f"{legacy.name}_viewer")


def test_what_the_application_makes_there_is_reached_too(world: World, legacy: Legacy) -> None:
    run_as_application(legacy, "CREATE SCHEMA api; CREATE TABLE api.before ()")
    home = Home("local", Isolation.DATABASE, legacy.name, "public")
    Exposure(world.admin, legacy.tenant_id, home).change(["public", "api"], [])
    run_as_application(legacy, "CREATE TABLE api.later ()")
    assert rows(legacy, "api.before") == rows(legacy, "api.later") == [(0,)]
    Exposure(world.admin, legacy.tenant_id, home).change(["public"], ["api"])
    run_as_application(legacy, "CREATE TABLE api.after ()")
    held = world.execute(
        f"""SELECT has_schema_privilege(r, 'api', 'USAGE') OR has_table_privilege(r, t, 'SELECT')
            FROM unnest(ARRAY['{legacy.name}_viewer', '{legacy.name}_editor']) r,
                 unnest(ARRAY['api.before', 'api.later', 'api.after']) t""",
        legacy.name,
    )
    assert held == [(False,)] * 6

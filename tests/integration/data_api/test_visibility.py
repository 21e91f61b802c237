"""What a role may see, as PostgreSQL answers when asked as that role."""

from collections.abc import Callable, Iterator

import pytest

from tenantry.data_api.visibility import parse_visible, visible_statement
from tenantry.database.connecting import ConnectSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.tenant import Role, TenantId, database_role, owner_role
from tenantry.postgrest.catalogue.model import Name, Parameter, Routine
from tenantry.postgrest.openapi.visible import Visible
from tests.integration.conftest import World

TABLES = """
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE TABLE salaries (id int PRIMARY KEY, person text, amount numeric, gone text);
ALTER TABLE salaries DROP COLUMN gone;
CREATE VIEW "odd ""view" AS SELECT 1 AS one;
CREATE FUNCTION open_to_all() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION closed(a char(3), m mood[], OUT total int) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION closed(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE a_procedure() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE an_aggregate(int) (SFUNC = int4pl, STYPE = int);
REVOKE ALL ON salaries, "odd ""view" FROM PUBLIC, {viewer}, {editor};
REVOKE EXECUTE ON FUNCTION closed(char, mood[]), closed(int) FROM PUBLIC, {viewer}, {editor};
CREATE SCHEMA reports; CREATE TABLE reports.totals (total int); GRANT SELECT ON reports.totals TO {viewer};
"""
SALARIES = Name("public", "salaries")
ODD = Name("public", 'odd "view')
TOTALS = Name("reports", "totals")
READ = frozenset({"SELECT"})
WRITE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})

type See = Callable[..., Visible]


def closed(*types: str) -> Routine:
    return Routine(Name("public", "closed"), tuple(Parameter("x", each) for each in types))


@pytest.fixture(scope="module")
def tenant(world: World) -> TenantId:
    tenant = world.tenants[0]
    roles = {role: f'"{tenant}_{role}"' for role in ("viewer", "editor")}
    world.execute(TABLES.format(**roles), tenant.value, owner_role(tenant))
    return tenant


@pytest.fixture(scope="module")
def see(world: World, tenant: TenantId) -> Iterator[See]:
    opened = TenantConnection(tenant, world.credentials[tenant], ConnectSettings())

    def ask(role: Role, *schemas: str) -> Visible:
        text, values = visible_statement(schemas or ("public",))
        number, found, _ = opened.run(database_role(tenant, role), "{}", text, values, reads_only=True)
        visible = parse_visible(found)
        assert number == len(visible.tables) + len(visible.routines)
        return visible

    yield ask
    opened.close()


@pytest.fixture
def grant(world: World, tenant: TenantId) -> Iterator[Callable[[str], None]]:
    """Grants the viewer a right until the test ends."""
    granted: list[str] = []
    viewer = database_role(tenant, Role.VIEWER)

    def execute(what: str) -> None:
        world.execute(f'GRANT {what} TO "{viewer}"', tenant.value, owner_role(tenant))
        granted.append(what)

    yield execute
    for what in granted:
        world.execute(f'REVOKE {what} FROM "{viewer}"', tenant.value, owner_role(tenant))


def test_each_role_sees_what_it_may_do(see: See) -> None:
    candidates = Name("public", "candidates")
    viewer, editor, owner = (see(role).tables for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN))

    assert (viewer[candidates], editor[candidates], owner[candidates]) == (READ, WRITE, WRITE)
    assert SALARIES not in viewer
    assert SALARIES not in editor
    assert owner[SALARIES] == owner[ODD] == WRITE


def test_a_right_on_a_column_shows_the_table_with_that_column(see: See, grant: Callable[[str], None]) -> None:
    grant("SELECT (id, person) ON salaries")
    grant("UPDATE (amount) ON salaries")
    visible = see(Role.VIEWER)

    assert visible.tables[SALARIES] == {"SELECT", "UPDATE"}
    assert visible.columns[SALARIES] == {"id", "person", "amount"}


def test_a_right_on_a_table_is_one_on_all_of_its_columns(see: See, grant: Callable[[str], None]) -> None:
    grant("INSERT ON salaries")
    assert see(Role.VIEWER).tables[SALARIES] == {"INSERT"}
    assert see(Role.VIEWER).columns == {}


def test_a_table_that_may_only_be_emptied_shows_no_column(see: See, grant: Callable[[str], None]) -> None:
    grant("DELETE ON salaries")
    visible = see(Role.VIEWER)
    assert visible.tables[SALARIES] == {"DELETE"}
    assert visible.columns[SALARIES] == frozenset()


def test_functions_are_seen_by_those_who_may_call_them(see: See, grant: Callable[[str], None]) -> None:
    everybodys = Routine(Name("public", "open_to_all"))
    assert see(Role.VIEWER).calls(everybodys)
    assert not see(Role.VIEWER).calls(closed("integer"))
    assert {each.name.name for each in see(Role.ADMIN).routines}.isdisjoint({"a_procedure", "an_aggregate"})

    grant("EXECUTE ON FUNCTION closed(char, mood[])")
    visible = see(Role.VIEWER)
    assert visible.calls(closed("bpchar", "public.mood[]"))
    assert visible.calls(closed("character", "public.mood[]"))
    assert not visible.calls(closed("integer"))
    assert see(Role.ADMIN).calls(closed("integer"))


def test_only_the_named_schemas_that_the_role_may_use_are_looked_at(see: See, grant: Callable[[str], None]) -> None:
    assert see(Role.ADMIN, "reports").tables.keys() == {TOTALS}
    assert TOTALS not in see(Role.ADMIN).tables
    assert TOTALS not in see(Role.VIEWER, "reports", "public").tables

    grant("USAGE ON SCHEMA reports")
    assert see(Role.VIEWER, "reports", "public").tables[TOTALS] == READ


def test_a_schemas_name_is_a_value(see: See) -> None:
    assert see(Role.ADMIN, "'; DROP TABLE candidates; --", "nowhere").tables == {}
    assert Name("public", "candidates") in see(Role.ADMIN).tables

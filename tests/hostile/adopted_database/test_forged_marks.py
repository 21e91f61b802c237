"""The application of an adopted database may make databases, as many do for their tests: none of them becomes ours."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from local.postgres_server import PostgresServer
from tenantry.database.marks import SERVER_MARK, UNMARKED_LIMIT
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE, Isolation
from tenantry.revisions.history import head_revision
from tests.integration.conftest import World
from tests.integration.homes.conftest import new_id, provision
from tests.postgres import temporary_postgres

FORGED = {
    "mark": f"COMMENT ON DATABASE {{database}} IS '{SERVER_MARK}'",
    "limit": f"ALTER DATABASE {{database}} CONNECTION LIMIT {UNMARKED_LIMIT}",
    "closed": "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own, which has no shared database and no template yet."""
    with temporary_postgres("to be forged") as server:
        yield server


@pytest.fixture
def application(world: World) -> Iterator[str]:
    """A role of somebody else's that may make databases; what it has made goes with it."""
    name = f"app_{uuid4().hex[:8]}"
    world.execute(f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD 'theirs'")
    world.execute(f"GRANT CONNECT ON DATABASE postgres TO {name}")
    yield name
    for (database,) in world.execute(f"SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = '{name}'"):
        world.execute(f'ALTER DATABASE "{database}" IS_TEMPLATE false')
        world.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
    world.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def run(world: World, application: str, statement: str, database: str = "postgres") -> None:
    with (
        closing(world.server.connect(database, user=application, password="theirs")) as connection,
        connection.cursor() as cursor,
    ):
        connection.autocommit = True
        cursor.execute(statement)


@pytest.mark.parametrize("model", [Isolation.SCHEMA, Isolation.POOLED])
@pytest.mark.parametrize("forged", FORGED)
def test_a_shared_database_of_an_applications_is_not_ours(
    world: World, application: str, model: Isolation, forged: str
) -> None:
    """It makes the database in which tenants will live, and marks it as we do: none is made there."""
    database = {Isolation.SCHEMA: SCHEMAS_DATABASE, Isolation.POOLED: POOL_DATABASE}[model]
    for name in (database, f"{database}_draft"):
        run(world, application, f"CREATE DATABASE {name}")
        run(world, application, FORGED[forged].format(database=name))
        with pytest.raises(Conflict) as refusal:
            provision(world, new_id(), model)
        assert (refusal.value.code, refusal.value.details) == ("name_taken", f"database {name}")
        run(world, application, f"DROP DATABASE {name}")


@pytest.mark.parametrize("forged", ["mark", "limit"])
def test_a_template_of_an_applications_is_not_ours(world: World, application: str, forged: str) -> None:
    """It makes the template from which tenants' databases are copied, with a function of its own: none is copied."""
    name = f"tenantry_template_{head_revision()}"
    if world.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        world.execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
        world.execute(f"DROP DATABASE {name}")
    run(world, application, f"CREATE DATABASE {name}")
    run(world, application, "CREATE FUNCTION lower(int) RETURNS int LANGUAGE sql AS 'SELECT 1'", name)
    run(world, application, FORGED[forged].format(database=name))
    run(world, application, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false IS_TEMPLATE true")
    with pytest.raises(Conflict) as refusal:
        provision(world, new_id())
    assert (refusal.value.code, refusal.value.details) == ("name_taken", f"database {name}")

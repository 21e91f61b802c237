"""Places of neighbours: which locks they are is nobody else's business."""

import uuid
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from local.postgres_server import PostgresServer
from tenantry.homes.shared_database import SharedDatabase

LOGIN = f"neighbour_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def shared(postgres: PostgresServer) -> Iterator[str]:
    name = f"shared_{uuid.uuid4().hex[:8]}"

    def connect(database: str) -> psycopg2.extensions.connection:
        connection = postgres.connect(database)
        connection.autocommit = True
        return connection

    database = SharedDatabase(connect, name)
    database.ensure()
    database.ensure()
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD 'x'; GRANT CONNECT ON DATABASE {name} TO {LOGIN}")
        yield name
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        cursor.execute(f"DROP ROLE {LOGIN}")


def test_a_neighbour_does_not_see_who_holds_which_lock(postgres: PostgresServer, shared: str) -> None:
    """A tenant of a shared database reads pg_locks, to take a neighbour's places before it does; it may not."""
    with (
        closing(postgres.connect(shared, user=LOGIN, password="x")) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute("SELECT * FROM pg_locks")
    with closing(postgres.connect(shared)) as administrator, administrator.cursor() as cursor:
        cursor.execute("SELECT count(*) > 0 FROM pg_locks")
        assert cursor.fetchone() == (True,)

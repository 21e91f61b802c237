"""Databases whose catalogue is read, on the newest server and on the oldest supported one."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from local.postgres_server import PostgresServer
from tenantry.data_api.catalogue_reader import read_catalogue
from tenantry.postgrest.catalogue.model import Catalogue
from tests.oldest_server import OldestServer, oldest_postgres

PASSWORD = "of a test only"

type Server = PostgresServer | OldestServer
type Read = Callable[..., Catalogue]


class Reader:
    """A session of a login without rights, like a tenant's."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def read_json(self, statement: str, values: Any) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0]


@pytest.fixture(scope="session", params=["newest", "oldest"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "newest":
        yield request.getfixturevalue("postgres")
        return
    with oldest_postgres() as started:
        yield started


def execute(server: Server, statements: str, database: str = "postgres") -> None:
    with closing(server.connect(database)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statements)


@contextmanager
def read_by_a_login(server: Server, statements: str) -> Iterator[Read]:
    """Make a database, and return a function that reads the catalogue of its schemas."""
    name = f"catalogue_{uuid.uuid4().hex[:12]}"
    execute(server, f"CREATE ROLE {name} LOGIN NOINHERIT PASSWORD '{PASSWORD}'")
    execute(server, f"CREATE DATABASE {name}")
    try:
        execute(server, statements, name)
        with ExitStack() as stack:
            connection = stack.enter_context(closing(server.connect(name, user=name, password=PASSWORD)))
            connection.autocommit = True
            yield lambda *schemas: read_catalogue(Reader(connection), schemas)
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")
        execute(server, f"DROP ROLE {name}")

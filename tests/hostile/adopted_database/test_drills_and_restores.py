"""A database is adopted, whatever its name and whoever its application logs in as: it is drilled and restored."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg2 import sql
from psycopg2.extensions import parse_dsn

from tenantry.database.client_environment import connection_string
from tenantry.domain.pgadmin import Endpoint, Inspector, pgpass_line
from tenantry.domain.tenant import TenantId
from tenantry.domain.ulid import new_ulid
from tenantry.restores.drills.drill import DrillAdapters, DrillOrder, Drills
from tenantry.restores.drills.verification_store import VerificationStore
from tenantry.tenants.adoption import AdoptionRequest, adopt_database
from tests.integration.homes.conftest import new_id
from tests.integration.restores.conftest import Vault

PASSWORD = "of an .env file"
NAMES = [
    "host=127.0.0.1 port=4999 sslmode=disable",
    "postgresql://127.0.0.1:4999/postgres",
    "postgres://someone@127.0.0.1:4999",
    "dbname=postgres",
    'it\'s a \\ "name" = %s {x}',
    "plain",
]
TABLES = """
CREATE SCHEMA extra;
CREATE TABLE people (id serial PRIMARY KEY, name text);
CREATE TABLE extra.visits (id serial PRIMARY KEY, person int REFERENCES public.people);
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
INSERT INTO people (name) VALUES ('Ada'), ('Grace');
"""


class Adopted:
    """A tenant with a database that somebody else made, and its application."""

    def __init__(self, vault: Vault, database: str) -> None:
        self.vault, self.database = vault, database
        self.tenant_id: TenantId = new_id("d")
        self.user, self.guest = f"app_of_{self.tenant_id}", f"guest_of_{self.tenant_id}"
        vault.made.append(self.tenant_id)

    def adopt(self, shared_with: str = "", *, superuser: bool = False) -> None:
        vault, database = self.vault, sql.Identifier(self.database)
        create = f"CREATE ROLE {{}} LOGIN {'SUPERUSER' if superuser else ''} PASSWORD %s"
        with closing(vault.postgres["here"].connect("postgres")) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(sql.SQL(create).format(sql.Identifier(self.user)), (PASSWORD,))
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(self.user)))
            if shared_with:
                cursor.execute(f'CREATE DATABASE "{shared_with}" OWNER "{self.user}"')
        self.run(TABLES)
        server = vault.servers.get("here")
        adopt_database(
            AdoptionRequest(self.tenant_id, self.database, self.user, PASSWORD),
            server=server,
            admin=vault.servers.admin("here"),
            secret_store=vault.world.secrets,
            registry=vault.world.registry,
        )

    def run(self, statement: str) -> list[Any]:
        """As the application."""
        server = self.vault.postgres["here"]
        with (
            closing(server.connect(self.database, user=self.user, password=PASSWORD)) as connection,
            connection.cursor() as cursor,
        ):
            connection.autocommit = True
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def drop(self) -> None:
        owners = f"'{self.user}', '{self.tenant_id}_owner'"
        owned = f"SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) IN ({owners})"
        for (name,) in self.vault.execute("here", owned):
            with closing(self.vault.postgres["here"].connect("postgres")) as connection, connection.cursor() as cursor:
                connection.autocommit = True
                cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in (self.user, self.guest):
            with suppress(Exception):
                self.vault.execute("here", f'DROP OWNED BY "{role}"')
            self.vault.execute("here", f'DROP ROLE IF EXISTS "{role}"')


@pytest.fixture
def adopted(vault: Vault, request: pytest.FixtureRequest) -> Iterator[Adopted]:
    made = Adopted(vault, request.param)
    try:
        yield made
    finally:
        made.drop()


@pytest.mark.parametrize("adopted", NAMES, indirect=True)
def test_a_name_is_never_read_as_a_connection_string(vault: Vault, adopted: Adopted) -> None:
    """The adopted database is named like a connection string to elsewhere: its backup, drill and restore go to it."""
    adopted.adopt()
    backup = vault.back_up(adopted.tenant_id)
    assert backup.manifest
    assert backup.manifest.database.name == adopted.database
    found = vault.scratches().drill(vault.order(backup))
    assert (found.findings.differing, found.findings.rows, found.left_behind) == ([], 2, "")
    adopted.run("INSERT INTO people (name) VALUES ('Later')")
    vault.perform_well(vault.start(backup))
    assert adopted.run("SELECT name FROM people ORDER BY id") == [("Ada",), ("Grace",)]
    vault.perform_well(vault.relocations.undo(adopted.tenant_id, "op-1"))
    assert len(adopted.run("SELECT name FROM people")) == 3
    vault.perform_well(vault.relocations.confirm(adopted.tenant_id, "op-1"))


@pytest.mark.parametrize("adopted", ["plainly-adopted"], indirect=True)
def test_the_application_goes_on_after_a_restore(vault: Vault, adopted: Adopted) -> None:
    """An adopted tenant is restored in its place with its rights: application, editor and viewer do what they did."""
    adopted.adopt()
    before = default_privileges(vault, adopted)
    assert before
    vault.perform_well(vault.start(vault.back_up(adopted.tenant_id)))
    assert default_privileges(vault, adopted) == before
    adopted.run("INSERT INTO people (name) VALUES ('New'); CREATE TABLE made_later (id int)")
    editor = f"{adopted.tenant_id}_editor"
    with closing(vault.connect(adopted.tenant_id)) as connection, connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{editor}"; INSERT INTO made_later VALUES (1); SELECT count(*) FROM people')
        assert cursor.fetchone() == (3,)


def default_privileges(vault: Vault, adopted: Adopted) -> list[Any]:
    query = """SELECT pg_get_userbyid(defaclrole), defaclobjtype, defaclnamespace::regnamespace::text, defaclacl::text
               FROM pg_default_acl ORDER BY 1, 2, 3"""
    return vault.execute("here", query, adopted.database)


@pytest.mark.parametrize("adopted", ["drilled-elsewhere"], indirect=True)
def test_a_drill_on_another_server_passes(vault: Vault, adopted: Adopted) -> None:
    """The application's role is on the tenant's own server only: a drill elsewhere passes all the same."""
    adopted.adopt()
    backup = vault.back_up(adopted.tenant_id)
    there = vault.servers.get("there")
    vault.world.registry.put_server(replace(there, labels=frozenset({"drills"})))
    adapters = DrillAdapters(
        vault.world.registry,
        vault.servers,
        vault.catalogue,
        VerificationStore({backup.bucket: vault.s3}),
        vault.scratches(),
        vault.leases,
    )
    order = DrillOrder(adopted.tenant_id, backup.backup_id, new_ulid(datetime.now(UTC)))
    found, was_there = Drills(adapters).drill(order)
    assert (found.server_id, found.passed, was_there, found.left_behind) == ("there", True, False, "")
    assert vault.traces(adopted.tenant_id)["there"] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_programs_and_operators_are_given_is_a_name(name: str) -> None:
    """A name becomes the value of `dbname` and nothing else, whatever it holds; a password file names it."""

    assert parse_dsn(connection_string(name)) == {"dbname": name}
    line = pgpass_line(Inspector("acme", "s1", name, "login"), Endpoint("g", "h", 1, "require", None), "p:w")
    assert line.startswith("h:1:")

"""A database in use becomes a tenant's, while its application keeps working."""

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from tenantry.database.connecting import ConnectSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.servers.server_admin import ServerAdmin
from tests.integration.tenants.adoption.conftest import PASSWORD, Legacy, names


class Application(threading.Thread):
    """Writes in one session until it is stopped, and opens others if told to; records its errors."""

    def __init__(self, legacy: Legacy, *, opens_others: bool = True) -> None:
        super().__init__()
        self._legacy = legacy
        self._opens_others = opens_others
        self._session = legacy.connect()
        self._stopped = threading.Event()
        self.begun = threading.Event()
        self.written = 0
        self.errors: list[psycopg2.Error] = []

    def run(self) -> None:
        with closing(self._session), self._session.cursor() as cursor:
            while not self._stopped.is_set():
                try:
                    cursor.execute("INSERT INTO people (name) VALUES ('visitor') RETURNING id")
                    cursor.execute("INSERT INTO visits (person) VALUES (%s)", cursor.fetchone())
                    self.written += 1
                    if self._opens_others:
                        self._legacy.connect().close()
                except psycopg2.Error as exc:
                    self.errors.append(exc)
                self.begun.set()

    def stop(self) -> None:
        self._stopped.set()
        self.join(20)


@pytest.fixture
def application(legacy: Legacy) -> Iterator[Application]:
    running = Application(legacy)
    running.start()
    try:
        assert running.begun.wait(20)
        yield running
    finally:
        running.stop()


def test_the_application_goes_on_before_during_and_after(legacy: Legacy, application: Application) -> None:
    legacy.adopt()
    seen = application.written
    with closing(legacy.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE people ADD COLUMN nickname text")
        cursor.execute("CREATE TABLE later (id int); INSERT INTO later VALUES (1); DROP VIEW names")
    deadline = threading.Event()
    while application.written <= seen and application.is_alive():
        deadline.wait(0.01)
    application.stop()
    assert application.errors == []
    (row,) = legacy.world.execute("SELECT count(*) FROM people", legacy.name)
    assert row == (application.written + 2,)
    # What the application's user makes later is the tenant's to read, too.
    for role in ("viewer", "editor", "admin"):
        assert legacy.world.call(legacy.tenant_id, table="later", role=role).json == [{"id": 1}]


def test_applications_that_never_pause_do_not_keep_their_database_from_being_adopted(legacy: Legacy) -> None:
    """A writer locks a table, its sequence, and the target of its foreign key; the adoption locks in the same order."""
    applications = [Application(legacy, opens_others=False) for _ in range(3)]
    for running in applications:
        running.start()
    try:
        for running in applications:
            assert running.begun.wait(20)
        admin = ServerAdmin(legacy.world.admin)
        admin.make_roles(legacy.tenant_id, f"{legacy.name}_login_a", PASSWORD, 5)
        for _ in range(5):  # each may be refused by chance; none is
            admin.adopt_database(legacy.tenant_id, legacy.name, legacy.user, "public", take_objects=True)
            hand_back(legacy)
    finally:
        for running in applications:
            running.stop()
    assert [running.errors for running in applications] == [[], [], []]


def hand_back(legacy: Legacy) -> None:
    """Make the application's user the owner again, after waiting for running writes."""
    tables = "LOCK TABLE visits, people IN ACCESS EXCLUSIVE MODE"
    legacy.world.execute(
        f'BEGIN; {tables}; REASSIGN OWNED BY "{legacy.name}_owner" TO "{legacy.user}"; COMMIT', legacy.name
    )


def test_the_data_api_serves_what_was_there(legacy: Legacy) -> None:
    legacy.adopt()
    world, tenant_id = legacy.world, legacy.tenant_id
    for role in ("viewer", "editor", "admin"):
        assert names(world, tenant_id, role) == ["Ada", "Grace"]
    assert world.call(tenant_id, table="names", role="viewer").json == [{"name": "Ada"}, {"name": "Grace"}]
    assert world.call(tenant_id, "POST", "people", body={"name": "Edith"}).status == 201
    assert world.call(tenant_id, "POST", "visits", body={"person": 1}).status == 201
    assert world.call(tenant_id, "POST", "people", role="viewer", body={"name": "Eve"}).status == 403


def test_the_objects_are_the_tenants_and_nobody_elses_login_gets_in(legacy: Legacy) -> None:
    legacy.adopt()
    world, owner = legacy.world, f"{legacy.name}_owner"
    owners = world.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'", legacy.name)
    assert owners == [(owner,)]
    (database,) = world.execute(f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{legacy.name}'")
    assert database == (owner,)
    other = world.credentials[world.tenants[0]]
    with pytest.raises(psycopg2.OperationalError):
        world.server.connect(legacy.name, user=other.username, password=other.password)
    stored = world.secrets.find(legacy.tenant_id)
    assert stored
    assert (stored.dbname, stored.username) == (legacy.name, f"{legacy.name}_login_a")
    assert stored.password != PASSWORD
    TenantConnection(legacy.tenant_id, stored, ConnectSettings()).close()


def test_who_else_used_the_database_keeps_the_way_in(legacy: Legacy) -> None:
    world, analyst = legacy.world, f"{legacy.name}_analyst"
    world.execute(f"CREATE ROLE \"{analyst}\" LOGIN PASSWORD '{PASSWORD}'")
    world.execute(f'GRANT SELECT ON people TO "{analyst}"', legacy.name)
    legacy.adopt()
    session = world.server.connect(legacy.name, user=analyst, password=PASSWORD)
    with closing(session), session.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM people")
        assert cursor.fetchone() == (2,)


def test_a_user_that_others_share_keeps_what_it_owns(legacy: Legacy) -> None:
    world, other = legacy.world, f"{legacy.name}_other"
    world.execute(f'CREATE DATABASE "{other}" OWNER "{legacy.user}"')
    try:
        legacy.adopt()
        databases = world.execute(
            f"""SELECT datname, pg_get_userbyid(datdba) FROM pg_database
                WHERE starts_with(datname, '{legacy.name}') ORDER BY 1"""
        )
        assert databases == [(legacy.name, legacy.user), (other, legacy.user)]
        assert names(world, legacy.tenant_id, "admin") == ["Ada", "Grace"]
        with closing(legacy.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE people ADD COLUMN nickname text; CREATE TABLE later (id int)")
        assert world.call(legacy.tenant_id, "POST", "later", body={"id": 1}).status == 201
    finally:
        world.execute(f'DROP DATABASE "{other}" WITH (FORCE)')


def test_a_superuser_keeps_what_it_owns(legacy: Legacy) -> None:
    legacy.world.execute(f'ALTER ROLE "{legacy.user}" SUPERUSER')
    legacy.adopt()
    assert names(legacy.world, legacy.tenant_id) == ["Ada", "Grace"]

"""A database that somebody made by hand is adopted over the API while its application works; then users read it."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from local.accounts import create_users
from local.stack_file import StackServer
from tenantry.domain.credentials import secret_name
from tenantry.domain.tenant import TenantId
from tests.e2e.api import Api, open_database
from tests.e2e.living import LivingTenant, administer, erase, operator
from tests.e2e.test_permissions import invoke

PASSWORD = "the password of an .env file"
TABLES = """
CREATE TABLE candidates (id serial PRIMARY KEY, name text NOT NULL, email text);
INSERT INTO candidates (name) VALUES ('Ada'), ('Grace');
"""


@dataclass(frozen=True)
class Legacy:
    """A database, its application's user, and the secret that names both in the usual form."""

    api: Api
    server: StackServer
    name: str

    @property
    def user(self) -> str:
        return f"{self.name}_app"

    @property
    def secret(self) -> dict[str, Any]:
        place = {"host": self.server.host, "port": self.server.port, "database": self.name}
        return place | {"user": self.user, "password": PASSWORD}

    def connect(self) -> Connection:
        """Connect as the application does."""
        connection: Connection = psycopg2.connect(
            host=self.server.host, port=self.server.port, dbname=self.name, user=self.user, password=PASSWORD
        )
        connection.autocommit = True
        return connection

    def make(self) -> None:
        name, user = sql.Identifier(self.name), sql.Identifier(self.user)
        self._execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(user, sql.Literal(PASSWORD)))
        self._execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, user))
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(TABLES)

    def drop(self) -> None:
        erase(self.api, self.name)
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))
        self._execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(self.user)))

    def roles(self) -> list[str]:
        with open_database(self.server, "postgres") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s) ORDER BY 1", (self.name,))
            return [name for (name,) in cursor.fetchall()]

    def _execute(self, statement: sql.Composable) -> None:
        with open_database(self.server, "postgres") as connection, connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.fixture
def legacy(api: Api) -> Iterator[Legacy]:
    made = Legacy(api, api.stack.servers[0], f"h{uuid.uuid4().hex[:10]}")
    made.make()
    try:
        yield made
    finally:
        made.drop()


class Application:
    """Writes in the one session that it opened before the adoption, and records its errors."""

    def __init__(self, legacy: Legacy) -> None:
        self.written = 0
        self.errors: list[psycopg2.Error] = []
        self._legacy = legacy
        self._stopped = threading.Event()
        self._progress = threading.Condition()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep working until the block ends."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            self.await_more(1)
            yield
        finally:
            self._stopped.set()
            thread.join(30)

    def await_more(self, rows: int) -> None:
        """Wait until the application has written so many more rows."""
        with self._progress:
            wanted = self.written + rows
            assert self._progress.wait_for(lambda: self.errors or self.written >= wanted, 30)
        assert self.errors == []

    def _run(self) -> None:
        with closing(self._legacy.connect()) as session, session.cursor() as cursor:
            while not self._stopped.is_set() and not self.errors:
                try:
                    cursor.execute("INSERT INTO candidates (name) VALUES ('visitor')")
                except psycopg2.Error as exc:
                    self.errors.append(exc)
                with self._progress:
                    self.written += 1
                    self._progress.notify_all()


@contextmanager
def users_of(legacy: Legacy) -> Iterator[LivingTenant]:
    """The adopted tenant with its users; an erasure removes them."""
    api = legacy.api
    users = create_users(api.aws("cognito-idp"), api.stack.user_pool_id, legacy.name)
    yield LivingTenant(api, legacy.name, {user.role: api._sign_in(user) for user in users})


def test_a_hand_made_secret_and_its_database_become_a_tenants_and_the_application_goes_on(legacy: Legacy) -> None:
    api, secrets = legacy.api, legacy.api.aws("secretsmanager")
    stored_as = secret_name("local", TenantId(legacy.name))
    secrets.create_secret(Name=stored_as, SecretString=json.dumps(legacy.secret))
    application = Application(legacy)
    with application.running():
        adopted = administer(api, "POST", f"/tenants/{legacy.name}/adopt", json={"server_id": legacy.server.id})
        assert (adopted["status"], adopted["adopted_database"]) == ("active", legacy.name)
        application.await_more(5)
        with users_of(legacy) as tenant:
            for role in ("viewer", "editor", "admin"):
                rows = tenant.call("GET", role=role, params={"order": "id", "limit": "2"}).json()
                assert [row["name"] for row in rows] == ["Ada", "Grace"]
            assert tenant.call("POST", json={"name": "Edith"}).status_code == 201
            assert tenant.call("POST", role="viewer", json={"name": "Eve"}).status_code == 403
            application.await_more(5)
    assert application.errors == []
    with closing(legacy.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM candidates")
        assert cursor.fetchone() == (2 + 1 + application.written,)
    managed = json.loads(secrets.get_secret_value(SecretId=stored_as)["SecretString"])
    assert managed["username"] == f"{legacy.name}_login_a"
    assert managed["password"] != PASSWORD
    assert secrets.describe_secret(SecretId=stored_as)["RotationEnabled"]


def test_an_adopted_tenant_is_backed_up_and_erased_and_its_applications_user_stays(legacy: Legacy) -> None:
    body = {"server_id": legacy.server.id, "secret": legacy.secret}
    administer(legacy.api, "POST", f"/tenants/{legacy.name}/adopt", json=body)
    again = administer(legacy.api, "POST", f"/tenants/{legacy.name}/adopt", json=body)
    assert again["status"] == "active"
    failed, said = invoke(legacy.api, "BackUpTenant", {"tenant_id": legacy.name, "trigger": "test"})
    assert not failed, said
    erase(legacy.api, legacy.name)
    assert legacy.roles() == [legacy.user]
    with pytest.raises(psycopg2.OperationalError):
        legacy.connect()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "not it"}, "login_refused"),
        ({"database": "nothing-here"}, "database_unknown"),
        ({"port": 1}, "other_server"),
    ],
)
def test_what_is_not_as_the_secret_says_is_left_as_it_is(legacy: Legacy, change: dict[str, Any], code: str) -> None:
    api, application = legacy.api, Application(legacy)
    body = {"server_id": legacy.server.id, "secret": legacy.secret | change}
    with application.running():
        refused = api.call("POST", f"/admin/v1/tenants/{legacy.name}/adopt", operator(api), json=body)
        application.await_more(2)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert PASSWORD not in refused.text
    assert api.call("GET", f"/admin/v1/tenants/{legacy.name}", operator(api)).status_code == 404
    assert legacy.roles() == [legacy.user]


def test_a_database_that_is_a_tenants_is_not_adopted_by_another(legacy: Legacy) -> None:
    api, other = legacy.api, f"{legacy.name}-2"
    body = {"server_id": legacy.server.id, "secret": legacy.secret}
    before = administer(api, "GET", "/tenants/mycompany1")
    of_another = api.call("POST", "/admin/v1/tenants/mycompany1/adopt", operator(api), json=body)
    assert (of_another.status_code, of_another.json()["code"]) == (409, "tenant_exists")
    administer(api, "POST", f"/tenants/{legacy.name}/adopt", json=body)
    refused = api.call("POST", f"/admin/v1/tenants/{other}/adopt", operator(api), json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "database_taken")
    assert administer(api, "GET", "/tenants/mycompany1") == before

"""An operator registers a third PostgreSQL server, places tenants there, and drains it."""

import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tenantry.domain.server import server_secret_name
from tests.e2e.api import Api
from tests.e2e.living import administer, erase, living_tenant, operator
from tests.e2e.third_server import ADMINISTRATOR, LABEL, PASSWORD, REGION, ThirdServer, third_server


@pytest.fixture(scope="module")
def running(api: Api) -> Iterator[ThirdServer]:
    with third_server(api) as server:
        yield server


@pytest.fixture
def third(running: ThirdServer) -> Iterator[ThirdServer]:
    """The server, registered."""
    running.register()
    try:
        yield running
    finally:
        running.forget()


@pytest.fixture
def fourth(api: Api) -> Iterator[ThirdServer]:
    """One server more, not registered yet."""
    with third_server(api) as server:
        try:
            yield server
        finally:
            server.forget()


@pytest.fixture
def places(api: Api) -> Iterator["Places"]:
    made = Places(api)
    try:
        yield made
    finally:
        for name in made.names:
            erase(api, name)


class Places:
    """Tenants that are made only to see on which server they are placed."""

    def __init__(self, api: Api) -> None:
        self.names: list[str] = []
        self._api = api

    def place(self, **body: Any) -> str:
        """Make a tenant; returns its server's id, or the refusal's code."""
        name = f"p{uuid.uuid4().hex[:10]}"
        answer = self._api.call(
            "PUT", f"/admin/v1/tenants/{name}", operator(self._api), json={"labels": [LABEL]} | body
        )
        if answer.status_code == 201:
            self.names.append(name)
            return str(answer.json()["server_id"])
        assert answer.status_code == 409, answer.text
        assert answer.json()["hint"]
        return str(answer.json()["code"])


def known(api: Api) -> list[str]:
    return [server["server_id"] for server in administer(api, "GET", "/servers")["items"]]


def test_a_server_is_taken_in_after_a_check_and_its_password_is_shown_nowhere(api: Api, third: ThirdServer) -> None:
    assert "third" in known(api)
    checked = administer(api, "GET", "/servers/third")
    check = checked["check"]
    assert (checked["region"], checked["labels"], checked["max_tenants"]) == (REGION, sorted(["ssd", LABEL]), 5)
    assert (check["version"], check["tls"], check["tenants"]) == (api_version(third), False, 0)
    assert 0 < check["free_connections"] <= check["max_connections"]
    assert abs(check["clock_skew"]) < 5
    secrets = api.aws("secretsmanager")
    stored = secrets.get_secret_value(SecretId=server_secret_name("local", "third"))["SecretString"]
    assert (json.loads(stored)["username"], json.loads(stored)["password"]) == (ADMINISTRATOR, PASSWORD)
    for path in ("/servers", "/servers/third", "/audit"):
        assert PASSWORD not in json.dumps(administer(api, "GET", path))


def api_version(server: ThirdServer) -> str:
    version = server.postgres.connect().info.server_version
    return f"{version // 10000}.{version % 10000}"


def test_a_tenant_of_that_label_lives_there(api: Api, third: ThirdServer) -> None:
    with living_tenant(api, 3, labels=["ssd", LABEL]) as tenant:
        assert tenant.shown()["server_id"] == "third"
        assert tenant.shown()["region"] is None
        assert len(tenant.call("GET", role="viewer").json()) == 3
        connection = third.postgres.connect(tenant.name)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM candidates")
            assert cursor.fetchone() == (3,)
        connection.close()
        assert administer(api, "GET", "/servers/third")["check"]["tenants"] == 1


def test_a_tenant_that_must_not_leave_a_region_without_a_bucket_is_not_made(third: ThirdServer, places: Places) -> None:
    """Its backups would have to leave the region."""
    assert places.place(region=REGION) == "no_backup_bucket"


def test_the_least_loaded_server_is_chosen_and_a_full_one_never(
    third: ThirdServer, fourth: ThirdServer, places: Places
) -> None:
    third.register("third", max_tenants=2)
    fourth.register("fourth", max_tenants=1, labels=["nvme", LABEL])
    assert places.place(labels=["tape", LABEL]) == "no_server"
    assert [places.place() for _ in range(3)] == ["fourth", "third", "third"]
    assert places.place() == "no_server"
    fourth.register("fourth", max_tenants=2, labels=["nvme", LABEL])
    assert places.place(labels=["ssd", LABEL]) == "no_server"
    assert places.place(labels=["nvme", LABEL]) == "fourth"


def test_a_server_that_drains_takes_nobody_new_and_serves_who_is_there(
    api: Api, third: ThirdServer, places: Places
) -> None:
    with living_tenant(api, 2, labels=[LABEL]) as tenant:
        assert administer(api, "POST", "/servers/third/drain")["status"] == "draining"
        assert places.place() == "no_server"
        assert len(tenant.call("GET").json()) == 2
        assert tenant.call("POST", json={"name": "New", "job_role": "x", "email": "new@example.com"}).status_code == 201
        # The call that made the tenant may be repeated there all the same.
        administer(api, "PUT", f"/tenants/{tenant.name}", json={"labels": [LABEL]})
        third.register()
        assert places.place() == "third"


def refuse(api: Api, server_id: str, body: dict[str, Any]) -> str:
    """Try to register a server, which must not be stored; returns the code of the refusal."""
    before = known(api)
    answer = api.call("PUT", f"/admin/v1/servers/{server_id}", operator(api), json=body)
    assert answer.status_code == 400, answer.text
    assert known(api) == before
    names = [secret["Name"] for secret in api.aws("secretsmanager").list_secrets()["SecretList"]]
    assert server_secret_name("local", server_id) not in names
    assert PASSWORD not in answer.text
    return str(answer.json()["code"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sslmode": "require"}, "server_without_tls"),
        ({"admin": {"username": ADMINISTRATOR, "password": "not the password"}}, "server_unreachable"),
        ({"region": "Dublin"}, "invalid_body"),
        ({"max_tenants": 0}, "invalid_body"),
        ({"admin": {"username": ADMINISTRATOR}}, "invalid_body"),
    ],
)
def test_what_can_not_be_used_is_not_stored(api: Api, running: ThirdServer, change: dict[str, Any], code: str) -> None:
    assert refuse(api, "fifth", running.body(**change)) == code


def test_a_server_that_nobody_answers_for_is_not_stored(api: Api, running: ThirdServer) -> None:
    with socket.socket() as reserved:  # bound and not listening: connections to it are refused
        reserved.bind((running.postgres.host, 0))
        assert refuse(api, "fifth", running.body(port=reserved.getsockname()[1])) == "server_unreachable"


def test_a_malformed_id_is_told(api: Api, running: ThirdServer) -> None:
    assert refuse(api, "No_Server", running.body()) == "invalid_server_id"


def test_an_administrator_without_rights_is_refused(api: Api, running: ThirdServer) -> None:
    running.execute(f"ALTER ROLE {ADMINISTRATOR} NOCREATEROLE")
    try:
        assert refuse(api, "fifth", running.body()) == "server_rights"
    finally:
        running.execute(f"ALTER ROLE {ADMINISTRATOR} CREATEROLE")


# What a server would say of itself, put in the place of the function that says it.
LIES = {
    "server_too_old": (
        "current_setting(text)",
        """CREATE FUNCTION pg_catalog.current_setting(text) RETURNS text STABLE LANGUAGE sql AS $$
           SELECT CASE $1 WHEN 'server_version_num' THEN '140020' ELSE pg_catalog.honest($1) END $$""",
    ),
    "server_clock": (
        "clock_timestamp()",
        """CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$
           SELECT pg_catalog.honest() + interval '1 minute' $$""",
    ),
}


@pytest.mark.parametrize("code", LIES)
def test_a_server_of_another_age_is_refused(api: Api, running: ThirdServer, code: str) -> None:
    """The server's PostgreSQL is too old, or its clock is wrong."""
    function, lie = LIES[code]
    name, signature = function.rstrip(")").split("(")
    running.execute(f"SET allow_system_table_mods = on; ALTER FUNCTION pg_catalog.{function} RENAME TO honest; {lie}")
    try:
        assert refuse(api, "fifth", running.body()) == code
    finally:
        running.execute(
            f"""SET allow_system_table_mods = on; DROP FUNCTION pg_catalog.{function};
                ALTER FUNCTION pg_catalog.honest({signature}) RENAME TO {name}"""
        )

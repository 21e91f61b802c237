"""The edges of the protocol: paths and methods that there are not, answers without a body, addresses of reads."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client

from tenantry.domain.tenant import Role
from tests.integration.conftest import World
from tests.integration.data_api.gateway import PREFIX, STAGE, UNTYPED, Gateway

TABLES = """
CREATE TABLE rpc (id int PRIMARY KEY);
INSERT INTO rpc VALUES (1);
CREATE TABLE "odd näme" (id int PRIMARY KEY, t text);
INSERT INTO "odd näme" VALUES (1, 'ü');
CREATE FUNCTION one() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql VOLATILE AS 'SELECT';
CREATE FUNCTION many(n int) RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT generate_series(1, n)';
"""


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[Client]:
    tenant = world.tenants[0]
    world.execute(TABLES, tenant.value, f"{tenant}_owner")
    yield Client(Gateway(tenant, Role.EDITOR))
    drop = 'DROP TABLE rpc, "odd näme"; DROP FUNCTION one, nothing, many'
    world.execute(drop, tenant.value, f"{tenant}_owner")


def send(client: Client, method: str, path: str, **options: Any) -> Any:
    return client.open(f"{STAGE}{PREFIX}{path}", method=method, **options)


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allow"),
    [
        *((method, "/rpc/one", 405, "PGRST101", "OPTIONS,GET,HEAD,POST") for method in ("PATCH", "PUT", "DELETE")),
        ("PATCH", "/rpc/nobody", 405, "PGRST101", "OPTIONS,GET,HEAD,POST"),
        *((method, "/", 405, "PGRST117", "OPTIONS,GET,HEAD") for method in ("POST", "PATCH", "PUT", "DELETE")),
        ("GET", "/candidates/1", 404, "PGRST125", None),
        ("DELETE", "/candidates/1/2", 404, "PGRST125", None),
        ("POST", "/rpc/one/two", 404, "PGRST125", None),
        ("OPTIONS", "/candidates/1", 404, "PGRST125", None),
    ],
)
def test_what_there_is_not_is_told(
    client: Client, method: str, path: str, status: int, code: str, allow: str | None
) -> None:
    answer = send(client, method, path, json={})
    assert (answer.status_code, answer.json["code"], answer.headers.get("Allow")) == (status, code, allow)
    assert answer.headers["Content-Type"] == f"{UNTYPED}; charset=utf-8"


def test_a_table_may_be_called_like_the_place_of_functions(client: Client) -> None:
    assert send(client, "GET", "/rpc").json == [{"id": 1}]
    assert send(client, "PATCH", "/rpc?id=eq.1", json={"id": 1}).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/candidates", 201),
        ("PATCH", "/candidates?id=eq.1", 204),
        ("DELETE", "/candidates?id=eq.-1", 204),
        ("POST", "/rpc/nothing", 204),
        ("OPTIONS", "/candidates", 200),
    ],
)
def test_an_answer_without_a_body_has_no_type_of_ours(client: Client, method: str, path: str, status: int) -> None:
    body = {} if "rpc" in path else {"name": "Asha"}
    answer = send(client, method, path, json=body, headers={"Prefer": "tx=rollback"})
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (status, "", UNTYPED)


def test_the_head_of_an_answer_has_its_type(client: Client) -> None:
    answer = send(client, "HEAD", "/candidates", headers={"Accept": "text/csv"})
    assert (answer.text, answer.headers["Content-Type"]) == ("", "text/csv; charset=utf-8")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/candidates", "/candidates"),
        ("/candidates?select=id&limit=1&id=gt.0&id=lt.9", "/candidates?id=gt.0&id=lt.9&limit=1&select=id"),
        ("/odd%20n%C3%A4me?t=eq.%C3%BC", "/odd%20n%C3%A4me?t=eq.%C3%BC"),
        ("/candidates?name=eq.a%0D%0AX-A:%201", "/candidates?name=eq.a%0D%0AX-A%3A%201"),
        (f"/candidates?name=eq.{'x' * 1_000}", None),
        ("/rpc/one", None),
    ],
)
def test_a_read_tells_the_address_of_what_it_gives(client: Client, method: str, path: str, address: str | None) -> None:
    answer = send(client, method, path)
    assert (answer.status_code, answer.headers.get("Content-Location")) == (200, address)


def test_writes_and_functions_have_no_such_address(client: Client) -> None:
    for answer in (
        send(client, "POST", "/rpc/one", json={}),
        send(client, "PATCH", "/candidates?id=eq.-1", json={"name": "x"}, headers={"Prefer": "return=representation"}),
        send(client, "GET", "/"),
    ):
        assert (answer.status_code, "Content-Location" in answer.headers) == (200, False)


def test_one_value_of_several_is_an_object(client: Client) -> None:
    single = {"Accept": "application/vnd.pgrst.object+json"}
    assert send(client, "POST", "/rpc/many", json={"n": 1}, headers=single).json == {"pgrst_scalar": 1}
    assert send(client, "GET", "/rpc/many?n=1", headers=single).json == {"pgrst_scalar": 1}
    assert send(client, "GET", "/rpc/many?n=3&limit=1&offset=2", headers=single).json == {"pgrst_scalar": 3}
    assert send(client, "GET", "/rpc/one", headers=single).json == 1
    assert send(client, "GET", "/rpc/many?n=2").json == [1, 2]
    assert send(client, "GET", "/rpc/many?n=2", headers=single).json["code"] == "PGRST116"

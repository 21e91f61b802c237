"""How many rows a change may change, or a function return, whatever of them is shown."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import Reply, World, request_event

SCHEMA = """
CREATE TABLE parcels (id int PRIMARY KEY, depot int, weight int DEFAULT 1);
INSERT INTO parcels SELECT n, n % 2 FROM generate_series(1, 6) n;
CREATE FUNCTION ship_all() RETURNS SETOF parcels LANGUAGE sql AS 'UPDATE parcels SET weight = 0 RETURNING *';
CREATE FUNCTION ship_ids() RETURNS SETOF int LANGUAGE sql AS 'UPDATE parcels SET weight = 0 RETURNING id';
CREATE FUNCTION ship_table() RETURNS TABLE (n int) LANGUAGE sql AS 'UPDATE parcels SET weight = 0 RETURNING id';
GRANT SELECT, INSERT, UPDATE, DELETE ON parcels TO PUBLIC;
"""
OBJECT = "application/vnd.pgrst.object+json"
SHOWN = "return=representation"


@pytest.fixture(scope="module")
def caller(world: World) -> Viewer:
    made = Viewer(world, world.tenants[0])
    made.run(SCHEMA)
    return made


@pytest.fixture(autouse=True)
def unchanged(caller: Viewer) -> Iterator[None]:
    yield
    caller.run("TRUNCATE parcels; INSERT INTO parcels SELECT n, n % 2 FROM generate_series(1, 6) n")


def ask(
    caller: Viewer, method: str, body: Any = None, prefer: str = SHOWN, accept: str = "", path: str = "", **query: str
) -> Reply:
    event = request_event(caller.tenant, method, "parcels", role="editor", body=body, prefer=prefer, query=query)
    event["multiValueHeaders"] |= {"Accept": [accept]} if accept else {}
    event["requestContext"]["authorizer"]["dataApi"] = '{"aggregates":true,"max_rows":2}'
    return caller.send(event | ({"pathParameters": {"function": path}} if path else {}))


def changed(caller: Viewer) -> int:
    [(number,)] = caller.run("SELECT count(*) FROM parcels WHERE weight <> 1")
    return int(number)


def strictly(most: int) -> str:
    return f"handling=strict,max-affected={most},{SHOWN}"


@pytest.mark.parametrize("accept", ["", OBJECT])
@pytest.mark.parametrize("prefer", [strictly(3), SHOWN])
@pytest.mark.parametrize("most", [3, 2])
def test_all_changed_rows_count_and_not_what_is_made_of_them(
    caller: Viewer, prefer: str, accept: str, most: int
) -> None:
    bounds = {"limit": str(most)} if prefer == SHOWN else {}
    prefer = prefer if bounds else strictly(most)
    reply = ask(caller, "PATCH", {"weight": 7}, prefer, accept, depot="eq.1", select="depot,weight.sum()", **bounds)
    row = {"depot": 1, "sum": 21}
    if most == 3:
        assert (reply.status, reply.json) == (200, row if accept else [row])
    else:
        assert (reply.status, reply.json["code"]) == (400, "PGRST124")
        assert reply.json["details"] == "The query affects 3 rows"
    assert changed(caller) == (3 if most == 3 else 0)


@pytest.mark.parametrize(
    ("method", "body", "query"),
    [
        ("POST", [{"id": 7, "weight": 2}, {"id": 8, "weight": 2}], {}),
        ("PATCH", {"weight": 2}, {"id": "lt.3"}),
    ],
)
def test_one_object_that_is_made_of_all_rows_is_one(
    caller: Viewer, method: str, body: Any, query: dict[str, str]
) -> None:
    reply = ask(caller, method, body, accept=OBJECT, select="weight.sum(),count()", **query)
    assert (reply.status, reply.json) == (201 if method == "POST" else 200, {"sum": 4, "count": 2})
    assert changed(caller) == 2


def test_an_object_of_several_rows_says_of_how_many(caller: Viewer) -> None:
    reply = ask(caller, "PATCH", {"weight": 2}, strictly(1), OBJECT, id="gt.0", select="depot,count()")
    assert (reply.status, reply.json["code"]) == (406, "PGRST116")
    assert reply.json["details"] == "The result contains 2 rows"
    one = ask(caller, "PATCH", {"weight": 2}, strictly(1), OBJECT, id="gt.0", select="count()")
    assert (one.status, one.json["code"]) == (400, "PGRST124")
    assert changed(caller) == 0


def test_a_put_is_of_the_row_that_its_address_names(caller: Viewer) -> None:
    other = ask(caller, "PUT", {"id": 2, "weight": 9}, id="eq.1", select="count()")
    assert (other.status, other.json["code"]) == (400, "PGRST115")
    assert changed(caller) == 0
    assert ask(caller, "PUT", {"id": 1, "weight": 9}, id="eq.1", select="count()").status == 200
    assert ask(caller, "PUT", {"id": 9, "weight": 9}, id="eq.9", select="weight.sum()").status == 201


def test_an_upsert_tells_whether_rows_are_new(caller: Viewer) -> None:
    prefer = f"resolution=merge-duplicates,{SHOWN}"
    rows = [{"id": 1, "weight": 2}, {"id": 2, "weight": 2}]
    assert ask(caller, "POST", rows, prefer, select="count()").status == 200
    assert ask(caller, "POST", [*rows, {"id": 7, "weight": 2}], prefer, select="count()").status == 201


@pytest.mark.parametrize("function", ["ship_all", "ship_ids", "ship_table"])
@pytest.mark.parametrize("query", [{}, {"limit": "1"}, {"offset": "5"}])
def test_of_a_function_all_rows_count_that_it_returns(caller: Viewer, function: str, query: dict[str, str]) -> None:
    """Also those that are cut off, of which a function may have changed as many."""
    reply = ask(caller, "POST", {}, strictly(5), path=function, **query)
    assert (reply.status, reply.json["code"]) == (400, "PGRST124")
    assert reply.json["details"] == "The query affects 6 rows"
    assert changed(caller) == 0
    reply = ask(caller, "POST", {}, strictly(6), path=function, **query)
    assert (reply.status, len(reply.json)) == (200, 1 if query else 2)
    assert changed(caller) == 6


def test_so_do_those_that_a_filter_leaves_out(caller: Viewer) -> None:
    reply = ask(caller, "POST", {}, strictly(5), path="ship_all", id="eq.1")
    assert (reply.status, reply.json["code"]) == (400, "PGRST124")
    reply = ask(caller, "POST", {}, strictly(6), OBJECT, path="ship_all", id="eq.1", select="id")
    assert (reply.status, reply.json) == (200, {"id": 1})

"""Plans, and estimates from plans: those of the values that were asked for, however often the same was asked before."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handlers import query_tenant
from tests.integration.conftest import World, request_event

ROWS = """
CREATE TABLE uneven (id int PRIMARY KEY, kind text);
INSERT INTO uneven SELECT i, CASE WHEN i <= 1900 THEN 'usual' ELSE 'rare' || i END FROM generate_series(1, 2000) i;
CREATE INDEX ON uneven (kind);
ANALYZE uneven;
CREATE FUNCTION below(n int) RETURNS SETOF uneven LANGUAGE sql STABLE AS 'SELECT * FROM uneven WHERE id < n';
"""


@pytest.fixture(scope="module")
def uneven(world: World) -> Iterator[World]:
    tenant = world.tenants[0]
    world.execute(ROWS, tenant.value, f"{tenant}_owner")
    yield world
    world.execute("DROP TABLE uneven CASCADE", tenant.value, f"{tenant}_owner")


def ask(world: World, target: dict[str, str], method: str, query: dict[str, str], **headers: str) -> dict[str, Any]:
    body = {"kind": "x"} if method == "PATCH" else None
    event = request_event(world.tenants[0], method, "", role="editor", body=body, prefer="", query=query)
    event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    event["requestContext"]["authorizer"]["dataApi"] = '{"plans":true}'
    answer: dict[str, Any] = query_tenant.handler(event | {"pathParameters": target}, None)
    assert answer["statusCode"] < 300, answer["body"]
    return answer


@pytest.mark.parametrize(
    ("target", "method", "query", "shown"),
    [
        ({"table": "uneven"}, "GET", {"kind": "eq.usual"}, "usual"),
        ({"table": "uneven"}, "PATCH", {"kind": "eq.usual"}, "usual"),
        ({"table": "uneven"}, "GET", {"kind": "in.(usual,other)", "offset": "7"}, "{usual,other}"),
        ({"function": "below"}, "GET", {"n": "1234"}, "1234"),
    ],
)
def test_a_plan_is_the_same_each_time(
    uneven: World, target: dict[str, str], method: str, query: dict[str, str], shown: str
) -> None:
    accept = "application/vnd.pgrst.plan+text"
    plans = [ask(uneven, target, method, query, Accept=accept, Prefer="tx=rollback")["body"] for _ in range(8)]
    assert len(set(plans)) == 1
    assert shown in plans[0]


def test_a_plan_is_the_one_for_its_values_after_many_rows_were_read(uneven: World) -> None:
    table, accept = {"table": "uneven"}, "application/vnd.pgrst.plan+json"
    for number in range(1901, 1910):
        ask(uneven, table, "GET", {"kind": f"eq.rare{number}"})
    plan = json.loads(ask(uneven, table, "GET", {"kind": "eq.usual"}, Accept=accept)["body"])
    assert "usual" in json.dumps(plan)


def test_an_estimate_is_the_one_for_its_values(uneven: World) -> None:
    def estimate(kind: str) -> int:
        answer = ask(uneven, {"table": "uneven"}, "GET", {"kind": f"eq.{kind}", "limit": "1"}, Prefer="count=planned")
        return int(answer["headers"]["Content-Range"].partition("/")[2])

    assert [estimate("rare1950") < 10 for _ in range(7)] == [True] * 7
    assert [estimate("usual") > 1500 for _ in range(2)] == [True] * 2

"""Attempts to inject SQL at every place of a request, against a real database through the handler."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handlers import query_tenant
from tenantry.domain.tenant import TenantId, owner_role
from tests.integration.conftest import World, request_event

SCHEMA = """
CREATE TABLE shelves (id int PRIMARY KEY, data jsonb, name text, words tsvector);
CREATE TABLE books (id int PRIMARY KEY, shelf_id int REFERENCES shelves, name text);
CREATE TABLE canary (secret text);
CREATE FUNCTION echo(a text) RETURNS text LANGUAGE sql STABLE AS 'SELECT a';
INSERT INTO shelves VALUES (1, '{"a": [1]}', 'one', 'one');
INSERT INTO books VALUES (1, 1, 'first');
INSERT INTO canary VALUES ('untouched');
"""
ATTACKS = [
    "'; DELETE FROM canary; --",
    '"; DELETE FROM canary; --',
    "')); DELETE FROM canary; --",
    '" FROM canary) "_rows"; DELETE FROM canary; --',
    "x' UNION SELECT secret FROM canary --",
    "$$; DELETE FROM canary; $$",
    "\\'; DELETE FROM canary; --",
    "a') OR ('1'='1",
    "(SELECT secret FROM canary)",
    "1::text) FROM canary --",
    "%s%(a)s%%",
    "$1",
    'a"::regclass',
    "a. FROM canary) x; DELETE FROM canary; --",
    "a.(SELECT secret FROM canary)",
]


def requests(attack: str) -> Iterator[dict[str, Any]]:
    """Build one request for each place: `table` or `function`, then the other parts of its event."""
    quoted = '"' + attack.replace("\\", "\\\\").replace('"', '\\"') + '"'
    for name in (attack, quoted):
        yield {"query": {"select": f"id,{name}"}}
        yield {"query": {"select": f"{name}:id"}}
        yield {"query": {"select": f"id::{name}"}}
        yield {"query": {"select": f"data->{name}"}}
        yield {"query": {"select": f"x:data->a->>{name}"}}
        yield {"query": {"select": f"*,{name}(*)"}}
        yield {"query": {"select": f"*,{name}:books(*)"}}
        yield {"query": {"select": f"*,books!{name}(*)"}}
        yield {"query": {"select": f"*,books({name})"}}
        yield {"query": {"select": f"*,...books({name}:id)"}}
        yield {"query": {"select": f"*,...books({name}:id)", "books.order": "name.desc"}}
        yield {"query": {"select": f"id,...books({name}:id.count())"}}
        yield {"query": {"select": f"id,...shelves({name}:name,x:id.max())"}, "table": "books"}
        yield {"query": {"select": f"id,...shelves(...books({name}:id))"}, "table": "books"}
        yield {"query": {"select": "*,books(*)", "books.order": name}}
        yield {"query": {"select": "*,books(*)", f"books.{name}": "eq.1"}}
        yield {"query": {"select": "*,books(*)", "books.or": f"({name}.eq.1,name.eq.{name})"}}
        yield {"query": {f"data->>{name}": "eq.1"}}
        yield {"query": {"order": f"data->{name}"}}
        yield {"query": {"order": f"books({name})", "select": "*,books(*)"}}
        yield {"query": {"or": f"(name.eq.{name},id.in.({name}))"}}
        yield {"query": {"words": f"fts({name}).one"}}
        yield {"query": {"words": f"wfts.{name}"}}
        yield {"query": {"name": f"like(any).{{{name}}}"}}
        yield {"query": {"limit": name, "offset": name}}
        yield {"function": "echo", "query": {"a": name}}
        yield {"function": "echo", "query": {name: "x"}}
        yield {"function": name, "query": {}}
        yield {"table": name}
        yield {
            "method": "POST",
            "query": {"on_conflict": name},
            "body": {"id": 9},
            "prefer": "resolution=merge-duplicates",
        }
        yield {"method": "POST", "query": {"columns": name}, "body": {"id": 9}, "prefer": "missing=default"}
    yield {"method": "POST", "function": "echo", "query": {}, "body": {"a": attack}}
    yield {"method": "POST", "query": {}, "body": {"id": 8, attack: 1}, "prefer": "missing=default,tx=rollback"}
    yield {"method": "PUT", "query": {"id": "eq.8"}, "body": {"id": 8, "name": attack}, "prefer": "tx=rollback"}
    for header in ("Accept", "Accept-Profile", "Range", "Prefer", "X-Told", "Content-Type"):
        yield {"headers": {header: attack}}
    yield {"headers": {"Prefer": f"timezone={attack}"}}
    yield {"headers": {"Accept": f'application/vnd.pgrst.plan+json; for="{attack}"; options={attack}'}}


@pytest.fixture(scope="module")
def tenant(world: World) -> TenantId:
    tenant = world.tenants[0]
    world.execute(SCHEMA, tenant.value, owner_role(tenant))
    return tenant


def send(tenant: TenantId, asked: dict[str, Any]) -> tuple[int, Any]:
    method, body = asked.get("method", "GET"), asked.get("body")
    event = request_event(tenant, method, "", role="admin", body=body, prefer=asked.get("prefer", ""), query={})
    kind = "function" if "function" in asked else "table"
    event["pathParameters"] = {kind: asked.get(kind, "shelves")}
    event["multiValueQueryStringParameters"] = {key: [value] for key, value in asked.get("query", {}).items()}
    event["multiValueHeaders"] |= {name: [value] for name, value in asked.get("headers", {}).items()}
    event["requestContext"]["authorizer"]["dataApi"] = '{"aggregates":true,"plans":true}'
    answer = query_tenant.handler(event, None)
    return answer["statusCode"], answer["body"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_a_request_becomes_sql(world: World, tenant: TenantId, attack: str) -> None:
    for asked in requests(attack):
        status, body = send(tenant, asked)
        assert status < 500, (asked, body)
        if status >= 400:
            assert json.loads(body)["code"] not in {"42601", "42P02"}, asked
        assert "untouched" not in body, asked
    assert world.execute("SELECT secret FROM canary", tenant.value) == [("untouched",)]

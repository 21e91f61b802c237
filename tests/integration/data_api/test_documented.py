"""Every example in docs/data-api.md is a request that succeeds."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers import query_tenant
from tenantry.domain.tenant import TenantId, owner_role
from tests.integration.conftest import World, request_event

SCHEMA = Path(__file__).with_name("documented.sql").read_text("utf-8")
DOCUMENT = Path("docs/data-api.md").read_text("utf-8")
EXAMPLES = re.findall(r"`((?:GET|HEAD|POST|PATCH|PUT|DELETE) /[^`]*)`", DOCUMENT)
ACCEPTED = re.findall(r"`Accept: ([^`]*)`", DOCUMENT)
PREFERRED = [each for each in re.findall(r"`Prefer: ([^`]*)`", DOCUMENT) if "=" in each]
BODIES: dict[str, Any] = {
    "/candidates": {"name": "New", "email": "new@example.com"},
    "/rpc/add": {"a": 1, "b": 2},
    "/rpc/echo": [1, {"x": None}],
}


@pytest.fixture(scope="module")
def tenant(world: World) -> TenantId:
    tenant = world.tenants[0]
    world.execute(SCHEMA, tenant.value, owner_role(tenant))
    return tenant


def ask(tenant: TenantId, example: str, **headers: str) -> dict[str, Any]:
    method, _, url = example.partition(" ")
    path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
    body = BODIES.get(path) if method in ("POST", "PATCH") else None
    if method == "PUT":
        body = {"id": 3, "name": "Carla"}
    event = request_event(tenant, method, "", role="admin", body=body, prefer="", query={})
    function = path.removeprefix("/rpc/")
    event["pathParameters"] = {"function": function} if function != path else {"table": path[1:]} if path[1:] else None
    event["multiValueQueryStringParameters"] = query
    event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    event["requestContext"]["authorizer"]["dataApi"] = '{"aggregates":true,"plans":true}'
    answer: dict[str, Any] = query_tenant.handler(event, None)
    return answer


def test_forms_of_a_databases_own_are_made_as_documented(world: World, tenant: TenantId) -> None:
    made = [block for block in re.findall(r"(?m)(?:^    .*\n)+", DOCUMENT) if "CREATE DOMAIN" in block]
    assert len(made) == 2
    more = "ALTER TABLE tags ADD shade color; UPDATE tags SET shade = 255; NOTIFY pgrst, 'reload schema'"
    world.execute("".join([*made, more]), tenant.value, owner_role(tenant))
    assert ask(tenant, "GET /tags?select=shade&limit=1")["body"] == '[{"shade":"#0000ff"}]'
    page = ask(tenant, "GET /rpc/page", Accept="text/html")
    assert (page["headers"]["Content-Type"], page["body"]) == ("text/html", "<h1>Hello</h1>")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 40
    assert len(ACCEPTED) == 4
    assert len(PREFERRED) > 6


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_succeeds(tenant: TenantId, example: str) -> None:
    answer = ask(tenant, example, Prefer="tx=rollback, resolution=merge-duplicates, return=representation")
    assert answer["statusCode"] in {200, 201}, answer["body"]
    assert example.startswith("HEAD") or answer["body"] not in ("", "[]"), "an example that finds nothing shows nothing"


@pytest.mark.parametrize("accept", ACCEPTED)
def test_a_form_can_be_had(tenant: TenantId, accept: str) -> None:
    answer = ask(tenant, "GET /candidates?id=eq.1", Accept=accept)

    assert answer["statusCode"] == 200
    kind = accept.partition(";")[0]
    assert answer["headers"]["Content-Type"].startswith(kind)


@pytest.mark.parametrize("prefer", PREFERRED)
def test_a_preference_is_applied(tenant: TenantId, prefer: str) -> None:
    method = "POST /candidates?on_conflict=email" if "resolution" in prefer else "PATCH /candidates?id=eq.1"
    answer = ask(tenant, "GET /candidates" if "count" in prefer else method, Prefer=f"{prefer},tx=rollback")

    assert answer["statusCode"] < 300, answer["body"]
    applied = set(answer["headers"]["Preference-Applied"].split(", "))
    assert set(prefer.split(",")) <= applied

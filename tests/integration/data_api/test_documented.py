"""Every example in docs/data-api.md is a request that succeeds, in a database like those of the local stack."""

import re
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers import query_tenant
from local import sample_data
from tenantry.domain.tenant import TenantId, owner_role
from tests.documented import ACCEPTED, EXAMPLES, PREFERRED, TEXT, Example
from tests.integration.conftest import World, request_event


@pytest.fixture(scope="module")
def tenant(world: World) -> TenantId:
    tenant = world.tenants[0]
    owner = owner_role(tenant)
    world.execute("TRUNCATE candidates RESTART IDENTITY", tenant.value, owner)
    with closing(world.server.connect(tenant.value)) as connection:
        sample_data.load_candidates(connection, owner, sample_data.MYCOMPANY)
        for _ in ("the first start", "a later one"):
            sample_data.make_tables(connection, owner)
    return tenant


def ask(tenant: TenantId, example: Example, **headers: str) -> dict[str, Any]:
    path, query = urlsplit(example.url).path, parse_qs(urlsplit(example.url).query)
    event = request_event(tenant, example.method, "", role="editor", body=example.body, prefer="", query={})
    function = path.removeprefix("/rpc/")
    event["pathParameters"] = {"function": function} if function != path else {"table": path[1:]} if path[1:] else None
    event["multiValueQueryStringParameters"] = query
    event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    event["requestContext"]["authorizer"]["dataApi"] = '{"aggregates":true,"plans":true}'
    answer: dict[str, Any] = query_tenant.handler(event, None)
    return answer


def test_forms_of_a_databases_own_are_made_as_documented(world: World, tenant: TenantId) -> None:
    made = [block for block in re.findall(r"(?m)(?:^    .*\n)+", TEXT) if "CREATE DOMAIN" in block]
    assert len(made) == 2
    more = "ALTER TABLE tags ADD shade color; UPDATE tags SET shade = 255; NOTIFY pgrst, 'reload schema'"
    world.execute("".join([*made, more]), tenant.value, owner_role(tenant))
    assert ask(tenant, Example("GET", "/tags?select=shade&limit=1"))["body"] == '[{"shade":"#0000ff"}]'
    page = ask(tenant, Example("GET", "/rpc/page"), Accept="text/html")
    assert (page["headers"]["Content-Type"], page["body"]) == ("text/html", "<h1>Hello</h1>")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 40
    assert len(ACCEPTED) == 4
    assert len(PREFERRED) > 6
    assert all(example.body for example in EXAMPLES if example.method in ("POST", "PATCH", "PUT"))


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_succeeds(tenant: TenantId, example: Example) -> None:
    answer = ask(tenant, example, Prefer="tx=rollback, resolution=merge-duplicates, return=representation")
    assert answer["statusCode"] in {200, 201}, answer["body"]
    assert example.method == "HEAD" or answer["body"] not in ("", "[]"), "what finds nothing shows nothing"


@pytest.mark.parametrize("accept", ACCEPTED)
def test_a_form_can_be_had(tenant: TenantId, accept: str) -> None:
    answer = ask(tenant, Example("GET", "/candidates?id=eq.1"), Accept=accept)

    assert answer["statusCode"] == 200
    kind = accept.partition(";")[0]
    assert answer["headers"]["Content-Type"].startswith(kind)


@pytest.mark.parametrize("prefer", PREFERRED)
def test_a_preference_is_applied(tenant: TenantId, prefer: str) -> None:
    example = next(each for each in EXAMPLES if each.method == _method(prefer) and "select" not in each.url)
    answer = ask(tenant, example, Prefer=f"{prefer},tx=rollback")

    assert answer["statusCode"] < 300, answer["body"]
    applied = set(answer["headers"]["Preference-Applied"].split(", "))
    assert set(prefer.split(",")) <= applied


def _method(prefer: str) -> str:
    kinds = {"count": "GET", "resolution": "POST", "missing": "POST"}
    return next((method for kind, method in kinds.items() if kind in prefer), "PATCH")

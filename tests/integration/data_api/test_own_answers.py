"""What a function of the tenant's says of its own answer: headers, also several of one name."""

from typing import Any

import pytest

from handlers import query_tenant
from tests.integration.conftest import World, request_event

FUNCTIONS = """
CREATE FUNCTION answer_with(headers text) RETURNS int LANGUAGE plpgsql STABLE AS
    $$BEGIN PERFORM set_config('response.headers', headers, true); RETURN 1; END$$;
NOTIFY pgrst, 'reload schema';
"""


@pytest.fixture(scope="module")
def speaking(world: World) -> World:
    tenant = world.tenants[0]
    world.execute(FUNCTIONS, tenant.value, f"{tenant}_owner")
    return world


def _answer(world: World, headers: str, method: str) -> dict[str, Any]:
    tenant = world.tenants[0]
    query = {"headers": headers} if method != "POST" else {}
    body = {"headers": headers} if method == "POST" else None
    event = request_event(tenant, method, "", role="editor", body=body, prefer="", query=query)
    return query_tenant.handler(event | {"pathParameters": {"function": "answer_with"}}, None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_each_header_of_one_name_is_sent(speaking: World, method: str) -> None:
    cookies = '{"Set-Cookie": "a=1; Path=/"}, {"Set-Cookie": "b=2"}, {"set-cookie": "c=3"}'
    made = _answer(speaking, f'[{cookies}, {{"Link": "<a>"}}, {{"Link": "<b>"}}]', method)
    assert made["statusCode"] == 200
    assert made["multiValueHeaders"] == {"Set-Cookie": ["a=1; Path=/", "b=2", "c=3"], "Link": ["<a>", "<b>"]}
    assert not {"Set-Cookie", "Link"} & made["headers"].keys()


def test_one_in_other_case_takes_the_place_of_ours(speaking: World) -> None:
    made = _answer(speaking, '[{"content-type": "text/plain"}, {"CACHE-CONTROL": "max-age=60"}]', "POST")
    assert "multiValueHeaders" not in made
    names = [name.lower() for name in made["headers"]]
    assert len(names) == len(set(names))
    assert (made["headers"]["Content-Type"], made["headers"]["Cache-Control"]) == ("text/plain", "max-age=60")

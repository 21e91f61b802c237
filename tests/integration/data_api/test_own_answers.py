"""What a function of the tenant's says of its own answer: headers, also several of one name."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from handlers import query_tenant
from tests.integration.conftest import World, request_event

FUNCTIONS = """
CREATE FUNCTION answer_with(headers text) RETURNS int LANGUAGE plpgsql STABLE AS
    $$BEGIN PERFORM set_config('response.headers', headers, true); RETURN 1; END$$;
CREATE TABLE letters (code text PRIMARY KEY, told text DEFAULT '[]');
CREATE FUNCTION telling(letters) RETURNS text LANGUAGE sql STABLE AS
    $$SELECT set_config('response.headers', $1.told, true)$$;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM set_config('response.headers', NEW.told, true); RETURN NEW; END$$;
CREATE TRIGGER tells BEFORE INSERT ON letters FOR EACH ROW EXECUTE FUNCTION tell();
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
    body = json.dumps({"headers": headers}, ensure_ascii=False) if method == "POST" else None
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


# API Gateway sends so many bytes, and puts headers of its own among them: dates, ids of the request and the trace.
MOST_BYTES, GATEWAYS_OWN = 10_240, 600
LONGEST = "x" * (8_000 - len('[{"X-A": ""}]'))


def _bytes_of(made: dict[str, Any]) -> int:
    repeated = [(name, each) for name, values in made.get("multiValueHeaders", {}).items() for each in values]
    sent = [*made["headers"].items(), *repeated]
    return sum(len(f"{name}: {value}\r\n".encode()) for name, value in sent)


def _letters(world: World, method: str, *, prefer: str = "", body: Any = None, **query: str) -> dict[str, Any]:
    return query_tenant.handler(
        request_event(world.tenants[0], method, "letters", role="editor", body=body, prefer=prefer, query=query), None
    )


def _own(value: str) -> str:
    return json.dumps([{"X-A": value}])


def test_an_address_gives_way_to_what_a_function_says(speaking: World) -> None:
    """What may be said of one answer is bounded one by one and in sum; one part of it nobody needs."""
    for code, value in (("short", "a"), ("long", LONGEST)):
        assert _letters(speaking, "POST", body={"code": code, "told": _own(value)})["statusCode"] == 201
    prefer = "count=exact, tx=commit, handling=strict, timezone=America/Argentina/ComodRivadavia"
    rows = {"select": "telling", "offset": "0", "limit": "1", "told": f"not.like.{'é' * 150}"}
    short, long = (_letters(speaking, "GET", prefer=prefer, code=f"eq.{code}", **rows) for code in ("short", "long"))
    assert (short["statusCode"], short["headers"]["X-A"]) == (200, "a")
    assert len(short["headers"]["Content-Location"]) > 900
    assert (long["statusCode"], long["headers"]["X-A"]) == (200, LONGEST)
    assert "Content-Location" not in long["headers"]
    assert long["headers"]["Content-Range"] == "0-0/1"
    assert _bytes_of(long) + GATEWAYS_OWN <= MOST_BYTES


@pytest.mark.parametrize(
    ("code", "value", "status"),
    [
        ("é" * 25, LONGEST, 201),
        ("k" * 1_400, "x" * 4_000, 201),
        ("é" * 600, "x" * 5_000, 413),
        ("k" * 300, LONGEST, 413),
        ("é" * 800, "", 413),
    ],
)
def test_a_key_that_can_not_be_told_beside_it_is_not_written(
    speaking: World, code: str, value: str, status: int
) -> None:
    prefer = "return=headers-only, count=exact, handling=strict, timezone=America/Argentina/ComodRivadavia"
    made = _letters(speaking, "POST", prefer=prefer, body={"code": code, "told": _own(value)})
    assert made["statusCode"] == status, made["body"]
    tenant = speaking.tenants[0]
    written = speaking.execute("SELECT code FROM letters WHERE length(code) > 9", tenant.value, f"{tenant}_owner")
    speaking.execute("DELETE FROM letters", tenant.value, f"{tenant}_owner")
    assert [row[0] for row in written] == ([code] if status == 201 else [])
    assert _bytes_of(made) + GATEWAYS_OWN <= MOST_BYTES
    if status == 201:
        assert made["headers"]["Location"] == f"/letters?code=eq.{quote(code)}"
    else:
        assert "Nothing was changed" in made["body"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_headers_are_measured_in_bytes(speaking: World, method: str) -> None:
    value = "न" * 2_900
    made = _answer(speaking, f'[{{"X-A": "{value}"}}]', method)
    assert (made["statusCode"], json.loads(made["body"])["code"]) == (500, "PGRST111")

"""Half a surrogate pair, which JSON can have and UTF-8 can't: in every place of a request."""

from typing import Any

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import request_event

HALF = "\ud83d"
ESCAPED = "\\ud83d"
FORM = "application/x-www-form-urlencoded"
EVENTS: dict[str, dict[str, Any]] = {
    "select": {"query": {"select": [HALF]}},
    "value": {"query": {"id": [f"eq.{HALF}"]}},
    "name": {"query": {f"a{HALF}": ["eq.1"]}},
    "order": {"query": {"order": [f"id.{HALF}"]}},
    "logic": {"query": {"or": [f"(id.eq.{HALF})"]}},
    "limit": {"query": {"limit": [HALF]}},
    "table": {"path": {"table": f"a{HALF}"}},
    "function": {"path": {"function": f"a{HALF}"}},
    "encoded table": {"path": {"table": "a%ED%A0%BD"}},
    "encoded function": {"path": {"function": "a%FF"}},
    "argument": {"path": {"function": "say"}, "query": {"a": [HALF]}},
    "argument's name": {"path": {"function": "say"}, "query": {HALF: ["a"]}},
    **{
        f"header {name}": {"headers": {name: [f"x{HALF}"]}}
        for name in ("Prefer", "Accept", "Accept-Profile", "Range", "X-Told", "Content-Type", "Authorization")
    },
    "zone": {"headers": {"Prefer": [f"timezone={HALF}"]}},
    "body": {"method": "POST", "body": f'{{"name": "{HALF}"}}'},
    "column": {"method": "POST", "body": f'{{"a{ESCAPED}": 1}}'},
    "columns": {"method": "POST", "body": f'[{{"id": 1, "{ESCAPED}": 1}}, {{"id": 1, "{ESCAPED}": 1}}]'},
    "changed column": {"method": "PATCH", "body": f'{{"{ESCAPED}": 1}}', "query": {"id": ["eq.1"]}},
    "written value": {"method": "POST", "body": f'{{"name": "{ESCAPED}"}}'},
    "argument in a body": {"method": "POST", "path": {"function": "say"}, "body": f'{{"a": "{ESCAPED}"}}'},
    "its name": {"method": "POST", "path": {"function": "anything"}, "body": f'{{"a{ESCAPED}": 1}}'},
    "its name, reversed": {"method": "POST", "path": {"function": "anything"}, "body": '{"\\ude00\\ud83d": 1}'},
    "in a list": {"method": "POST", "path": {"function": "anything"}, "body": f'[{{"a{ESCAPED}": 1}}]'},
    "a form": {"method": "POST", "body": "name=%ED%A0%BD", "headers": {"Content-Type": [FORM]}},
    "a form's name": {"method": "POST", "body": "%ED%A0%BD=1", "headers": {"Content-Type": [FORM]}},
    "csv": {"method": "POST", "body": f"name\n{HALF}\n", "headers": {"Content-Type": ["text/csv"]}},
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_the_request_is_refused_as_any_malformed_one(viewer: Viewer, event: dict[str, Any]) -> None:
    viewer.run("CREATE OR REPLACE FUNCTION say(a text) RETURNS text LANGUAGE sql STABLE AS 'SELECT a'")
    base = request_event(
        viewer.tenant, event.get("method", "GET"), "light", role="editor", body=event.get("body"), prefer="", query={}
    )
    reply = viewer.send(
        base
        | {"pathParameters": event.get("path", base["pathParameters"])}
        | {"multiValueHeaders": event.get("headers", {}), "multiValueQueryStringParameters": event.get("query")}
    )
    assert reply.status == 400, reply.text
    assert reply.json.keys() == {"code", "message", "details", "hint"}
    reply.text.encode()


def test_a_whole_pair_is_a_character(viewer: Viewer) -> None:
    viewer.run("CREATE OR REPLACE FUNCTION say(a text) RETURNS text LANGUAGE sql STABLE AS 'SELECT a'")
    viewer.run("NOTIFY pgrst, 'reload schema'")
    event = request_event(viewer.tenant, "POST", "", role="editor", body='{"a": "\\ud83d\\ude00"}', prefer="", query={})
    assert viewer.send(event | {"pathParameters": {"function": "say"}}).json == "😀"
    assert viewer.get("rpc/say", a="😀").json == "😀"

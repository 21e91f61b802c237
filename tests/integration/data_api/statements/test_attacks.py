"""Everything in a request is a value or a name, and never SQL."""

import json
from collections.abc import Iterator

import psycopg2
import pytest

from tenantry.domain.errors import BadRequest
from tenantry.postgrest import CatalogueNeeded, Request, plan
from tests.integration.data_api.statements.conftest import Tables

SYNTAX_ERROR = "42601"


ATTACKS = [
    "'; DELETE FROM canary; --",
    "'); DELETE FROM canary; --",
    '"; DELETE FROM canary; --',
    '")); DELETE FROM canary; --',
    "1); DELETE FROM canary; --",
    "1 OR 1=1",
    "' OR '1'='1",
    '" OR "1"="1',
    "x' UNION SELECT secret FROM canary --",
    '") UNION SELECT secret FROM canary) "_rows" --',
    "(SELECT secret FROM canary)",
    "$1",
    "$$; DELETE FROM canary; $$",
    "$tag$x$tag$",
    "\\'; DELETE FROM canary; --",
    "\\",
    "\\\\' OR true --",
    "E'\\x27'",
    "%s %(x)s %%",
    "/* */ -- x",
    "\n; DELETE FROM canary\n",
    "; EXECUTE planned",
    "pg_sleep(60)",
    "\u02bc\uff07\u2019; DELETE FROM canary",
    '{"a"}',
    "{a,b}",
    "NULL",
    "😀'\"",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_value_is_only_a_value(tables: Tables, attack: str) -> None:
    pattern = attack.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    listed = '"' + attack.replace("\\", "\\\\").replace('"', '\\"') + '"'

    _, written = tables.call("POST", "people", body={"name": attack, "tags": [attack]})
    mine = written[0]["id"]

    assert (written[0]["name"], written[0]["tags"]) == (attack, [attack])
    assert tables.ids({"name": [f"eq.{attack}"]}) == [mine]
    assert tables.ids({"name": [f"like.{pattern}"]}) == [mine]
    assert tables.ids({"name": [f"in.({listed},nobody)"]}) == [mine]
    assert mine not in tables.ids({"name": [f"not.eq.{attack}"]})
    assert tables.call("PATCH", "people", {"name": [f"eq.{attack}"]}, {"note": attack})[1][0]["note"] == attack
    assert tables.call("DELETE", "people", {"name": [f"eq.{attack}"]})[0] == 1
    assert tables.survives()


def as_names(attack: str) -> Iterator[Request]:
    """Put the attack wherever the grammar expects a name, bare and in the grammar's own quotes."""
    quoted = '"' + attack.replace("\\", "\\\\").replace('"', '\\"') + '"'
    for name in (attack, quoted):
        yield Request("GET", "people", {"select": [name]})
        yield Request("GET", "people", {"select": [f"{name}:id"]})
        yield Request("GET", "people", {"select": [f"id::{name}"]})
        yield Request("GET", "people", {"select": [f"id::numeric({name})"]})
        yield Request("GET", "people", {"order": [name]})
        yield Request("GET", "people", {"order": [f"id.desc{name}"]})
        yield Request("GET", "people", {name: ["eq.1"]})
        yield Request("GET", "people", {"id": [f"is.{name}"]})
        yield Request("GET", "people", {"id": [name]})
        yield Request("GET", "people", {"limit": [name]})
        yield Request("GET", "people", {"offset": [name]})
        yield Request("POST", "people", {"columns": [name]}, body=b"{}")
        yield Request("PATCH", "people", {name: ["eq.1"]}, body=b'{"age": 1}')
        yield Request("DELETE", "people", {name: ["eq.1"]})
    yield Request("GET", attack, {})
    yield Request("GET", "people", {}, schemas=(attack,))
    yield Request("POST", "people", {}, body=json.dumps({attack: 1}).encode())
    yield Request("PATCH", "people", {"id": ["eq.1"]}, body=json.dumps({attack: 1}).encode())


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_is_only_a_name(tables: Tables, attack: str) -> None:
    for request in as_names(attack):
        tables.cursor.execute("SAVEPOINT before")
        assert outcome(tables, request) != SYNTAX_ERROR, request
        tables.cursor.execute("ROLLBACK TO before")

    assert tables.survives()


def outcome(tables: Tables, request: Request) -> str | None:
    """Run a request; returns the SQLSTATE with which PostgreSQL refused it, if it did."""
    try:
        tables.run(plan(request))
    except (BadRequest, CatalogueNeeded):
        return None
    except psycopg2.Error as refused:
        return refused.pgcode
    return None


def test_an_alias_is_only_a_name(tables: Tables) -> None:
    for attack in ATTACKS:
        spelled = '"' + attack.replace("\\", "\\\\").replace('"', '\\"') + '"'
        _, rows = tables.call("GET", "people", {"select": [f"{spelled}:id"], "id": ["eq.1"]})
        assert rows == [{attack: 1}]

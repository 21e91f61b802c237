"""Casts to what is not the tenant's."""

import pytest

from tests.hostile.viewer_token.conftest import Viewer

HIDDEN = [
    "regrole",
    "regclass",
    "regtype",
    "regproc",
    "regprocedure",
    "regoper",
    "regoperator",
    "regnamespace",
    "regconfig",
    "regdictionary",
    "regcollation",
    "oid",
    "aclitem",
    "xid",
    "xid8",
    "cid",
    "tid",
    "pg_lsn",
    "pg_snapshot",
    "refcursor",
    "oidvector",
    "record",
    "any",
    "cstring",
    "REGROLE",
]


@pytest.mark.parametrize("array", ["", "[]"])
@pytest.mark.parametrize("name", HIDDEN)
def test_what_a_server_holds_is_not_named(viewer: Viewer, name: str, array: str) -> None:
    """Numbers cast to roles would list every tenant of the server."""
    for select in (f"id::{name}{array}", f"r:name::{name}{array}", f"x:id.max()::{name}{array}"):
        reply = viewer.get("light", select=select, limit="1")
        assert (reply.status, reply.json["code"]) == (400, "PGRST100")


def test_nor_by_way_of_a_domain(viewer: Viewer) -> None:
    """A domain over such a type, a domain over that, and arrays of them, are no way there either."""
    viewer.run(
        """CREATE DOMAIN who AS regrole; CREATE DOMAIN whoever AS who; CREATE DOMAIN many AS regrole[];
        CREATE DOMAIN short AS varchar(3); CREATE TYPE mood AS ENUM ('10', '11')"""
    )
    for name in ("who", "whoever", "who[]", "whoever[]", "many"):
        reply = viewer.get("light", select=f"r:id::text::{name}" if "[]" in name else f"id::{name}", id="eq.10")
        assert reply.status == 400, reply.text
        assert "tenantry_admin" not in reply.text
    assert viewer.get("light", select="name::short", id="eq.10").json == [{"name": "Per"}]


PARTS = """
CREATE DOMAIN held AS regrole;
CREATE TYPE pair AS (number int, whose held);
CREATE DOMAIN of_pair AS pair;
CREATE TYPE nested AS (number int, inside pair[]);
CREATE TABLE grants (number int, whose regrole);
CREATE TYPE span AS RANGE (subtype = held);
CREATE TABLE texts (id int PRIMARY KEY, role text, pair text, nested text, array_of text, span text, region text);
INSERT INTO texts SELECT 1, oid, format('(1,%s)', oid), format('(1,"{""(1,%s)""}")', oid), format('{"(1,%s)"}', oid),
    format('[%s,%s]', oid, oid), 'north' FROM pg_roles WHERE rolname = 'tenantry_admin';
CREATE TYPE region AS ENUM ('north', 'south');
CREATE DOMAIN regular AS text NOT NULL CHECK (VALUE <> '');
CREATE TYPE registration AS (number int, name text);
"""


@pytest.fixture
def parts(viewer: Viewer) -> None:
    if not viewer.run("SELECT 1 FROM pg_type WHERE typname = 'pair'"):
        viewer.run(PARTS)


@pytest.mark.parametrize(
    "select",
    [
        "role::held",
        "pair::pair",
        "pair::of_pair",
        "pair::grants",
        "nested::nested",
        "array_of::pair[]",
        "array_of::_pair",
        "array_of::_grants",
        "span::span",
        "span::span_multirange",
    ],
)
def test_nor_as_a_part_of_something(viewer: Viewer, parts: None, select: str) -> None:
    """A row, a range, an array, or any of them in another, may have such a type within."""
    reply = viewer.get("texts", select=select)
    assert (reply.status, reply.json["code"]) == (400, "PGRST100"), reply.text


@pytest.mark.parametrize(
    ("select", "value"),
    [
        ("x:region::region", "north"),
        ("x:region::regular", "north"),
        ("x:pair::registration", {"number": 1}),
    ],
)
def test_a_tenants_own_types_may_be_called_so(viewer: Viewer, parts: None, select: str, value: object) -> None:
    """A region and a registration are no names of the server's, and a domain may have no null."""
    reply = viewer.get("texts", select=select)
    assert reply.status == 200, reply.text
    found = reply.json[0]["x"]
    assert found | value == found if isinstance(value, dict) else found == value


@pytest.mark.parametrize(
    ("kind", "value"), [("text", "10"), ("int8", 10), ("varchar(1)", "1"), ("numeric(10,2)", 10.00), ("float8", 10)]
)
def test_types_of_values_are_what_casts_are_for(viewer: Viewer, kind: str, value: object) -> None:
    """What both client libraries' users write goes on."""
    assert viewer.get("light", select=f"id::{kind}", id="eq.10").json == [{"id": value}]

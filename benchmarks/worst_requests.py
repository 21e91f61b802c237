"""The most costly requests that the data API's grammar allows, made by rule, and the tables that they are sent to."""

from collections.abc import Iterator
from typing import Any, NamedTuple

# Functions that make much of nothing.
LIGHT_TABLES = """
CREATE TABLE light (id int PRIMARY KEY, name text);
INSERT INTO light SELECT i, 'Person ' || i FROM generate_series(1, 2000) i;
CREATE FUNCTION long_text() RETURNS text LANGUAGE sql STABLE AS $$SELECT repeat('x', 1000000000)$$;
CREATE FUNCTION many_texts() RETURNS SETOF text LANGUAGE sql STABLE
    AS $$SELECT repeat('x', 100000) FROM generate_series(1, 100000)$$;
ANALYZE light;
"""
# Thirty kilobytes that do not compress in each of 300 rows, a document with a large leaf, a number that is short where
# it is stored and long when it is written, an array of nothing; a text on which a pattern can take for ever.
HEAVY_TABLES = """
CREATE TABLE heavy (
    id int PRIMARY KEY, parent_id int REFERENCES heavy, t text, d jsonb, n numeric, e text[], r int4range, v tsvector
);
INSERT INTO heavy
SELECT i, nullif(i / 10, 0), body.t, jsonb_build_object('a', jsonb_build_object('b', body.t)), 1e100000,
    array_fill(''::text, ARRAY[2000]), int4range(i, i + 10), to_tsvector('simple', left(body.t, 1000))
FROM generate_series(1, 300) i, LATERAL (
    SELECT string_agg(md5(i::text || j), ' ') AS t FROM generate_series(1, 900) j
) body;
CREATE FUNCTION twice(heavy) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1.t || $1.t$$;
ANALYZE heavy;
"""
# One row of the size of an answer.
HUGE_TABLES = """
CREATE TABLE huge (id int PRIMARY KEY, t text);
INSERT INTO huge VALUES (1, (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 400000) j));
ANALYZE huge;
"""


class Worst(NamedTuple):
    """A request by GET: its table or `rpc/function`, its query, what it accepts."""

    name: str
    table: str
    query: dict[str, str]
    accept: str = ""


def worst_requests() -> Iterator[Worst]:
    """Make them: each kind at the limit of the grammar, and beyond."""
    yield from _casts()
    yield from _repeats()
    yield from _embeds()
    yield from _long_values()
    yield from _patterns()


def _casts() -> Iterator[Worst]:
    for kind, times in (("char(10485760)", 95), ("char(1000)", 480), ("char(100)", 100), ("bit(83886080)", 50)):
        select = ",".join(f"a{i}:id::{kind}" for i in range(times))
        yield Worst(f"{kind} {times} times", "light", {"select": select})
        yield Worst(f"{kind} {times} times, sorted", "light", {"select": select, "order": "name.desc"})
    numbers = ",".join(f"a{i}:id::numeric(1000,{990 - i})" for i in range(9))
    yield Worst("numeric(1000,x)", "light", {"select": numbers})
    yield Worst("char(n)[]", "heavy", {"select": "id,e::char(1000)[]"})
    yield Worst("char(50)[]", "heavy", {"select": "id,a:e::char(50)[],b:e::char(49)[]"})
    for kind in ("text[]", "jsonb", "xml", "tsvector", "bytea"):
        yield Worst(f"t::{kind}", "heavy", {"select": f"id,t::{kind}"})


def _repeats() -> Iterator[Worst]:
    for times in (5, 140):
        for order in ("id", "t", "twice"):
            select = ",".join(f"a{i}:t" for i in range(times))
            yield Worst(f"t {times} times by {order}", "heavy", {"select": select, "order": order})
    cast = ",".join(f"a{i}:t::{kind}" for i, kind in enumerate(["text", "varchar(30000)", "bytea", "name", "json"]))
    yield Worst("t cast five ways", "heavy", {"select": cast, "order": "t"})
    paths = ",".join(f"a{i}:d->a->>b" if i % 2 else f"a{i}:d->a" for i in range(10))
    yield Worst("paths", "heavy", {"select": paths})
    deep = ",".join(f"a{i}:t->{'->'.join('abcde'[: i % 5 + 1])}" for i in range(50))
    yield Worst("paths into text", "heavy", {"select": deep})
    yield Worst("numbers", "heavy", {"select": "a:n,b:n,c:n,d:n,e:n,f:id"})


def _embeds() -> Iterator[Worst]:
    for levels in (1, 3, 6, 8):
        select = "id,t," + "heavy(id,t," * levels + "n" + ")" * levels
        yield Worst(f"{levels} levels", "heavy", {"select": select})
        yield Worst(f"{levels} levels, sorted", "heavy", {"select": select, "order": "t.desc", "heavy.order": "t"})
    beside = "id," + ",".join(f"e{i}:heavy(t)" for i in range(30))
    yield Worst("30 beside each other", "heavy", {"select": beside})
    yield Worst("spread", "heavy", {"select": "id,...heavy(t,n,d)"})
    up = "id,t," + "parent_id(t," * 7 + "n" + ")" * 7
    yield Worst("seven up", "heavy", {"select": up})


def _long_values() -> Iterator[Worst]:
    for accept in (
        "",
        "text/csv",
        "application/vnd.pgrst.object+json",
        "application/vnd.pgrst.array+json;nulls=stripped",
    ):
        yield Worst(f"all of it as {accept or 'json'}", "heavy", {"select": "*"}, accept)
    yield Worst("one huge value", "huge", {"select": "t"})
    yield Worst("one huge value twice", "huge", {"select": "a:t,b:t"})
    yield Worst("computed", "heavy", {"select": "id,twice", "order": "twice"})
    yield Worst("a long text", "rpc/long_text", {})
    yield Worst("many texts", "rpc/many_texts", {})
    yield Worst("many texts, counted", "rpc/many_texts", {"limit": "1"})


def _patterns() -> Iterator[Worst]:
    yield Worst("like", "huge", {"t": "like." + "*a" * 300 + "*z", "select": "id"})
    for pattern in (
        "(((a{1,250}){1,250}){1,250})",
        "(.*)*(.*)*x" * 20,
        "(a|b|ab)*" * 100 + "c",
        "((((a?){99}){99}){99})",
    ):
        yield Worst(f"match {pattern[:12]}", "huge", {"t": f"match.{pattern}", "select": "id"})
    yield Worst("or", "heavy", {"or": "(" + ",".join(f"t.like.*{i}*x" for i in range(49)) + ")", "select": "id"})
    yield Worst("search", "heavy", {"t": "wfts(simple)." + " or ".join(f"w{i}" for i in range(1000)), "select": "id"})
    yield Worst("list", "heavy", {"t": "in.(" + ",".join("x" * 10 for _ in range(1000)) + ")", "select": "id"})
    yield Worst("ranges", "heavy", {"r": "ov.[1,100000)", "d": 'cs.{"a":{}}', "select": "id,r,d"})


def event_of(worst: Worst, base: dict[str, Any]) -> dict[str, Any]:
    """Make it the event that API Gateway would send, from one of the same caller's."""
    kind, name = ("function", worst.table[4:]) if worst.table.startswith("rpc/") else ("table", worst.table)
    return base | {
        "httpMethod": "GET",
        "pathParameters": {kind: name},
        "multiValueQueryStringParameters": {key: [value] for key, value in worst.query.items()} or None,
        "multiValueHeaders": {"Accept": [worst.accept]} if worst.accept else {},
        "body": None,
    }

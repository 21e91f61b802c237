"""Rows of functions: a table's are known by their type, and not because a table has the same name as something else."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import World

# Tables are called like types and functions, and a view like a table that is not exposed.
SCHEMA = """
CREATE SCHEMA kept;
CREATE TABLE record (id int PRIMARY KEY, a text);
CREATE TABLE int4 (id int PRIMARY KEY);
CREATE TABLE kept.users (id int PRIMARY KEY, name text, secret text);
CREATE VIEW users AS SELECT id, name FROM kept.users;
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES kept.users, rec int REFERENCES record);
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES owners);
CREATE TABLE team (id int PRIMARY KEY);
CREATE TABLE kept.members (id int PRIMARY KEY, in_team int REFERENCES team, data jsonb);
INSERT INTO team VALUES (7);
INSERT INTO kept.members VALUES (1, 7, '{"a": "b"}'), (2, NULL, NULL);
CREATE FUNCTION kept_members() RETURNS SETOF kept.members LANGUAGE sql STABLE SECURITY DEFINER
    AS $$SELECT * FROM kept.members$$;
CREATE TYPE pair AS (x int, y text);
INSERT INTO record VALUES (1, 'x');
INSERT INTO kept.users VALUES (1, 'ann', 's'), (2, 'bob', 't');
INSERT INTO orders VALUES (10, 1, 1), (11, 2, 1);
INSERT INTO owners VALUES (1);
INSERT INTO pets VALUES (5, 1);
CREATE DOMAIN "text/of-it" AS text;
CREATE DOMAIN "text/of-row" AS owners;
CREATE DOMAIN an_owner AS owners;
CREATE FUNCTION as_table() RETURNS TABLE (x int, y text) LANGUAGE sql STABLE AS $$VALUES (1, 'a'), (2, 'b')$$;
CREATE FUNCTION as_pairs() RETURNS SETOF pair LANGUAGE sql STABLE AS $$VALUES (1, 'a'), (2, 'b')$$;
CREATE FUNCTION kept_users() RETURNS SETOF kept.users LANGUAGE sql STABLE SECURITY DEFINER
    AS $$SELECT * FROM kept.users$$;
CREATE FUNCTION shown_users() RETURNS SETOF users LANGUAGE sql STABLE AS $$SELECT * FROM users$$;
CREATE FUNCTION numbers() RETURNS SETOF int LANGUAGE sql STABLE AS $$VALUES (1), (2)$$;
CREATE FUNCTION owners() RETURNS int LANGUAGE sql STABLE AS $$SELECT 4$$;
CREATE FUNCTION one_out(OUT x int) LANGUAGE sql STABLE AS $$SELECT 4$$;
CREATE FUNCTION two_outs(OUT id int, OUT owner text) LANGUAGE sql STABLE AS $$SELECT 4, 'a'$$;
CREATE FUNCTION row_out(OUT x owners) LANGUAGE sql STABLE AS $$SELECT o FROM owners o$$;
CREATE FUNCTION owner_rows() RETURNS SETOF an_owner LANGUAGE sql STABLE AS $$SELECT o::an_owner FROM owners o$$;
CREATE FUNCTION pets_of(owners) RETURNS SETOF pets LANGUAGE sql STABLE AS $$SELECT * FROM pets WHERE owner = $1.id$$;
CREATE FUNCTION media_out(OUT x "text/of-it") LANGUAGE sql STABLE AS $$SELECT '<p>'::"text/of-it"$$;
CREATE FUNCTION media_row() RETURNS "text/of-row" LANGUAGE sql STABLE AS $$SELECT o::"text/of-row" FROM owners o$$;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
"""


@pytest.fixture(scope="module")
def caller(world: World) -> Iterator[Viewer]:
    made = Viewer(world, world.tenants[0])
    made.run(SCHEMA)
    made.new_connection()
    yield made
    made.new_connection()


@pytest.mark.parametrize(
    ("function", "query", "expected"),
    [
        ("as_table", {"x": "eq.1"}, [{"x": 1, "y": "a"}]),
        ("as_table", {"select": "y", "order": "x.desc"}, [{"y": "b"}, {"y": "a"}]),
        ("as_pairs", {"x": "eq.2"}, [{"x": 2, "y": "b"}]),
        ("kept_users", {"secret": "eq.s"}, [{"id": 1, "name": "ann", "secret": "s"}]),
        ("kept_users", {"select": "secret", "order": "secret.desc", "limit": "1"}, [{"secret": "t"}]),
        (
            "kept_users",
            {"select": "secret,orders(id)", "order": "id.desc"},
            [{"secret": "t", "orders": [{"id": 11}]}, {"secret": "s", "orders": [{"id": 10}]}],
        ),
        ("kept_users", {"select": "id,orders!inner(id)", "orders.id": "eq.10"}, [{"id": 1, "orders": [{"id": 10}]}]),
        (
            "kept_members",
            {"select": "id,team(id)", "order": "id.desc"},
            [{"id": 2, "team": None}, {"id": 1, "team": {"id": 7}}],
        ),
        ("kept_members", {"select": "id,team!inner(id)", "id": "lt.9"}, [{"id": 1, "team": {"id": 7}}]),
        (
            "kept_members",
            {"select": "...team(team_id:id)", "order": "id", "limit": "1"},
            [{"team_id": 7}],
        ),
        ("kept_members", {"select": "id", "data->>a": "eq.b", "order": "data->a"}, [{"id": 1}]),
        ("shown_users", {"select": "name,orders(id)", "id": "gt.1"}, [{"name": "bob", "orders": [{"id": 11}]}]),
        ("numbers", {"pgrst_scalar": "eq.2"}, [2]),
        ("owners", {}, 4),
        ("one_out", {"x": "eq.4"}, {"x": 4}),
        ("two_outs", {"owner": "eq.a"}, {"id": 4, "owner": "a"}),
        ("row_out", {"select": "id,pets(id)", "id": "eq.1"}, {"id": 1, "pets": [{"id": 5}]}),
        ("owner_rows", {"select": "id,pets_of(id)", "id": "eq.1"}, [{"id": 1, "pets_of": [{"id": 5}]}]),
        ("media_out", {}, {"x": "<p>"}),
    ],
)
def test_filters_order_columns_and_embedded_tables(
    caller: Viewer, function: str, query: dict[str, str], expected: Any
) -> None:
    reply = caller.get(f"rpc/{function}", **query)
    assert (reply.status, reply.json) == (200, expected)


@pytest.mark.parametrize(
    ("function", "embedded"),
    [
        ("as_table", "orders"),
        ("as_pairs", "pets"),
        ("kept_users", "record"),
        ("numbers", "orders"),
        ("owners", "pets"),
        ("two_outs", "owners"),
    ],
)
def test_what_is_no_row_of_a_table_embeds_nothing(caller: Viewer, function: str, embedded: str) -> None:
    reply = caller.get(f"rpc/{function}", select=f"*,{embedded}(*)")
    assert (reply.status, reply.json["code"]) == (400, "PGRST200")
    # Who has rows of a table is told of tables that it leads to.
    assert ("RETURNS SETOF" in (reply.json["hint"] or "")) is (function != "kept_users")


@pytest.mark.parametrize(("function", "kind", "body"), [("media_out", "of-it", "<p>"), ("media_row", "of-row", "(1)")])
def test_one_value_of_a_media_type_is_the_whole_answer(caller: Viewer, function: str, kind: str, body: str) -> None:
    """Also as an OUT parameter, or as a row, of which there would be columns."""
    for accept in (f"text/{kind}", "text/*"):
        reply = caller.get(f"rpc/{function}", headers={"Accept": accept})
        assert (reply.status, reply.headers["Content-Type"], reply.text) == (200, f"text/{kind}", body)


def test_a_table_of_another_exposed_schema_is_itself(caller: Viewer) -> None:
    """Two exposed schemas have a table of one name; a function in the first returns rows of the second's."""
    from handlers import query_tenant
    from tenantry.postgrest import Request, RequestLimits, plan
    from tenantry.postgrest.request import Kind

    caller.run("GRANT USAGE ON SCHEMA kept TO PUBLIC; GRANT SELECT ON kept.users TO PUBLIC")
    caller.get("rpc/numbers")
    requests = query_tenant._data_requests()
    connection = requests._connections._connections[caller.tenant]
    catalogue = requests._catalogues.read(connection, ("public", "kept"))
    request = Request("GET", "kept_users", {"secret": ["eq.s"]}, Kind.ROUTINE, ("public", "kept"))
    planned = plan(request, RequestLimits(), catalogue)
    row = connection.run(f"{caller.tenant}_viewer", "{}", planned.text, planned.values, reads_only=True)
    assert row[2] == '[{"id":1,"name":"ann","secret":"s"}]'

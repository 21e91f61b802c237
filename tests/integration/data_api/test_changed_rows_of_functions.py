"""What functions return rows of is changed, unannounced: a session's statements must not go on with what it was.

Nothing in such a statement is the relation itself, so PostgreSQL by itself would keep what it has read of it. It would
take the bytes of one type for those of another, at which the whole server may end.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import World

SCHEMA = """
CREATE TABLE parts (id int PRIMARY KEY, kind_id int, size int, more int, was text);
INSERT INTO parts VALUES (1, 1, 9, 0, 'a'), (2, 1, 10, 0, 'b');
CREATE TABLE kinds (id int PRIMARY KEY);
INSERT INTO kinds VALUES (1);
CREATE TYPE shape AS (id int, size int, more int);
CREATE SCHEMA unseen;
CREATE TABLE unseen.parts (id int PRIMARY KEY, size int, more int);
INSERT INTO unseen.parts VALUES (1, 9, 0), (2, 10, 0);
CREATE FUNCTION all_parts() RETURNS SETOF parts LANGUAGE sql STABLE AS $$SELECT * FROM parts$$;
CREATE FUNCTION all_shapes() RETURNS SETOF shape LANGUAGE sql STABLE AS $$VALUES (1, 9, 0), (2, 10, 0)$$;
CREATE FUNCTION unseen_parts() RETURNS SETOF unseen.parts LANGUAGE sql STABLE SECURITY DEFINER
    AS $$SELECT * FROM unseen.parts$$;
CREATE FUNCTION its_parts(kinds) RETURNS SETOF parts LANGUAGE sql STABLE AS $$SELECT * FROM parts WHERE kind_id = 1$$;
GRANT SELECT ON parts, kinds TO PUBLIC;
"""
RESTORED = """
DROP TABLE parts, kinds, unseen.parts CASCADE; DROP TYPE shape CASCADE; DROP SCHEMA unseen;
"""
# As numbers both sizes are above 5; as texts only one is.
BIGGER = {"select": "id", "size": "gt.5"}
FUNCTIONS = pytest.mark.parametrize(
    ("path", "query", "altered"),
    [
        ("rpc/all_parts", BIGGER, "TABLE parts ALTER COLUMN"),
        ("rpc/all_shapes", BIGGER, "TYPE shape ALTER ATTRIBUTE"),
        ("rpc/unseen_parts", BIGGER, "TABLE unseen.parts ALTER COLUMN"),
        ("kinds", {"select": "its_parts(id)", "its_parts.size": "gt.5"}, "TABLE parts ALTER COLUMN"),
    ],
    ids=["table", "type", "unseen", "embedded"],
)


@pytest.fixture
def caller(world: World) -> Iterator[Viewer]:
    made = Viewer(world, world.tenants[0])
    made.new_connection()
    made.run(SCHEMA)
    yield made
    made.run(RESTORED)
    made.new_connection()


def ids(path: str, answered: Any) -> list[int]:
    return [row["id"] for row in (answered if path.startswith("rpc/") else answered[0]["its_parts"])]


@FUNCTIONS
def test_another_type_is_compared_as_it_is(caller: Viewer, path: str, query: dict[str, str], altered: str) -> None:
    assert ids(path, caller.get(path, **query).json) == [1, 2]
    kept = caller.pid()
    caller.run(f"ALTER {altered} size TYPE text")
    assert ids(path, caller.get(path, **query).json) == [1]
    assert caller.pid() == kept


@FUNCTIONS
def test_a_column_that_is_gone_is_not_null(caller: Viewer, path: str, query: dict[str, str], altered: str) -> None:
    select = query["select"].replace("id", "id,more")
    assert caller.get(path, **query | {"select": select}).status == 200
    caller.run(f"ALTER {altered.replace('ALTER C', 'DROP C').replace('ALTER A', 'DROP A')} more")
    refused = caller.get(path, **query | {"select": select})
    assert (refused.status, refused.json["code"]) == (400, "42703")


def test_a_text_that_is_a_number_now_ends_no_server(caller: Viewer) -> None:
    query = {"select": "its_parts(id)", "its_parts.was": "like.*a*"}
    assert caller.get("kinds", **query).json == [{"its_parts": [{"id": 1}]}]
    kept = caller.pid()
    caller.run("ALTER TABLE parts ALTER was TYPE int USING 1")
    assert caller.get("kinds", **query).json["code"] == "42883"
    assert caller.pid() == kept

"""Keys visible through views: columns that show a table's unchanged, whatever a view's query and names look like."""

from collections.abc import Iterator

import pytest

from tenantry.postgrest.catalogue.model import Catalogue, Name
from tests.integration.data_api.catalogue.conftest import Read, Server, read_by_a_login

TABLES = """
CREATE SCHEMA base;
CREATE TABLE base.owners (id int PRIMARY KEY, name text);
CREATE TABLE base.items (
    gone int, id int PRIMARY KEY, owner_id int CONSTRAINT items_owner REFERENCES base.owners, label text
);
ALTER TABLE base.items DROP COLUMN gone;
CREATE VIEW owners AS SELECT * FROM base.owners;
"""

# Each has at least the columns that are told: the items' key, and what points at the owner.
SHOWS_BOTH = {
    "all": "SELECT * FROM base.items",
    "turned": "SELECT label, owner_id, id FROM base.items",
    "joined": "SELECT i.id, o.name, i.owner_id FROM base.items i LEFT JOIN base.owners o ON o.id = i.owner_id",
    "using": "SELECT id, i.owner_id FROM base.items i JOIN (SELECT 1 AS id) x USING (id)",
    "scalar sub-select": "SELECT (SELECT max(o.id) FROM base.owners o) AS top, id, owner_id FROM base.items",
    "sub-select with entries of its own": """
        SELECT ARRAY(SELECT o.name || o.id FROM base.owners o ORDER BY o.name) AS owners, id, owner_id
        FROM base.items""",
    "condition": "SELECT id, owner_id FROM base.items i WHERE EXISTS (SELECT id FROM base.owners o WHERE o.id = i.id)",
    "from": "SELECT id, owner_id FROM (SELECT label, owner_id, id FROM base.items) s",
    "twice from": "SELECT id, owner_id FROM (SELECT * FROM (SELECT owner_id, id FROM base.items) s) t",
    "with": "WITH w AS (SELECT label, owner_id, id FROM base.items) SELECT id, owner_id FROM w",
    "with beside": "WITH w AS (SELECT id, name FROM base.owners) SELECT i.id, i.owner_id, w.name FROM base.items i, w",
    "lateral": """
        SELECT i.id, i.owner_id, l.* FROM base.items i
        CROSS JOIN LATERAL (SELECT o.id AS other, o.name FROM base.owners o WHERE o.id = i.owner_id) l""",
    "ordered aggregate": """
        SELECT array_agg(o.name ORDER BY o.id, o.name) FILTER (WHERE o.id > 0) AS names, i.id, i.owner_id
        FROM base.items i CROSS JOIN base.owners o GROUP BY i.id, i.owner_id HAVING count(DISTINCT o.name) > 0""",
    "window": "SELECT row_number() OVER w AS n, id, owner_id FROM base.items WINDOW w AS (ORDER BY label)",
    "distinct, sorted and cut": "SELECT DISTINCT ON (label) id, owner_id FROM base.items ORDER BY label, id LIMIT 9",
    "sorted by what is not shown": "SELECT id, owner_id FROM base.items ORDER BY label, upper(label)",
    "expressions": "SELECT upper(label) AS u, id, CASE WHEN id > 1 THEN 'x{' END AS c, owner_id FROM base.items",
    "function": "SELECT g, i.id, i.owner_id FROM base.items i, generate_series(1, i.id) AS g",
    "over a view": "SELECT id, owner_id FROM base.items_view",
    "values beside": "SELECT id, owner_id, v.x FROM base.items CROSS JOIN (VALUES (1, 'a'), (2, '}')) AS v (x, y)",
}
MORE = """
CREATE VIEW base.items_view_below AS SELECT label, id AS number, owner_id AS whose FROM base.items;
CREATE VIEW base.items_view AS SELECT whose AS owner_id, number AS id FROM base.items_view_below;
"""
# What they show is computed, or one of several tables'.
SHOWS_NEITHER = {
    "union": "SELECT id, owner_id FROM base.items UNION ALL SELECT id, owner_id FROM base.items",
    "union from": "SELECT * FROM (SELECT id, owner_id FROM base.items UNION SELECT 1, 2) s",
    "computed": "SELECT id + 0 AS id, owner_id::bigint AS owner_id FROM base.items",
    "aggregated": "SELECT max(id) AS id, min(owner_id) AS owner_id FROM base.items",
    "of a sub-select": """SELECT (SELECT id FROM base.items LIMIT 1) AS id,
        (SELECT owner_id FROM base.items LIMIT 1) AS owner_id""",
    "in a condition only": "SELECT 1 AS id, 2 AS owner_id WHERE EXISTS (SELECT id, owner_id FROM base.items)",
}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def all_views() -> str:
    views = {**SHOWS_BOTH, **SHOWS_NEITHER}
    return "".join(f"CREATE VIEW {quoted(name)} AS {query};" for name, query in views.items())


@pytest.fixture(scope="module")
def read(server: Server) -> Iterator[Read]:
    with read_by_a_login(server, TABLES + MORE + all_views() + hostile_views() + OTHERS) as read:
        yield read


@pytest.fixture(scope="module")
def catalogue(read: Read) -> Catalogue:
    return read("public")


def ways(catalogue: Catalogue, origin: str, target: str) -> list[tuple[tuple[str, str], ...]]:
    found = catalogue.relationships.get(Name("public", origin), ())
    return [each.columns for each in found if each.target == Name("public", target)]


@pytest.mark.parametrize("view", SHOWS_BOTH)
def test_the_keys_of_a_table_reach_a_view(catalogue: Catalogue, view: str) -> None:
    assert ways(catalogue, view, "owners") == [(("owner_id", "id"),)]
    assert ways(catalogue, "owners", view) == [(("id", "owner_id"),)]
    assert "id" in catalogue.tables[Name("public", view)].primary_key


@pytest.mark.parametrize("view", SHOWS_NEITHER)
def test_what_is_computed_has_no_key(catalogue: Catalogue, view: str) -> None:
    assert ways(catalogue, view, "owners") == []
    assert catalogue.tables[Name("public", view)].primary_key == ()


HOSTILE = [
    'a "quoted" name',
    "it's",
    "back\\slash",
    "ends with\\",
    "two\\\\",
    "{",
    "}",
    "\\{",
    "\\}",
    "\\\\{}",
    "}}}}{{{{",
    "a, b",
    "(a) <b>",
    "<>",
    " spaces ",
    "line\nbreak",
    "1digit",
    "-1",
    "ünïcödé 漢字",
    "é" * 31,
    "x" * 63,
    " :resorigtbl 0 :resorigcol 1 ",
    "x :resno 9 :resname y",
    "{TARGETENTRY :resno 1 :resorigtbl 1 :resorigcol 1 }",
    "{QUERY :targetList ({TARGETENTRY ",
]
_OWNERS_KEY = "} id {"


def hostile_views() -> str:
    """A table for each name, whose foreign key has that name, and a view that shows it under another hostile name."""
    made = [
        f"CREATE TABLE base.hostile_owners ({quoted(_OWNERS_KEY)} int PRIMARY KEY);"
        f"CREATE VIEW hostile_owners AS SELECT {quoted(_OWNERS_KEY)} FROM base.hostile_owners;"
    ]
    for place, name in enumerate(HOSTILE):
        shown = HOSTILE[(place + 1) % len(HOSTILE)]
        made.append(
            f"CREATE TABLE base.{quoted(name)} ({quoted(name)} int REFERENCES base.hostile_owners, after int);"
            f"CREATE VIEW {quoted(name)} AS SELECT 'x' AS {quoted(name + 'x' if len(name) < 60 else 'x')},"
            f" t.{quoted(name)} AS {quoted(shown)}, after FROM base.{quoted(name)} t"
            f" WHERE EXISTS (SELECT {quoted(name)} AS {quoted(shown)} FROM base.{quoted(name)});"
        )
    return "".join(made)


@pytest.mark.parametrize("place", range(len(HOSTILE)))
def test_any_name_may_stand_in_a_view(catalogue: Catalogue, place: int) -> None:
    shown = HOSTILE[(place + 1) % len(HOSTILE)]
    assert ways(catalogue, HOSTILE[place], "hostile_owners") == [((shown, _OWNERS_KEY),)]


OTHERS = """
CREATE MATERIALIZED VIEW kept AS SELECT id, owner_id FROM base.items;
CREATE VIEW with_rules AS SELECT id, owner_id FROM base.items;
CREATE RULE instead AS ON INSERT TO with_rules DO INSTEAD
    INSERT INTO base.owners (name, id) SELECT 'x', new.id RETURNING name::int, id;
CREATE VIEW shows_twice AS SELECT id AS first, id AS second, owner_id AS a, owner_id AS b FROM base.items;
CREATE VIEW both_keys AS SELECT o.id AS o_id, i.id AS i_id FROM base.items i CROSS JOIN base.owners o;
CREATE VIEW of_the_system AS SELECT oid, relname FROM pg_class;
CREATE VIEW ring_a AS SELECT id, owner_id FROM base.items;
CREATE VIEW ring_b AS SELECT id, owner_id FROM ring_a;
CREATE OR REPLACE VIEW ring_a AS SELECT id, owner_id FROM ring_b;
CREATE TABLE base.events (id int PRIMARY KEY, owner_id int REFERENCES base.owners) PARTITION BY RANGE (id);
CREATE TABLE base.events_first PARTITION OF base.events FOR VALUES FROM (0) TO (9);
CREATE VIEW events AS SELECT id, owner_id FROM base.events;
CREATE VIEW first_events AS SELECT id, owner_id FROM base.events_first;
"""


def test_views_of_other_kinds_have_keys_too(catalogue: Catalogue) -> None:
    for view in ("kept", "with_rules", "events"):
        assert ways(catalogue, view, "owners") == [(("owner_id", "id"),)]
        assert catalogue.tables[Name("public", view)].primary_key == ("id",)


def test_a_column_that_is_shown_twice_leads_twice(catalogue: Catalogue) -> None:
    assert ways(catalogue, "shows_twice", "owners") == [(("a", "id"),), (("b", "id"),)]
    assert catalogue.tables[Name("public", "shows_twice")].primary_key == ("first",)


def test_a_view_has_the_keys_of_all_tables_that_it_shows(catalogue: Catalogue) -> None:
    assert sorted(catalogue.tables[Name("public", "both_keys")].primary_key) == ["i_id", "o_id"]


def test_views_that_lead_nowhere_are_read_all_the_same(catalogue: Catalogue) -> None:
    for view in ("of_the_system", "ring_a", "ring_b", "first_events"):
        assert Name("public", view) in catalogue.tables
        assert ways(catalogue, view, "owners") == []


def test_tables_that_are_not_exposed_are_only_looked_through(catalogue: Catalogue) -> None:
    reached = {each.target.schema for found in catalogue.relationships.values() for each in found}
    assert reached == {name.schema for name in catalogue.relationships} == {"public"}

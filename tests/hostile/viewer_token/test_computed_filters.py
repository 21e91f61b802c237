"""Filters on computed fields: what has to have a type is not worked out for it."""

import pytest

from tests.hostile.viewer_token.conftest import Viewer

FUNCTIONS = """
CREATE FUNCTION greeting(light) RETURNS text LANGUAGE sql STABLE AS $$SELECT 'Dear ' || coalesce($1.name, 'nobody')$$;
CREATE FUNCTION of_a_row(light) RETURNS text LANGUAGE plpgsql STABLE AS
    $$BEGIN IF $1.id IS NULL THEN RAISE 'no row'; END IF; RETURN $1.name; END$$;
CREATE FUNCTION slow_for_none(light) RETURNS int LANGUAGE plpgsql STABLE AS
    $$BEGIN IF $1.id IS NULL THEN PERFORM pg_sleep(60); END IF; RETURN $1.id; END$$;
CREATE FUNCTION born(light) RETURNS date LANGUAGE sql STABLE AS $$SELECT date '2026-01-01' + coalesce($1.id, 0)$$;
"""
LATER = """
DROP FUNCTION born(light);
CREATE FUNCTION born(light) RETURNS timestamptz LANGUAGE sql STABLE AS
    $$SELECT timestamptz '2026-01-01T08:00Z' + make_interval(hours => coalesce($1.id, 0))$$;
"""


@pytest.fixture(autouse=True, scope="module")
def functions(viewer: Viewer) -> None:
    viewer.run(FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "value"),
    [("greeting", "eq.Dear Person 7"), ("of_a_row", "in.(Person 7,x)"), ("slow_for_none", "eq.7")],
)
def test_a_field_is_only_computed_for_rows_that_there_are(viewer: Viewer, name: str, value: str) -> None:
    """A function makes something of a row of nothing, refuses it, or takes a minute for it: filters go on."""
    reply = viewer.get("light", **{name: value, "select": "id"})
    assert (reply.status, reply.json) == (200, [{"id": 7}]), reply.text
    among = viewer.get("light", **{"or": f"({name}.{value},id.eq.8)", "select": "id", "order": "id"})
    assert (among.status, among.json) == (200, [{"id": 7}, {"id": 8}]), among.text


def test_a_computed_fields_new_type_counts_at_once(viewer: Viewer) -> None:
    """A field is computed as a time where it was a day; nobody announces it, and a filter means the time."""
    assert viewer.get("light", born="lt.2026-01-03", select="id", order="id").json == [{"id": 1}]
    viewer.run(LATER)
    reply = viewer.get("light", born="lt.2026-01-01T10:30:00Z", select="id", order="id")
    assert (reply.status, reply.json) == (200, [{"id": 1}, {"id": 2}])

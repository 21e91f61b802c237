"""Types that change behind a statement that was prepared: without any notice, and in silence."""

import json
from typing import Any

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import request_event

MORNING, NOON, EVENING = "2026-01-01T08:00:00Z", "2026-01-01T12:00:00Z", "2026-01-01T18:00:00Z"


@pytest.fixture
def dated(viewer: Viewer) -> Viewer:
    viewer.run("DROP TABLE IF EXISTS dated CASCADE; CREATE TABLE dated (id int PRIMARY KEY, at date, parent int)")
    return viewer


def _fill(viewer: Viewer, kind: str) -> None:
    viewer.run(f"TRUNCATE dated; INSERT INTO dated (id, at) VALUES (1, '{MORNING}'::{kind}), (2, '{EVENING}'::{kind})")


def _left(viewer: Viewer) -> list[Any]:
    return [row[0] for row in viewer.run("SELECT id FROM dated ORDER BY id")]


CHANGES = {
    "altered": "ALTER TABLE dated ALTER at TYPE timestamptz",
    "made anew": "DROP TABLE dated; CREATE TABLE dated (id int PRIMARY KEY, at timestamptz, parent int)",
    "renamed": "ALTER TABLE dated RENAME at TO day; ALTER TABLE dated ADD at timestamptz",
    "swapped": "ALTER TABLE dated RENAME TO old_dated; DROP TABLE old_dated;"
    " CREATE TABLE dated (id int PRIMARY KEY, at timestamptz, parent int)",
    "a domain": "CREATE DOMAIN moment AS timestamptz; ALTER TABLE dated ALTER at TYPE moment USING at::timestamptz",
    "a view": "DROP TABLE dated; CREATE TABLE kept (id int PRIMARY KEY, at timestamptz, parent int);"
    " CREATE VIEW dated AS SELECT * FROM kept",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("times", [1, 8], ids=["custom plan", "generic plan"])
def test_a_delete_reads_its_values_by_the_types_that_there_are(dated: Viewer, change: str, times: int) -> None:
    """A column becomes a timestamp; a filter that was prepared for a date must not lose the hours."""
    dated.run("DROP DOMAIN IF EXISTS moment CASCADE")
    for _ in range(times):
        assert dated.write("DELETE", "dated", at="gte.2099-01-01").status == 204
    dated.run(CHANGES[change])
    if change == "a view":
        dated.run(f"INSERT INTO dated VALUES (1, '{MORNING}'), (2, '{EVENING}')")
    else:
        _fill(dated, "timestamptz")
    assert dated.write("DELETE", "dated", at=f"gte.{NOON}").status == 204
    assert _left(dated) == [1]
    if change == "a view":
        dated.run("DROP VIEW dated; DROP TABLE kept")


@pytest.mark.parametrize("by", ["eq.", "in.(", "not.lt.", "or"])
def test_so_do_reads_and_updates_by_other_operators(dated: Viewer, by: str) -> None:
    """The same of other operators, of reads and updates, and back again from the wider to the narrower type."""

    def query(value: str) -> dict[str, str]:
        if by == "or":
            return {"or": f"(at.eq.{value},id.lt.0)"}
        return {"at": f"{by}{value})" if by.endswith("(") else f"{by}{value}"}

    assert dated.get("dated", role="editor", **query("2099-01-01")).json == []
    assert dated.write("PATCH", "dated", {"parent": 1}, **query("2099-01-01")).status == 204
    dated.run("ALTER TABLE dated ALTER at TYPE timestamptz")
    _fill(dated, "timestamptz")
    assert [row["id"] for row in dated.get("dated", role="editor", **query(EVENING)).json] == [2]
    assert dated.write("PATCH", "dated", {"parent": 7}, **query(EVENING)).status == 204
    assert dated.run("SELECT id FROM dated WHERE parent = 7") == [(2,)]
    dated.run("ALTER TABLE dated ALTER at TYPE date")
    assert len(dated.get("dated", role="editor", **query("2026-01-01")).json) == 2


def test_values_that_were_none_are_some(dated: Viewer) -> None:
    """What could not be read as the old type is no error, once the column takes it."""
    assert dated.get("dated", role="editor", at="eq.2099-01-01").json == []
    dated.run("ALTER TABLE dated ALTER at TYPE text; INSERT INTO dated VALUES (3, 'soon')")
    assert [row["id"] for row in dated.get("dated", role="editor", at="eq.soon").json] == [3]
    dated.run("CREATE TYPE pace AS ENUM ('soon', 'late'); ALTER TABLE dated ALTER at TYPE pace USING at::pace")
    assert [row["id"] for row in dated.get("dated", role="editor", at="eq.soon").json] == [3]
    dated.run("ALTER TYPE pace ADD VALUE 'never'")
    assert dated.get("dated", role="editor", at="eq.never").json == []
    dated.run("DROP TABLE dated; DROP TYPE pace")


def test_embedded_tables_too(dated: Viewer) -> None:
    """The column of an embedded table, in a filter below the root."""
    dated.run("CREATE TABLE owner_of (id int PRIMARY KEY); INSERT INTO owner_of VALUES (1)")
    dated.run("ALTER TABLE dated ADD FOREIGN KEY (parent) REFERENCES owner_of")
    dated.run("NOTIFY pgrst, 'reload schema'")
    query = {"select": "id,dated(id)"}
    assert dated.get("owner_of", role="editor", **query, **{"dated.at": "gte.2099-01-01"}).json == [
        {"id": 1, "dated": []}
    ]
    dated.run("ALTER TABLE dated ALTER at TYPE timestamptz")
    _fill(dated, "timestamptz")
    dated.run("UPDATE dated SET parent = 1")
    found = dated.get("owner_of", role="editor", **query, **{"dated.at": f"gte.{NOON}"}).json
    assert found == [{"id": 1, "dated": [{"id": 2}]}]
    dated.run("DROP TABLE owner_of CASCADE")


def test_functions_that_were_made_anew(dated: Viewer) -> None:
    """A function takes a timestamp where it took a date, and gives one; nobody has announced it."""
    make = "CREATE FUNCTION since(at {0}) RETURNS TABLE (was {0}) LANGUAGE sql STABLE AS $$SELECT at$$"
    dated.run("DROP FUNCTION IF EXISTS since; " + make.format("date"))
    assert _call(dated, "since", {"at": "2026-01-01"}) == [{"was": "2026-01-01"}]
    assert dated.get("rpc/since", role="editor", at="2026-01-01", was="gte.2026-01-01").json == [{"was": "2026-01-01"}]
    dated.run("DROP FUNCTION since(date); " + make.format("timestamp"))
    assert _call(dated, "since", {"at": "2026-01-01T18:00:00"}) == [{"was": "2026-01-01T18:00:00"}]
    found = dated.get("rpc/since", role="editor", at="2026-01-01T18:00:00", was="gte.2026-01-01T12:00:00").json
    assert found == [{"was": "2026-01-01T18:00:00"}]
    dated.run("DROP FUNCTION since(timestamp)")


def _call(viewer: Viewer, function: str, body: object) -> Any:
    event = request_event(viewer.tenant, "POST", function, role="editor", body=body, prefer="", query={})
    reply = viewer.send(event | {"pathParameters": {"function": function}})
    return json.loads(reply.text)


@pytest.mark.parametrize("change", ["text", "varchar", "prose"])
@pytest.mark.parametrize("prepared", [True, False])
def test_a_column_that_is_searched_is_text_now(viewer: Viewer, change: str, prepared: bool) -> None:
    """A tsvector becomes text, which PostgreSQL would search in a language that nobody named."""
    viewer.run("DROP TABLE IF EXISTS notes; DROP DOMAIN IF EXISTS prose; CREATE DOMAIN prose AS text")
    viewer.run("CREATE TABLE notes (id int PRIMARY KEY, words tsvector)")
    viewer.run("INSERT INTO notes VALUES (1, to_tsvector('simple', 'running dogs')); NOTIFY pgrst, 'reload schema'")
    query = {"words": "fts(simple).run", "select": "id"}
    for _ in range(3 if prepared else 0):
        assert viewer.get("notes", **query).json == []
    assert viewer.get("notes", words="fts(simple).running", select="id").json == [{"id": 1}]
    viewer.run(f"ALTER TABLE notes ALTER words TYPE {change} USING 'running dogs'")
    for _ in range(3):
        assert viewer.get("notes", **query).json == []
    assert viewer.get("notes", words="fts(english).run", select="id").json == [{"id": 1}]


@pytest.mark.parametrize("now", ["VOLATILE", "VOLATILE STRICT"])
def test_a_function_writes_now(viewer: Viewer, now: str) -> None:
    """A function that only read is replaced by one that writes: a call by POST may, one by GET never."""
    viewer.run("CREATE TABLE IF NOT EXISTS calls (number int); TRUNCATE calls")
    viewer.run("CREATE OR REPLACE FUNCTION changing(a int) RETURNS int LANGUAGE sql STABLE AS 'SELECT a'")
    viewer.run("NOTIFY pgrst, 'reload schema'")
    post = request_event(viewer.tenant, "POST", "", role="editor", body={"a": 5}, prefer="", query={})
    post["pathParameters"] = {"function": "changing"}
    assert viewer.send(post).json == 5
    viewer.run(
        f"CREATE OR REPLACE FUNCTION changing(a int) RETURNS int LANGUAGE sql {now}"
        " AS 'INSERT INTO calls VALUES (a) RETURNING number'"
    )
    written = viewer.send(post)
    assert (written.status, written.json) == (200, 5)
    assert viewer.get("rpc/changing", a="6", role="editor").status == 405
    assert viewer.run("SELECT number FROM calls") == [(5,)]

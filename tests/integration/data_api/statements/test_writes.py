"""Planned inserts, updates and deletions on a real server."""

from tests.integration.data_api.statements.conftest import Tables


def test_inserts_one_row_with_defaults(tables: Tables) -> None:
    number, rows = tables.call("POST", "people", {"select": ["name,note,mood,age"]}, {"name": "Dana", "age": 5})

    assert number == 1
    assert rows == [{"name": "Dana", "note": "none", "mood": "calm", "age": 5}]


def test_inserts_many_rows_in_order(tables: Tables) -> None:
    body = [{"name": f"p{nth}", "tags": ["x", "y,z"]} for nth in range(50)]

    number, rows = tables.call("POST", "people", {"select": ["name,tags"]}, body)

    assert (number, rows) == (50, body)


def test_columns_choose_what_is_inserted(tables: Tables) -> None:
    body = [{"name": "E", "age": 1, "ignored": True}, {"name": "F"}]

    _, rows = tables.call("POST", "people", {"columns": ["name,age"], "select": ["name,age,note"]}, body)

    assert rows == [{"name": "E", "age": 1, "note": "none"}, {"name": "F", "age": None, "note": "none"}]


def test_empty_objects_insert_rows_of_defaults(tables: Tables) -> None:
    tables.cursor.execute("CREATE TABLE defaults (n int DEFAULT 7)")

    assert tables.call("POST", "defaults", body={}) == (1, [{"n": 7}])
    assert tables.call("POST", "defaults", body=[{}, {}]) == (2, [{"n": 7}, {"n": 7}])
    assert tables.call("POST", "defaults", body=[]) == (0, [])


def test_minimal_counts_without_a_body(tables: Tables) -> None:
    body = {"name": "G"}

    assert tables.call("POST", "people", body=[body, body], prefer="") == (2, None)
    assert tables.call("PATCH", "people", {"name": ["eq.G"]}, {"age": 1}, prefer="return=minimal") == (
        2,
        None,
    )
    assert tables.call("DELETE", "people", {"name": ["eq.G"]}, prefer="return=headers-only") == (2, None)


def test_a_write_that_returns_nothing_needs_no_right_to_read(tables: Tables) -> None:
    tables.cursor.execute("CREATE ROLE writer; GRANT INSERT (name) ON people TO writer; SET LOCAL ROLE writer")

    assert tables.call("POST", "people", body={"name": "H"}, prefer="return=minimal") == (1, None)


def test_updates_what_the_filter_finds_and_the_body_names(tables: Tables) -> None:
    query = {"id": ["in.(1,2)"], "select": ["id,years:age,tags"]}

    number, rows = tables.call("PATCH", "people", query, {"age": 99, "tags": None})

    assert number == 2
    assert sorted(rows, key=lambda row: row["id"]) == [
        {"id": 1, "years": 99, "tags": None},
        {"id": 2, "years": 99, "tags": None},
    ]
    assert tables.ids({"age": ["eq.99"]}) == [1, 2]
    assert tables.ids({"name": ["eq.Asha"]}) == [1]


def test_an_update_of_nothing_changes_nothing(tables: Tables) -> None:
    assert tables.call("PATCH", "people", {"id": ["eq.1"]}, {}) == (0, [])
    assert tables.call("PATCH", "people", {"id": ["eq.1"]}, {}, prefer="") == (0, None)


def test_deletes_what_the_filter_finds(tables: Tables) -> None:
    assert tables.call("DELETE", "people", {"age": ["lt.40"], "select": ["id"]}) == (
        2,
        [{"id": 1}, {"id": 4}],
    )
    assert tables.ids({}) == [2, 3]

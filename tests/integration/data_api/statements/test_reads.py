"""Planned reads, and PostgreSQL's answers to names and values, on a real server."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2
import pytest

from tests.integration.data_api.statements.conftest import Tables


@pytest.mark.parametrize(
    ("column", "condition", "ids"),
    [
        ("id", "eq.2", [2]),
        ("id", "neq.2", [1, 3, 4]),
        ("age", "gt.31", [3]),
        ("age", "gte.31", [1, 3]),
        ("age", "lt.31", [4]),
        ("age", "lte.31", [1, 4]),
        ("name", "like.A*", [1]),
        ("name", "ilike.*BEL_", [2]),
        ("name", "eq.", [4]),
        ("id", "in.(1,3,99)", [1, 3]),
        ("id", "in.()", []),
        ("name", 'in.("Asha","")', [1, 4]),
        ("id", "not.in.(1,3)", [2, 4]),
        ("age", "is.null", [2]),
        ("age", "not.is.null", [1, 3, 4]),
        ("age", "is.not_null", [1, 3, 4]),
        ("active", "is.true", [1, 4]),
        ("active", "is.false", [2]),
        ("active", "is.unknown", [3]),
        ("active", "eq.t", [1, 4]),
        ("name", "not.eq.Asha", [2, 3, 4]),
        ("mood", "eq.busy", [2, 4]),
        ("mood", "in.(calm)", [1, 3]),
        ("tags", "eq.{a,b}", [1]),
        ("price", "gte.1.5", [1, 2]),
    ],
)
def test_filters(tables: Tables, column: str, condition: str, ids: list[int]) -> None:
    assert tables.ids({column: [condition]}) == ids


def test_filters_on_one_column_are_all_applied(tables: Tables) -> None:
    assert tables.ids({"age": ["gte.20", "lte.31"], "active": ["is.true"]}) == [1, 4]
    assert tables.ids({"age": ["gte.20", "lt.31"]}) == [4]


def test_select_orders_and_cuts(tables: Tables) -> None:
    query = {
        "select": ["full:name,id::text,price::numeric(10,1),n:age::double precision"],
        "order": ["age.desc.nullsfirst,id"],
        "limit": ["2"],
        "offset": ["1"],
    }

    number, rows = tables.call("GET", "people", query)

    assert number == 2
    assert rows == [
        {"full": "Carl", "id": "3", "price": None, "n": 45},
        {"full": "Asha", "id": "1", "price": 1.5, "n": 31},
    ]


def test_an_alias_does_not_capture_the_order(tables: Tables) -> None:
    _, rows = tables.call("GET", "people", {"select": ["name:id"], "order": ["name"]})

    assert [row["name"] for row in rows] == [4, 1, 2, 3]


def test_nothing_found_is_an_empty_array(tables: Tables) -> None:
    assert tables.call("GET", "people", {"id": ["eq.99"]}) == (0, [])
    assert tables.call("GET", "people", {"limit": ["0"]}) == (0, [])


def test_a_table_and_columns_named_like_ours(tables: Tables) -> None:
    row = {"_rows": 1, "_body": 2, "count": 3, "a b": 4, 'x"y': 5}
    renamed = {"select": [r'count:_rows,_rows:"a b","x\"y"'], "_rows": ["eq.1"], "order": ["count"]}

    assert tables.call("GET", "_rows") == (1, [row])
    assert tables.call("GET", "_rows", renamed) == (1, [{"count": 1, "_rows": 4, 'x"y': 5}])
    assert tables.call("POST", "_rows", body={"_rows": 7, "_body": 8})[1][0]["_body"] == 8
    assert tables.call("PATCH", "_body", {"_body": ["eq.1"]}, {"_rows": 9}) == (1, [{"_body": 1, "_rows": 9}])
    assert tables.call("DELETE", "_body", {"_rows": ["eq.9"]}) == (1, [{"_body": 1, "_rows": 9}])


@pytest.mark.parametrize(
    "type_name",
    [
        "int",
        "bigint",
        "text",
        "varchar(2)",
        "char",
        "bit varying",
        "float",
        "numeric",
        "text[]",
        "json",
        "name",
    ],
)
def test_casts_name_types_of_postgresql(tables: Tables, type_name: str) -> None:
    query = {"select": [f"v:tags::{type_name}" if type_name.endswith("[]") else f"v:note::{type_name}"]}

    assert tables.call("GET", "people", query | {"id": ["eq.0"]}) == (0, [])


def test_char_without_a_length_is_one_character(tables: Tables) -> None:
    assert tables.call("GET", "people", {"select": ["name::char"], "id": ["eq.1"]})[1] == [{"name": "A"}]


@pytest.mark.parametrize(
    ("method", "table", "query", "body", "sqlstate"),
    [
        ("GET", "nobody", {}, None, "42P01"),
        ("GET", "people", {"select": ["nope"]}, None, "42703"),
        ("GET", "people", {"nope": ["eq.1"]}, None, "42703"),
        ("GET", "people", {"order": ["nope"]}, None, "42703"),
        ("GET", "people", {"select": ["id::nope"]}, None, "42704"),
        ("GET", "people", {"id": ["eq.x"]}, None, "22P02"),
        ("GET", "people", {"id": ["like.1*"]}, None, "42883"),
        ("GET", "people", {"id": ["is.true"]}, None, "42804"),
        ("POST", "people", {}, {"name": "x", "nope": 1}, "42703"),
        ("POST", "people", {}, {"name": None}, "23502"),
        ("POST", "people", {}, {"id": 1, "name": "x"}, "23505"),
        ("POST", "people", {}, {"name": "x", "age": "old"}, "22P02"),
        ("POST", "people", {}, {"name": "\0"}, "22P05"),
        ("PATCH", "people", {"id": ["eq.1"]}, {"nope": 1}, "42703"),
        ("DELETE", "people", {"nope": ["eq.1"]}, None, "42703"),
    ],
)
def test_postgresql_judges_names_and_values(
    tables: Tables, method: str, table: str, query: Mapping[str, Sequence[str]], body: Any, sqlstate: str
) -> None:
    with pytest.raises(psycopg2.Error) as refused:
        tables.call(method, table, query, body)

    assert refused.value.pgcode == sqlstate

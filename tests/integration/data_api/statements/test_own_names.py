"""Tables, columns, functions and schemas that are called as our statements call their own parts."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tenantry.data_api.catalogue_reader import read_catalogue
from tenantry.postgrest import CatalogueNeeded, Kind, Request, RequestLimits, plan
from tenantry.postgrest import sql as written_here
from tenantry.postgrest.catalogue.model import Catalogue
from tenantry.postgrest.names import quote
from tests.integration.data_api.statements.conftest import Connection, Tables

SOURCES = [path.read_text() for path in Path(written_here.__file__).parent.glob("*.py")]
# Names in quotes that begin with an underscore, those that are put together, and words that PostgreSQL gives a meaning.
NAMES = sorted(
    {name for source in SOURCES for name in re.findall(r"""["'\s](_[a-z][a-z ]*)["']""", source)}
    | {"_e1", "_e2", "_e1_j", "_e1 rows", "_e1 0", "_t0", "_t1", "_rows_1", "_new values 1", "pgrst_scalar"}
    | {"excluded", "old", "new", "key", "value", "a", "e", "t"}
)
COLUMNS = ", ".join(f"{quote(name)} int DEFAULT 1" for name in NAMES)


def table(name: str, schema: str = "public") -> str:
    named = f"{quote(schema)}.{quote(name)}"
    columns = f"id int PRIMARY KEY, hub int REFERENCES hub, {quote(name)} int DEFAULT 1"
    return f"CREATE TABLE {named} ({columns}); INSERT INTO {named} VALUES (1, 1)"


@pytest.fixture(scope="module")
def catalogue(database: Connection) -> Catalogue:
    cursor = database.cursor()
    cursor.execute(f'DROP TABLE "_rows", "_body"; CREATE TABLE hub (id int PRIMARY KEY, {COLUMNS})')
    cursor.execute("INSERT INTO hub VALUES (1)")
    for name in NAMES:
        cursor.execute(table(name))
        cursor.execute(f"CREATE SCHEMA {quote(name)}")
        cursor.execute(table(name, name))
        columns = "SELECT 7" if name == "pgrst_scalar" else f"SELECT {quote(name)} FROM public.{quote(name)}"
        cursor.execute(
            f"CREATE FUNCTION {quote(name)}({quote(name)} int) RETURNS SETOF hub LANGUAGE sql AS 'TABLE hub';"
            f"CREATE FUNCTION {quote('of ' + name)}({quote(name)} int) RETURNS SETOF int LANGUAGE sql AS $${columns}$$"
        )
    tables = Tables(database)
    cursor.execute("BEGIN")
    found = read_catalogue(tables, ("public", *NAMES))
    cursor.execute("ROLLBACK")
    return found


class Calls:
    """Requests about one name; each is taken back."""

    def __init__(self, tables: Tables, catalogue: Catalogue) -> None:
        self._tables, self._catalogue, self.is_known = tables, catalogue, True

    def __call__(
        self,
        method: str,
        name: str,
        query: Mapping[str, str],
        body: Any = None,
        prefer: str = "return=representation,count=exact",
        *,
        exact: bool = False,
        **more: Any,
    ) -> Any:
        asked = {key: [text] for key, text in query.items()}
        raw = None if body is None else json.dumps(body).encode()
        request = Request(method, name, asked, prefer=prefer, body=raw, **more)
        limits = RequestLimits(aggregates=True, exact=exact)
        try:
            planned = plan(request, limits, self._catalogue if self.is_known else None)
        except CatalogueNeeded:
            planned = plan(request, limits, self._catalogue)
        self._tables.cursor.execute("SAVEPOINT before")
        answer = self._tables.run(planned)[1]
        self._tables.cursor.execute("ROLLBACK TO before")
        return answer


@pytest.fixture
def calls(tables: Tables, catalogue: Catalogue) -> Calls:
    return Calls(tables, catalogue)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_table_and_a_column_may_be_called_so(calls: Calls, name: str, is_known: bool) -> None:
    """Also where the catalogue is not known, and names stand alone."""
    calls.is_known = is_known
    column, row = f'"{name}"', {"id": 1, "hub": 1, name: 1}
    mine = {"select": f"id,{column}", column: "eq.1", "order": column}
    one = [{"id": 1, name: 1}]
    assert calls("GET", name, {}) == [row]
    assert calls("GET", name, mine) == one
    assert calls("GET", name, {"select": f"x:{column}", "or": f"({column}.eq.1,{column}.is.null)"}) == [{"x": 1}]
    new = {"id": 2, name: 5}
    assert calls("POST", name, {}, new) == [row | {"id": 2, "hub": None, name: 5}]
    assert calls("POST", name, {"select": column}, [new]) == [{name: 5}]
    two = [new, {"id": 3}]
    given = calls("POST", name, {"columns": f"id,{column}", "select": f"id,{column}"}, two)
    assert given == [{"id": 2, name: 5}, {"id": 3, name: None}]
    filled = "missing=default,return=representation"
    assert calls("POST", name, {"columns": f"id,{column}", "select": column}, two, filled) == [{name: 5}, {name: 1}]
    old, merge = {"id": 1, name: 5}, "resolution=merge-duplicates,return=representation"
    assert calls("POST", name, {"on_conflict": "id", "select": column}, old, merge) == [{name: 5}]
    assert calls("PUT", name, {"id": "eq.1", "select": column}, old) == [{name: 5}]
    change = {name: 5}
    assert calls("PATCH", name, mine, change) == [{"id": 1, name: 5}]
    assert calls("PATCH", name, {column: "eq.1"}, change) == [row | {name: 5}]
    assert calls("PATCH", name, mine | {"columns": column}, {}) == [{"id": 1, name: None}]
    assert calls("DELETE", name, mine) == one


@pytest.mark.parametrize("name", NAMES)
def test_embedded_ones_may(calls: Calls, name: str) -> None:
    column, row = f'"{name}"', {"id": 1, "hub": 1, name: 1}
    assert calls("GET", name, {"select": f"{column},hub(id,{column})"}) == [{name: 1, "hub": {"id": 1, name: 1}}]
    assert calls("GET", "hub", {"select": f"id,{column}(*)"}) == [{"id": 1, name: [row]}]
    order = {f"{column}.order": column, f"{column}.{column}": "eq.1"}
    assert calls("GET", "hub", {"select": f"id,{column}!inner({column})", **order}) == [{"id": 1, name: [{name: 1}]}]
    assert calls("GET", "hub", {"select": f"id,...{column}({column},x:hub)", **order}) == [
        {"id": 1, name: [1], "x": [1]}
    ]
    assert calls("GET", name, {"select": f"id,...hub({column})", "order": f"hub({column})"}) == [{"id": 1, name: 1}]
    assert calls("GET", name, {"select": f"{column}.sum(),...hub(x:{column}.max())"}) == [{"sum": 1, "x": 1}]
    spread = {"select": f"id,...{column}!inner(*)", column: "not.is.null", **order}
    arrays = {key: [value] for key, value in row.items()}
    assert calls("GET", "hub", {**spread, "select": f"...{column}!inner(*)"}, exact=True) == [arrays]
    change = {name: 5}
    query = {"select": f"{column},hub!inner({column})", f"hub.{column}": "eq.1", column: "eq.1"}
    assert calls("PATCH", name, query, change) == [{name: 5, "hub": {name: 1}}]
    query = {"select": f"id,{column}!inner({column})", **order}
    assert calls("PATCH", "hub", query, change) == [{"id": 1, name: [{name: 1}]}]


@pytest.mark.parametrize("name", NAMES)
def test_functions_and_schemas_may(calls: Calls, name: str) -> None:
    column = f'"{name}"'
    more: dict[str, Any] = {"kind": Kind.ROUTINE}
    query = {"select": column, column: "eq.1", "order": column}
    change = {name: 1}
    assert calls("POST", name, query, change, **more) == [{name: 1}]
    assert calls("GET", name, {name: "1", "select": column}, **more) == [{name: 1}]
    expected = [7] if name == "pgrst_scalar" else [1]
    assert calls("POST", f"of {name}", {}, change, **more) == expected
    more = {"schemas": (name,)}
    assert calls("GET", name, {"select": column, column: "eq.1"}, **more) == [{name: 1}]
    assert calls("PATCH", name, {"select": column, column: "eq.1"}, {name: 5}, **more) == [{name: 5}]


@pytest.mark.parametrize("name", ["_row of it", "_new values", "_body", "old", "new", "excluded", "people"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_where_no_column_is_called_so_there_is_none(tables: Tables, method: str, name: str) -> None:
    """Some of them are a whole row for PostgreSQL, which nobody has asked for."""
    with pytest.raises(psycopg2.errors.UndefinedColumn):
        tables.call(method, "people", {"select": [name], "id": ["eq.1"]}, {"age": 1} if method == "PATCH" else None)

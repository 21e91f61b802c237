"""The document in OpenAPI 3.0. That each is valid, test_document.py sees to: it has both checked."""

from typing import Any

import pytest

from tenantry.postgrest.catalogue.model import Column, Name, Parameter, Routine, Volatility
from tenantry.postgrest.openapi.version3 import rewrite
from tests.unit.postgrest.openapi.test_document import CUSTOMERS, ID, ORDERS, catalogue, document, name, table

URL = "http://127.0.0.1:4566/live/rest/v1/"
ROW = {"$ref": "#/components/schemas/orders"}
WRITTEN = {"$ref": "#/components/schemas/orders.write"}


def shop(*tables: Any, routines: tuple[Routine, ...] = ()) -> Any:
    return rewrite(document(catalogue(*(tables or (ORDERS,)), routines=routines)), URL)


def content_of(operation: Any, status: str) -> Any:
    return {kind: each["schema"] for kind, each in operation["responses"][status]["content"].items()}


def test_says_where_it_is_served_and_that_a_token_is_needed() -> None:
    made = shop()

    assert made["openapi"].startswith("3.0.")
    assert made["servers"] == [{"url": "http://127.0.0.1:4566/live/rest/v1"}]
    assert made["security"] == [{"JWT": []}]
    assert made["components"]["securitySchemes"]["JWT"]["scheme"] == "bearer"


def test_null_is_a_value_of_what_may_be_null() -> None:
    orders = shop()["components"]["schemas"]["orders"]

    assert orders["required"] == ["id"]
    assert "nullable" not in orders["properties"]["id"]
    assert orders["properties"]["code"]["nullable"] is True
    assert orders["properties"]["state"]["enum"] == ["open", "paid", None]
    assert "x-nullable" not in str(orders)


def test_a_body_may_leave_out_columns_and_many_rows_are_added_at_once() -> None:
    made = shop()
    paths, schemas = made["paths"]["/orders"], made["components"]["schemas"]

    assert "required" not in schemas["orders.write"]
    assert schemas["orders.write"]["properties"] == schemas["orders"]["properties"]
    bodies = {method: paths[method]["requestBody"]["content"] for method in ("post", "put", "patch")}
    assert bodies["post"]["application/json"]["schema"] == {"oneOf": [WRITTEN, {"type": "array", "items": WRITTEN}]}
    assert bodies["put"]["application/json"]["schema"] == bodies["patch"]["application/json"]["schema"] == WRITTEN
    assert "requestBody" not in paths["get"]
    assert "body" not in [each.get("in") for each in made["components"]["parameters"].values()]


@pytest.mark.parametrize(
    ("method", "status"), [("get", "200"), ("get", "206"), ("post", "201"), ("patch", "200"), ("delete", "200")]
)
def test_an_answer_is_rows_or_one_row(method: str, status: str) -> None:
    content = content_of(shop()["paths"]["/orders"][method], status)

    assert content["application/json"] == {"type": "array", "items": ROW}
    assert content["application/vnd.pgrst.object+json"] == ROW
    assert content["text/csv"] == {"type": "string"}


def test_nothing_is_answered_with_204_and_one_shape_with_every_refusal() -> None:
    made = shop()

    assert "content" not in made["paths"]["/orders"]["delete"]["responses"]["204"]
    assert made["paths"]["/orders"]["get"]["responses"]["400"] == {"$ref": "#/components/responses/BadRequest"}
    refusal = made["components"]["responses"]["Unavailable"]
    assert refusal["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    assert refusal["headers"]["Retry-After"]["schema"]["type"] == "integer"


def test_values_of_parameters_are_described_by_schemas() -> None:
    parameters = shop()["components"]["parameters"]

    assert parameters["rowFilter.orders.code"] == {
        "name": "code",
        "in": "query",
        "required": False,
        "schema": {"type": "string"},
    }
    assert parameters["preferCount"]["schema"]["enum"][0] == "count=exact"
    assert parameters["rangeUnit"]["schema"]["default"] == "items"


def test_arguments_are_a_body_or_parameters_and_any_answer_is_told_of() -> None:
    words = Parameter("words", "text[]", variadic=True)
    shout = Routine(name("shout"), (words,), volatility=Volatility.STABLE, returns=Name("pg_catalog", "text"))
    path = shop(routines=(shout,))["paths"]["/rpc/shout"]

    (argument,) = [each for each in path["get"]["parameters"] if "$ref" not in each and each["name"] == "words"]
    assert argument["schema"]["type"] == "array"
    assert "collectionFormat" not in str(path)
    body = path["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"]["application/json"]["schema"]["properties"].keys() == {"words"}
    assert content_of(path["post"], "200") == {"application/json": {}}


def test_names_that_components_may_not_have_are_spelled_and_never_shared() -> None:
    odd = [table(each, ID) for each in ("größe", "gr_uf6_u00dfe", "gr_uf6_udfe", "表", "orders.write")]
    made = shop(*odd, ORDERS, CUSTOMERS)
    schemas = made["components"]["schemas"]

    assert schemas.keys() > {"gr_uf6_udfe", "gr_uf6_udfe_", "_u8868", "orders.write", "orders.write_"}
    assert "/gr%C3%B6%C3%9Fe" in made["paths"]
    rows = made["paths"]["/gr%C3%B6%C3%9Fe"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert rows["items"] == {"$ref": "#/components/schemas/gr_uf6_udfe_"}
    body = made["paths"]["/orders"]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/orders.write_"}


def test_a_list_of_lists_keeps_its_items() -> None:
    column = Column("c", "public.state[]", enum=("open",))
    found = shop(table("t", column, key=()))["components"]["schemas"]["t"]["properties"]["c"]

    assert found["items"] == {"type": "string", "enum": ["open"]}
    assert found["nullable"] is True
